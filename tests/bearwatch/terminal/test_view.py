"""The live view: from a snapshot and alerts to a screen, and to plain lines."""

from alert_messages import NOW, alert
from rich.console import Console

from alerting.alerts import Alert, Evidence
from bearwatch.core.key import Key
from bearwatch.terminal.snapshot import KeyStatistics, Snapshot
from bearwatch.terminal.view import Place, alert_lines, screen, status_line

SNAPSHOT = Snapshot(
    state="serving",
    documents=32,
    dead_letters=2,
    lag=7,
    keys=(KeyStatistics(Key("news", "topic", "Macro"), 30, 12, 0.25, 0.2, 0.4),),
    watermark=1700000000,
)


def shown(snapshot: Snapshot, *alerts: Alert) -> str:
    console = Console(width=140, force_terminal=False, record=True)
    console.print(screen(snapshot, 42.0, alerts, [Place("metrics", "http://127.0.0.1:9108/metrics")], NOW))
    return console.export_text()


def test_the_screen_shows_state_topics_alert_and_where_to_look():
    text = shown(SNAPSHOT, alert())
    for part in (
        "serving",
        "32 documents",
        "42/s",
        "lag 7",
        "Macro",
        "25%",
        "Refinery burns",
        "9 of 10",
        "metrics",
    ):
        assert part in text, part


def test_the_screen_says_why_a_worker_is_stuck():
    assert "no answer" in shown(Snapshot(state="stuck", reason="no answer from the broker"))


def test_a_resolved_or_historical_alert_is_not_shown_as_active():
    for past in (alert(state="resolved"), alert(historical=True)):
        text = shown(Snapshot(), past)
        assert "ALERT" not in text and "Energy | Oil" in text


def test_control_characters_do_not_reach_the_terminal():
    """A headline with an escape sequence or with markup is shown as characters."""
    hostile = Evidence(text="\x1b[31mred [bold]x[/bold]", source="w\x07", probability=0.9)
    plain = "\n".join(alert_lines(alert(evidence=(hostile,))))
    assert "\x1b" not in plain and "\x07" not in plain
    text = shown(Snapshot(), alert(evidence=(hostile,)))
    assert "\x1b" not in text and "[bold]x[/bold]" in text


def test_state_and_alert_as_plain_lines():
    assert status_line(SNAPSHOT, 42.0) == (
        "serving: 32 documents, 42/s, lag 7, event time 2023-11-14 22:13:20 UTC"
    )
    lines = alert_lines(alert())
    assert lines[0] == "ALERT firing: critical surge of bad news about Energy | Oil"
    assert "9 of 10 stories negative (90%, usual 20%, 4.5 times) from 5 sources in 15 min" in lines[1]
    assert lines[2] == "  - Refinery burns after explosion [Wire]"
