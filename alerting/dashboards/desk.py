"""The desk's dashboard: topics and streams, how negative they are against their baselines, and the alerts."""

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build

from alerting.dashboards.frame import DESK, Marked, all_or_some, framed, topic_link, variable
from alerting.dashboards.panels import (
    EACH_MINUTE,
    NUMBER,
    RATIO,
    Panel,
    bars,
    by_thresholds,
    column,
    levels,
    lines,
    ranking,
    rows,
    stat_panel,
    states,
)
from alerting.dashboards.queries import (
    ANY_ENTITY,
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
BASELINE = of_key("bearwatch_baseline_ratio")
BY_ENTITY = "stream, entity"
BY_SEVERITY = of_key("bearwatch_alert_active", ANY_STREAM, "stream, topic, entity, source, kind, severity")
RATIO_OF_STREAM = f"sum by (stream) ({NEGATIVE}) / sum by (stream) ({STORIES})"


def desk() -> build.Dashboard:
    variables = [
        all_or_some(variable("stream", "Stream", "label_values(bearwatch_baseline_ratio, stream)", "news")),
        variable("window", "Window", "label_values(bearwatch_window_stories, window)", "1h"),
    ]
    text = "Topics by stream, their ratios of negative stories against their baselines, and the alerts."
    parts = [
        ("Now", [*_now(), _topics()]),
        ("Above the baseline", [_movers(), _excess(), _alerts()]),
        ("Watched companies", [_companies(), _company_alerts()]),
        ("Streams", [_ratio(), _volumes(), _topic_volumes(), _messages()]),
    ]
    board = framed(DESK, "bearwatch: the desk", text, "now-6h", variables, parts)
    return board.annotation(
        Marked(
            "Alerts", f"{BY_SEVERITY} > 0", "{{severity}} {{kind}}: {{stream}} {{topic}}{{entity}}{{source}}"
        )
    )


def _now() -> list[Panel]:
    ready = f"sum by (stream) ({of_key('bearwatch_baseline_ready')})"
    read = each_minute("bearwatch_documents_total", "stream")
    return [
        stat_panel(
            "Firing alerts",
            "Alerts that fire now, by severity. Historical ones are not counted.",
            NUMBER,
            [Query(f"sum by (severity) ({BY_SEVERITY})", "{{severity}}")],
            bad_from=1,
        ).span(8),
        stat_panel(
            "Negative ratio",
            "Negative stories divided by all stories in the chosen window, all topics of a stream together.",
            RATIO,
            [Query(RATIO_OF_STREAM, "{{stream}}")],
        ).span(6),
        stat_panel("Documents", "Documents read per minute.", EACH_MINUTE, [Query(read, "{{stream}}")]).span(
            5
        ),
        stat_panel(
            "Topics past warm-up",
            "Topics whose alerts can fire. The others are warming up and have no p-value yet.",
            NUMBER,
            [Query(ready, "{{stream}}")],
        ).span(5),
    ]


def _topics() -> Panel:
    panel = rows(
        "Topics by stream",
        "Each topic in the chosen window, those with an alert first. Documents count copies, stories do not. p is the "
        "probability of as many negative stories or more under the baseline; it is empty while a topic warms up.",
        ["stream", "topic"],
        [
            Query(of_window("bearwatch_window_documents"), "documents"),
            Query(STORIES, "stories"),
            Query(NEGATIVE, "negative"),
            Query(of_window("bearwatch_window_negative_ratio"), "ratio"),
            Query(BASELINE, "baseline"),
            Query(of_window("bearwatch_window_p_value"), "p"),
            Query(alert_level(), "alert"),
        ],
    )
    for name in ("ratio", "baseline"):
        column(panel, name, unit=RATIO, decimals=0)
    column(panel, "p", unit="sci")
    column(panel, "topic", links=[topic_link("__data.fields.stream", "__data.fields.topic").build()])
    column(panel, "alert", mappings=levels(), custom_cellOptions={"type": "color-background"})
    return panel.sort_by([common.TableSortByFieldState().display_name("alert").desc(True)])


def _movers() -> Panel:
    return ranking(
        "Furthest above the baseline",
        f"Topics whose negative ratio in the chosen window is furthest above the baseline, of those with at least "
        f"{MIN_STORIES} stories. This may be chance: see p above.",
        RATIO,
        Query(f"topk(10, {EXCESS})", KEY),
    )


def _excess() -> Panel:
    panel = lines(
        "Negative ratio above the baseline",
        f"Negative ratio in the chosen window minus the topic's baseline, for topics with at least {MIN_STORIES} "
        "stories. Red regions are alerts.",
        RATIO,
        [Query(EXCESS, KEY)],
    )
    return panel.data_links([_to_topic()])


def _alerts() -> Panel:
    panel = states(
        "Alerts",
        "When an alert of a topic fired, and its severity. Click a row to see the topic.",
        Query(f"{alert_level()} > 0", KEY),
    )
    return panel.mappings(levels()).color_scheme(by_thresholds()).data_links([_to_topic()])


def _companies() -> Panel:
    names = {
        "documents": "documents",
        "stories": "stories",
        "negative_stories": "negative",
        "negative_ratio": "ratio",
    }
    gauges = [
        Query(of_window(f"bearwatch_window_{gauge}", ANY_ENTITY, BY_ENTITY), name)
        for gauge, name in names.items()
    ]
    panel = rows(
        "Companies by stream",
        "Each watched company that documents in the windows name, in the chosen window, those with an alert first. A "
        "document counts under each company that it names, and under its topic.",
        ["stream", "entity"],
        [
            *gauges,
            Query(of_key("bearwatch_baseline_ratio", ANY_ENTITY, BY_ENTITY), "baseline"),
            Query(alert_level(ANY_ENTITY, BY_ENTITY), "alert"),
        ],
    )
    for name in ("ratio", "baseline"):
        column(panel, name, unit=RATIO, decimals=0)
    column(panel, "alert", mappings=levels(), custom_cellOptions={"type": "color-background"})
    return panel.sort_by([common.TableSortByFieldState().display_name("alert").desc(True)])


def _company_alerts() -> Panel:
    panel = states(
        "Alerts of companies",
        "The severity of the alerts of watched companies; no colour where none fires.",
        Query(alert_level(ANY_ENTITY, BY_ENTITY), "{{stream}}: {{entity}}"),
    )
    return panel.mappings(levels()).color_scheme(by_thresholds())


def _ratio() -> Panel:
    baseline = f"sum by (stream) ({BASELINE} * {STORIES}) / sum by (stream) ({STORIES})"
    return lines(
        "Negative ratio and baseline, by stream",
        "Negative stories divided by all stories in the chosen window. The baseline is the mean of the topics' "
        "baselines, weighted by their stories in the window, so a change of topics alone does not separate the two.",
        RATIO,
        [Query(RATIO_OF_STREAM, "{{stream}}"), Query(baseline, "{{stream}}, baseline")],
    ).min(0)


def _volumes() -> Panel:
    query = Query(each_minute("bearwatch_documents_total", "stream"), "{{stream}}")
    return bars("Documents by stream", "Documents read per minute.", EACH_MINUTE, [query])


def _topic_volumes() -> Panel:
    query = Query(each_minute("bearwatch_classified_total", "stream, topic"), KEY)
    return bars("Documents by topic", "Documents classified per minute.", EACH_MINUTE, [query])


def _messages() -> Panel:
    sent = f"sum by (severity, state) (increase(bearwatch_alert_transitions_total{{{ANY_STREAM}}}[$__rate_interval]))"
    return bars(
        "Messages about alerts",
        "Messages written to the alerts topic during the time of a bar, historical ones included.",
        NUMBER,
        [Query(sent, "{{severity}} {{state}}")],
    )


def _to_topic() -> build.DashboardLink:
    return topic_link("__field.labels.stream", "__field.labels.topic")
