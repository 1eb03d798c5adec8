"""The dashboard of one topic: ratio, baseline, p-value, and the counts that they come from."""

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as kinds

from alerting.dashboards.frame import TOPIC, Marked, framed, variable
from alerting.dashboards.panels import EACH_MINUTE, NUMBER, RATIO, Panel, bars, levels, lines, stat_panel
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
        ("$stream: $topic", [*_now(), _ratio(), _p_value()]),
        ("Counts", [_stories(), _negative_stories(), _sentiments(), _copies()]),
    ]
    active = of_key("bearwatch_alert_active", THIS, "kind, severity")
    board = framed(
        TOPIC,
        "bearwatch: one topic",
        "One topic of one stream: its negative ratio in every window against its baseline, and the counts.",
        "now-6h",
        variables,
        parts,
    )
    return board.annotation(Marked("Alerts", f"{active} > 0", "{{severity}} {{kind}}"))


def _now() -> list[Panel]:
    ratio = of_key("bearwatch_window_negative_ratio", THIS, BY_WINDOW)
    return [
        stat_panel(
            "Alert",
            "The severity of the alert that fires now, if one does.",
            NUMBER,
            [Query(alert_level(THIS), "alert")],
            1,
        )
        .mappings(levels())
        .no_value(""),
        stat_panel(
            "Past warm-up",
            "1 when the topic is past its warm-up; until then it has no p-value and its alerts cannot fire.",
            NUMBER,
            [Query(of_key("bearwatch_baseline_ready", THIS), "ready")],
        ),
        stat_panel(
            "Baseline",
            "Ratio of negative stories that is usual for this topic.",
            RATIO,
            [Query(of_key("bearwatch_baseline_ratio", THIS), "baseline")],
        ),
        stat_panel(
            "Negative ratio",
            "Negative stories divided by all stories in each window.",
            RATIO,
            [Query(ratio, "{{window}}")],
        ).span(12),
    ]


def _ratio() -> Panel:
    queries = [
        Query(of_key("bearwatch_window_negative_ratio", THIS, BY_WINDOW), "{{window}}"),
        Query(of_key("bearwatch_baseline_ratio", THIS), "baseline"),
    ]
    text = "Negative stories divided by all stories in each window, and the baseline. Red regions are alerts."
    return lines("Negative ratio and baseline", text, RATIO, queries).min(0).max(1)


def _p_value() -> Panel:
    panel = lines(
        "p-value",
        "Probability of as many negative stories or more under the baseline. No value while the topic warms up.",
        "sci",
        [Query(of_key("bearwatch_window_p_value", THIS, BY_WINDOW), "{{window}}")],
    )
    scale = common.ScaleDistributionConfig().type(kinds.ScaleDistribution.LOG).log(10)
    return panel.scale_distribution(scale)


def _stories() -> Panel:
    query = Query(of_key("bearwatch_window_stories", THIS, BY_WINDOW), "{{window}}")
    text = "Stories in each window; copies of a story count once."
    return lines("Stories", text, NUMBER, [query]).min(0)


def _negative_stories() -> Panel:
    query = Query(of_key("bearwatch_window_negative_stories", THIS, BY_WINDOW), "{{window}}")
    return lines("Negative stories", "Negative stories in each window.", NUMBER, [query]).min(0)


def _sentiments() -> Panel:
    query = Query(each_minute("bearwatch_classified_total", "sentiment", THIS), "{{sentiment}}")
    return bars("Documents by sentiment", "Documents of the topic per minute.", EACH_MINUTE, [query])


def _copies() -> Panel:
    documents = of_key("bearwatch_window_documents", THIS, BY_WINDOW)
    stories = of_key("bearwatch_window_stories", THIS, BY_WINDOW)
    return lines(
        "Documents per story",
        "How often a story was repeated, on average. Repetition alone does not make an alert fire.",
        NUMBER,
        [Query(f"{documents} / {stories}", "{{window}}")],
    ).min(1)
