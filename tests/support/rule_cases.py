"""What each alert must do, as series over time and the number of alerts that fire at given seconds.

Series are in promtool's notation: `1x3` is four samples of 1, `stale` is what a failed scrape leaves, `_` is no
sample. They start at second 0, one sample every `step` seconds. `since` says when the alert must have begun: an
alert that resolved and fired again begins later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FIRES, QUIET, RESOLVES = "fires", "does not fire", "resolves"
MISSED, RESTART, REBALANCE = "a missed scrape", "a worker restart", "a rebalance"
ALL = {FIRES, QUIET, RESOLVES, MISSED, RESTART, REBALANCE}


@dataclass(frozen=True)
class Case:
    name: str
    series: Mapping[str, str]
    firing: Mapping[int, int]  # second -> alerts
    since: int | None = None
    step: int = 15
    severity: str = ".+"


def active(severity: str, instance: str = "a") -> str:
    labels = (
        f'stream="news", topic="Energy | Oil", kind="surge", severity="{severity}", instance="{instance}"'
    )
    return f"bearwatch_alert_active{{{labels}}}"


def surge(name: str, series: Mapping[str, str], firing: Mapping[int, int], since: int | None = None) -> Case:
    return Case(name, series, firing, since, step=5)


# A surge begins at 60 s. An alert outlasts its surge by two minutes.
SURGE = [
    surge(FIRES, {active("warning"): "0x11 1x60", active("critical"): "0x71"}, {55: 0, 60: 1, 300: 1}),
    surge(FIRES + " critical, with a warning", {active("critical"): "0x11 1x60"}, {55: 0, 60: 2}),
    surge(QUIET, {active("warning"): "0x60", active("critical"): "0x60"}, {0: 0, 300: 0}),
    surge(RESOLVES, {active("warning"): "0x11 1x11 0x60"}, {115: 1, 235: 1, 245: 0, 400: 0}),
    surge(
        "escalates, and both end together",
        {active("warning"): "0x11 1x11 0x80", active("critical"): "0x23 1x11 0x60"},
        {115: 1, 120: 2, 295: 2, 305: 0},
    ),
    surge(MISSED, {active("warning"): "0x11 1x5 stale 1x60"}, {85: 1, 90: 1, 95: 1, 300: 1}, since=60),
    surge(
        RESTART + ", all of its 90 s, and an evaluation before it is active again",
        {active("warning"): "0x11 1x5 stale _x17 0x2 1x60"},
        {90: 1, 180: 1, 200: 1, 300: 1},
        since=60,
    ),
    surge(
        REBALANCE,
        {active("warning", "a"): "0x11 1x5 stale", active("warning", "b"): "_x28 1x60"},
        {90: 1, 140: 1, 145: 1, 300: 1},
        since=60,
    ),
    surge(
        REBALANCE + " while the worker before is still scraped",
        {active("warning", "a"): "0x11 1x40", active("warning", "b"): "_x28 1x60"},
        {145: 1, 200: 1, 400: 1},
        since=60,
    ),
]


def up(instance: str, job: str = "bearwatch") -> str:
    return f'up{{job="{job}", instance="{instance}"}}'


WORKER_DOWN = [
    Case(FIRES, {up("a"): "1x3 0x20", up("b"): "1x24"}, {105: 0, 120: 1, 300: 1}),
    Case(QUIET, {up("a"): "1x40", up("x", "alertmanager"): "0x40"}, {300: 0, 600: 0}),
    Case(RESOLVES, {up("a"): "1x3 0x7 1x40"}, {165: 1, 285: 1, 315: 0}),
    Case(MISSED, {up("a"): "1x3 0 1x40"}, {60: 0, 120: 0, 300: 0}),
    Case(RESTART, {up("a"): "1x3 0x2 1x40"}, {60: 0, 90: 0, 120: 0, 300: 0}),
    Case(REBALANCE + ": a worker is taken away", {up("a"): "1x3 stale", up("b"): "1x40"}, {120: 0, 300: 0}),
]
NO_WORKER = [
    Case(FIRES, {up("a"): "1x3 0x20", up("b"): "1x3 stale"}, {105: 0, 120: 1, 300: 1}),
    Case(FIRES + " where discovery finds none", {up("x", "prometheus"): "1x20"}, {45: 0, 60: 1}),
    Case(QUIET, {up("a"): "0x20", up("b"): "1x20"}, {120: 0, 300: 0}),
    Case(RESOLVES, {up("a"): "0x10 1x20"}, {150: 1, 270: 1, 300: 0}),
    Case(MISSED, {up("a"): "1x3 0 1x20"}, {60: 0, 120: 0}),
    Case(RESTART, {up("a"): "1x3 0x2 1x20"}, {90: 0, 120: 0}),
    Case(REBALANCE, {up("a"): "1x3 stale", up("b"): "_x6 1x20"}, {90: 0, 105: 0, 120: 0}),
]


def lag(instance: str = "a") -> str:
    return f'bearwatch_lag_records{{kafka_topic="bearwatch.news", partition="0", instance="{instance}"}}'


# Above 1000 from 315 s on, and firing five minutes later.
LAG_GROWING = [
    Case(FIRES, {lag(): "0+50x80"}, {600: 0, 615: 1, 1200: 1}),
    Case(QUIET, {lag(): "100000-500x80"}, {600: 0, 1200: 0}),
    Case(QUIET + " on a small lag", {lag(): "0+10x80"}, {1200: 0}),
    Case(RESOLVES, {lag(): "0+50x60 0x60"}, {900: 1, 1320: 1, 1365: 0}),
    Case(MISSED, {lag(): "0+50x30 stale 1600+50x40"}, {600: 0, 615: 1}),
    Case(RESTART, {lag(): "0+50x30 stale _x3 1750+50x40"}, {600: 0, 615: 1, 900: 1}, since=315),
    Case(REBALANCE, {lag("a"): "0+50x30 stale", lag("b"): "_x35 1750+50x40"}, {600: 0, 615: 1}, since=315),
]


def watermark(instance: str = "a") -> str:
    return f'bearwatch_watermark_timestamp_seconds{{partition="0", instance="{instance}"}}'


# Event time stands still at 0: more than 300 s behind from 315 s on, and firing five minutes later.
EVENT_TIME_BEHIND = [
    Case(FIRES, {watermark(): "0x80"}, {600: 0, 615: 1, 1200: 1}),
    Case(
        FIRES + " when no worker evaluates any more",
        {watermark(): "0+15x20 stale"},
        {900: 0, 930: 1, 3600: 1},
    ),
    Case(QUIET, {watermark(): "-25+15x80"}, {600: 0, 1200: 0}),
    Case(QUIET + " while history is read", {watermark(): "-5000+300x80"}, {300: 0, 600: 0, 900: 0}),
    Case(RESOLVES, {watermark(): "0x50 765+15x40"}, {750: 1, 765: 0}),
    Case(MISSED, {watermark(): "0x25 stale 0x40"}, {600: 0, 615: 1}),
    Case(RESTART, {watermark(): "0x25 stale _x4 0x40"}, {600: 0, 615: 1}, since=315),
    Case(REBALANCE, {watermark("a"): "0x25 stale", watermark("b"): "_x31 0x40"}, {600: 0, 615: 1}, since=315),
]


def end_to_end(in_time: str, all_of_them: str, instance: str = "a") -> dict[str, str]:
    labels = f'stream="news", instance="{instance}"'
    return {
        f'bearwatch_end_to_end_seconds_bucket{{{labels}, le="60.0"}}': in_time,
        f"bearwatch_end_to_end_seconds_count{{{labels}}}": all_of_them,
    }


def burn(name: str, series: Mapping[str, str], firing: Mapping[int, int], severity: str = "critical") -> Case:
    minutes = {minute * 60: number for minute, number in firing.items()}
    return Case(name, series, minutes, step=60, severity=severity)


# 100 documents a minute. From minute 60 on half of them are slow: 14.4 % of an hour's after 18 minutes.
END_TO_END_SLOW = [
    burn(FIRES, end_to_end("0+100x60 6000+50x60", "0+100x121"), {60: 0, 64: 0, 80: 1, 120: 1}),
    burn(FIRES + " a warning", end_to_end("0+98x600", "0+100x600"), {5: 1, 600: 1}, "warning"),
    burn(QUIET, end_to_end("0+98x600", "0+100x600"), {300: 0, 600: 0}),
    burn(QUIET + " on one slow minute", end_to_end("0+100x60 6000 6100+100x60", "0+100x121"), {62: 0, 70: 0}),
    burn(QUIET + " on a handful", end_to_end("0x120", "0+0.1x120"), {60: 0, 120: 0}),
    burn(RESOLVES, end_to_end("0+100x60 6000+50x30 7500+100x90", "0+100x181"), {90: 1, 130: 0, 180: 0}),
    burn(MISSED, end_to_end("0+100x60 6000+50x29 stale 7550+50x30", "0+100x90 stale 9200+100x30"), {91: 1}),
    burn(RESTART, end_to_end("0+100x60 6000+50x29 stale 0+50x30", "0+100x90 stale 0+100x30"), {91: 1, 95: 1}),
    burn(
        REBALANCE,
        end_to_end("0+100x60 6000+50x29 stale", "0+100x90 stale")
        | end_to_end("_x90 0+50x30", "_x90 0+100x30", "b"),
        {90: 1, 92: 1, 95: 1, 100: 1},
    ),
]


def rejected(dead: str, classified: str, instance: str = "a") -> dict[str, str]:
    labels = f'stream="news", instance="{instance}"'
    return {
        f'bearwatch_dead_letters_total{{{labels}, reason="not JSON"}}': dead,
        f'bearwatch_documents_total{{{labels}, outcome="dead_letter"}}': dead,
        f'bearwatch_documents_total{{{labels}, outcome="classified"}}': classified,
    }


def late(number: str, classified: str, instance: str = "a") -> dict[str, str]:
    labels = f'stream="news", instance="{instance}"'
    return {
        f"bearwatch_late_documents_total{{{labels}}}": number,
        f'bearwatch_documents_total{{{labels}, outcome="classified"}}': classified,
    }


def rising(series) -> list[Case]:
    """From 600 s on one document in five is bad: ten of them and a ratio above the limit by 780 s."""
    one = ("0x40 1+1x80", "0+4x121")
    return [
        Case(FIRES, series(*one), {600: 0, 720: 0, 1000: 1, 1500: 1}),
        Case(QUIET + " on a few", series("0x40 1+1x6 7x80", "0+1x128"), {720: 0, 900: 0, 1200: 0}),
        Case(QUIET + " on a small ratio", series("0+1x120", "0+100x120"), {900: 0, 1800: 0}),
        Case(RESOLVES, series("0x40 1+1x39 40x90", "0+4x171"), {1200: 1, 1800: 1, 2200: 0}),
        Case(MISSED, series("0x40 1+1x14 stale 17+1x60", "0+4x55 stale 228+4x60"), {750: 0, 900: 1, 1000: 1}),
        Case(RESTART, series("0x40 1+1x30 stale _x4 0+1x60", "0+4x71 stale _x4 0+4x60"), {1090: 1, 1200: 1}),
        Case(
            REBALANCE,
            series("0x40 1+1x30 stale", "0+4x71 stale") | series("_x77 0+1x60", "_x77 0+4x60", "b"),
            {1090: 1, 1155: 1, 1300: 1, 1600: 1},
        ),
    ]


def documents(instance: str = "a") -> str:
    return f'bearwatch_documents_total{{stream="news", outcome="classified", instance="{instance}"}}'


# The last document comes at 600 s: none within ten minutes from 1200 s on, and firing twenty minutes later.
NO_DOCUMENTS = [
    Case(FIRES, {documents(): "0+1x40 40x200"}, {2385: 0, 2430: 1, 3000: 1}),
    Case(
        FIRES + " where all are rejected", rejected("0+1x240", "0+1x40 40x200"), {2385: 0, 2430: 1, 3000: 1}
    ),
    Case(QUIET, {documents(): "0+1x20 20x39 21+1x20 41x39 42+1x80"}, {2385: 0, 3000: 0}),
    Case(RESOLVES, {documents(): "0+1x40 40x140 41+1x60"}, {2700: 1, 2730: 0}),
    Case(MISSED, {documents(): "0+1x40 40x100 stale 40x60"}, {2385: 0, 2430: 1}),
    Case(RESTART, {documents(): "0+1x40 40x100 stale _x3 0x80"}, {2385: 0, 2430: 1, 3000: 1}),
    Case(
        REBALANCE,
        {documents("a"): "0+1x40 40x100 stale", documents("b"): "_x146 0x80"},
        {2385: 0, 2430: 1, 3000: 1},
    ),
    Case(
        REBALANCE + " while documents continue",
        {documents("a"): "0+1x100 stale", documents("b"): "_x106 0+1x100"},
        {1600: 0, 3000: 0},
    ),
]


def info(what: str, value: str, instance: str) -> str:
    return f'bearwatch_worker_info{{{what}="{value}", engine="onnx", instance="{instance}"}}'


def differs(what: str) -> list[Case]:
    """Two workers disagree from the start: firing after a quarter of an hour."""
    a, b = info(what, "1111", "a"), info(what, "2222", "b")
    return [
        Case(FIRES, {a: "1x100", b: "1x100"}, {885: 0, 900: 1, 1500: 1}),
        Case(QUIET, {a: "1x100", info(what, "1111", "b"): "1x100"}, {900: 0, 1500: 0}),
        Case(RESOLVES, {a: "1x150", b: "1x79 stale"}, {1200: 1, 1290: 1, 1335: 0}),
        Case(MISSED, {a: "1x100", b: "1x20 stale 1x80"}, {885: 0, 900: 1}, since=0),
        Case(RESTART, {a: "1x100", b: "1x20 stale _x5 1x80"}, {885: 0, 900: 1}, since=0),
        Case(
            REBALANCE + " of a rolling update",
            {a: "1x20 stale", info(what, "2222", "a"): "_x26 1x100", info(what, "1111", "b"): "1x40 stale"}
            | {b: "_x46 1x100"},
            {900: 0, 1200: 0, 1500: 0},
        ),
    ]


FAILED = 'alertmanager_notifications_failed_total{integration="webhook", instance="m"}'
NOTIFICATIONS_FAILING = [
    Case(FIRES, {FAILED: "0x20 1+1x40"}, {300: 0, 330: 1, 900: 1}),
    Case(QUIET, {FAILED: "3x60"}, {300: 0, 900: 0}),
    Case(RESOLVES, {FAILED: "0x20 1x80"}, {330: 1, 600: 1, 960: 0}),
    Case(MISSED, {FAILED: "0x20 1+1x5 stale 8+1x40"}, {405: 1, 420: 1, 900: 1}),
    Case(
        RESTART + " (of Alertmanager)", {FAILED: "0x20 1+1x5 stale _x2 0x9 1+1x40"}, {420: 1, 600: 1, 900: 1}
    ),
    Case(REBALANCE, {FAILED: "0x20 1+1x40", up("a"): "1x20 stale", up("b"): "_x25 1x40"}, {330: 1, 900: 1}),
]

WATCHDOG = [Case(FIRES, {up("a"): "0x20"}, {0: 1, 300: 1})]

CASES: dict[str, list[Case]] = {
    "Surge": SURGE,
    "WorkerDown": WORKER_DOWN,
    "NoWorker": NO_WORKER,
    "ModelDiffers": differs("model"),
    "PolicyDiffers": differs("policy"),
    "LagGrowing": LAG_GROWING,
    "EventTimeBehind": EVENT_TIME_BEHIND,
    "EndToEndSlow": END_TO_END_SLOW,
    "DeadLettersRising": rising(rejected),
    "LateDocumentsRising": rising(late),
    "NoDocuments": NO_DOCUMENTS,
    "NotificationsFailing": NOTIFICATIONS_FAILING,
    "Watchdog": WATCHDOG,
}
