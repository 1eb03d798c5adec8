"""The desk: what is going on in news and comments, and what is unusual about it."""

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build

from alerting.dashboards.frame import DESK, Marked, all_or_some, framed, topic_link, variable
from alerting.dashboards.panels import (
    EACH_MINUTE,
    NUMBER,
    SHARE,
    Panel,
    bars,
    by_thresholds,
    column,
    figure,
    levels,
    lines,
    ranking,
    rows,
    states,
)
from alerting.dashboards.queries import (
    ANY_STREAM,
    EXCESS,
    MIN_STORIES,
    Query,
    alert_level,
    each_minute,
    of_key,
    of_window,
)

KEY = "{{stream}}: {{topic}}"
STORIES, NEGATIVE = of_window("bearwatch_window_stories"), of_window("bearwatch_window_negative_stories")
USUAL = of_key("bearwatch_baseline_ratio")
BY_SEVERITY = of_key("bearwatch_alert_active", by="stream, topic, kind, severity")
SHARE_OF_STREAM = f"sum by (stream) ({NEGATIVE}) / sum by (stream) ({STORIES})"


def desk() -> build.Dashboard:
    variables = [
        all_or_some(variable("stream", "Stream", "label_values(bearwatch_baseline_ratio, stream)", "news")),
        variable("window", "Window", "label_values(bearwatch_window_stories, window)", "1h"),
    ]
    text = "Topics by stream, how negative they are against what is usual for them, and the alerts."
    parts = [
        ("Now", [*_now(), _topics()]),
        ("What is unusual", [_movers(), _excess(), _alerts()]),
        ("Streams", [_share(), _volumes(), _topic_volumes(), _messages()]),
    ]
    board = framed(DESK, "bearwatch: the desk", text, "now-6h", variables, parts)
    return board.annotation(
        Marked("Alerts", f"{BY_SEVERITY} > 0", "{{severity}} {{kind}}: {{stream}} {{topic}}")
    )


def _now() -> list[Panel]:
    ready = f"sum by (stream) ({of_key('bearwatch_baseline_ready')})"
    read = each_minute("bearwatch_documents_total", "stream")
    return [
        figure(
            "Alerts that fire",
            "How many alerts fire now, by severity. Historical ones are not among them.",
            NUMBER,
            [Query(f"sum by (severity) ({BY_SEVERITY})", "{{severity}}")],
            bad_from=1,
        ).span(8),
        figure(
            "Negative share",
            "Negative stories of all stories in the chosen window, all topics of a stream together.",
            SHARE,
            [Query(SHARE_OF_STREAM, "{{stream}}")],
        ).span(6),
        figure("Documents", "Documents read in a minute.", EACH_MINUTE, [Query(read, "{{stream}}")]).span(5),
        figure(
            "Topics that can alert",
            "Topics past their warm-up. The others have no p-value yet and cannot alert.",
            NUMBER,
            [Query(ready, "{{stream}}")],
        ).span(5),
    ]


def _topics() -> Panel:
    panel = rows(
        "Topics by stream",
        "Each topic in the chosen window, those that alert first. Documents count copies, stories do not. p is the "
        "chance of as many negative stories or more if nothing is unusual; it is empty while a topic warms up.",
        ["stream", "topic"],
        [
            Query(of_window("bearwatch_window_documents"), "documents"),
            Query(STORIES, "stories"),
            Query(NEGATIVE, "negative"),
            Query(of_window("bearwatch_window_negative_ratio"), "share"),
            Query(USUAL, "usual"),
            Query(of_window("bearwatch_window_p_value"), "p"),
            Query(alert_level(), "alert"),
        ],
    )
    for name in ("share", "usual"):
        column(panel, name, unit=SHARE, decimals=0)
    column(panel, "p", unit="sci")
    column(panel, "topic", links=[topic_link("__data.fields.stream", "__data.fields.topic").build()])
    column(panel, "alert", mappings=levels(), custom_cellOptions={"type": "color-background"})
    return panel.sort_by([common.TableSortByFieldState().display_name("alert").desc(True)])


def _movers() -> Panel:
    return ranking(
        "Top movers",
        f"Topics whose negative share in the chosen window is furthest above the usual one, of those with at least "
        f"{MIN_STORIES} stories. Not all of it is improbable: see p above.",
        SHARE,
        Query(f"topk(10, {EXCESS})", KEY),
    )


def _excess() -> Panel:
    panel = lines(
        "Negative share above the usual",
        f"Negative share in the chosen window less the topic's usual one, for topics with at least {MIN_STORIES} "
        "stories. Red regions are alerts.",
        SHARE,
        [Query(EXCESS, KEY)],
    )
    return panel.data_links([_to_topic()])


def _alerts() -> Panel:
    panel = states(
        "Alerts",
        "When which topic alerted and how severely. Click a row to see the topic.",
        Query(f"{alert_level()} > 0", KEY),
    )
    return panel.mappings(levels()).color_scheme(by_thresholds()).data_links([_to_topic()])


def _share() -> Panel:
    usual = f"sum by (stream) ({USUAL} * {STORIES}) / sum by (stream) ({STORIES})"
    return lines(
        "Negative share against the usual one, by stream",
        "Negative stories of all stories in the chosen window. The usual share is that of the stream's topics, each "
        "weighed with its stories in the window, so a change of topics alone makes no difference between the two.",
        SHARE,
        [Query(SHARE_OF_STREAM, "{{stream}}"), Query(usual, "{{stream}}, usual")],
    ).min(0)


def _volumes() -> Panel:
    query = Query(each_minute("bearwatch_documents_total", "stream"), "{{stream}}")
    return bars("Documents by stream", "Documents read in a minute.", EACH_MINUTE, [query])


def _topic_volumes() -> Panel:
    query = Query(each_minute("bearwatch_classified_total", "stream, topic"), KEY)
    return bars("Documents by topic", "Documents classified in a minute.", EACH_MINUTE, [query])


def _messages() -> Panel:
    sent = f"sum by (severity, state) (increase(bearwatch_alert_transitions_total{{{ANY_STREAM}}}[$__rate_interval]))"
    return bars(
        "Messages about alerts",
        "Messages written to the alerts topic in the time that a bar stands for, historical ones among them.",
        NUMBER,
        [Query(sent, "{{severity}} {{state}}")],
    )


def _to_topic() -> build.DashboardLink:
    return topic_link("__field.labels.stream", "__field.labels.topic")
