"""One topic in depth: why it alerts, or how far it is from it."""

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as kinds

from alerting.dashboards.frame import TOPIC, Marked, framed, variable
from alerting.dashboards.panels import EACH_MINUTE, NUMBER, SHARE, Panel, bars, figure, levels, lines
from alerting.dashboards.queries import Query, alert_level, each_minute, of_key

THIS = 'stream="$stream", topic="$topic"'
BY_WINDOW = "stream, topic, window"


def topic() -> build.Dashboard:
    variables = [
        variable("stream", "Stream", "label_values(bearwatch_baseline_ratio, stream)", "news"),
        variable(
            "topic",
            "Topic",
            'label_values(bearwatch_baseline_ratio{stream="$stream"}, topic)',
            "Energy | Oil",
        ),
    ]
    parts = [
        ("$stream: $topic", [*_now(), _share(), _p_value()]),
        ("What it rests on", [_stories(), _negative_stories(), _sentiments(), _copies()]),
    ]
    active = of_key("bearwatch_alert_active", THIS, "kind, severity")
    board = framed(
        TOPIC,
        "bearwatch: one topic",
        "One topic of one stream: its negative share in every window against its usual one, and what both rest on.",
        "now-6h",
        variables,
        parts,
    )
    return board.annotation(Marked("Alerts", f"{active} > 0", "{{severity}} {{kind}}"))


def _now() -> list[Panel]:
    share = of_key("bearwatch_window_negative_ratio", THIS, BY_WINDOW)
    return [
        figure(
            "Alert", "The alert that fires now, if one does.", NUMBER, [Query(alert_level(THIS), "alert")], 1
        )
        .mappings(levels())
        .no_value(""),
        figure(
            "Can alert",
            "1 when the topic is past its warm-up; until then it has no p-value and cannot alert.",
            NUMBER,
            [Query(of_key("bearwatch_baseline_ready", THIS), "ready")],
        ),
        figure(
            "Usual share",
            "Share of negative stories that the topic's own past makes usual.",
            SHARE,
            [Query(of_key("bearwatch_baseline_ratio", THIS), "usual")],
        ),
        figure(
            "Negative share",
            "Negative stories of all stories in each window.",
            SHARE,
            [Query(share, "{{window}}")],
        ).span(12),
    ]


def _share() -> Panel:
    queries = [
        Query(of_key("bearwatch_window_negative_ratio", THIS, BY_WINDOW), "{{window}}"),
        Query(of_key("bearwatch_baseline_ratio", THIS), "usual"),
    ]
    text = "Negative stories of all stories in each window, and the usual share. Red regions are alerts."
    return lines("Negative share against the usual one", text, SHARE, queries).min(0).max(1)


def _p_value() -> Panel:
    panel = lines(
        "p-value",
        "Chance of as many negative stories or more if nothing is unusual. Low is improbable; nothing is drawn while "
        "the topic warms up.",
        "sci",
        [Query(of_key("bearwatch_window_p_value", THIS, BY_WINDOW), "{{window}}")],
    )
    scale = common.ScaleDistributionConfig().type(kinds.ScaleDistribution.LOG).log(10)
    return panel.scale_distribution(scale)


def _stories() -> Panel:
    query = Query(of_key("bearwatch_window_stories", THIS, BY_WINDOW), "{{window}}")
    text = "Stories in each window; copies of a story are one."
    return lines("Stories", text, NUMBER, [query]).min(0)


def _negative_stories() -> Panel:
    query = Query(of_key("bearwatch_window_negative_stories", THIS, BY_WINDOW), "{{window}}")
    return lines("Negative stories", "Negative stories in each window.", NUMBER, [query]).min(0)


def _sentiments() -> Panel:
    query = Query(each_minute("bearwatch_classified_total", "sentiment", THIS), "{{sentiment}}")
    return bars("Documents by sentiment", "Documents of the topic in a minute.", EACH_MINUTE, [query])


def _copies() -> Panel:
    documents = of_key("bearwatch_window_documents", THIS, BY_WINDOW)
    stories = of_key("bearwatch_window_stories", THIS, BY_WINDOW)
    return lines(
        "Documents a story",
        "How often a story was repeated, on average. Repetition alone makes no alert.",
        NUMBER,
        [Query(f"{documents} / {stories}", "{{window}}")],
    ).min(1)
