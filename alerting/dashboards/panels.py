"""The kinds of panels on these dashboards: each has a title, a description, a unit and its queries."""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from alerting.dashboards.queries import Query

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
RATIO, SECONDS, NUMBER, EACH_MINUTE, EACH_SECOND = "percentunit", "s", "short", "cpm", "cps"

Panel = timeseries.Panel | stat.Panel | table.Panel | statetimeline.Panel | bargauge.Panel
P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, statetimeline.Panel, bargauge.Panel)


def lines(
    title: str, description: str, unit: str, queries: Sequence[Query], width: int = 12
) -> timeseries.Panel:
    """Curves over time, with a table of last values and maxima below."""
    panel = _filled(timeseries.Panel(), title, description, unit, width, 9)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(kinds.LegendDisplayMode.TABLE)
        .placement(kinds.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    panel.tooltip(
        common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING)
    )
    return _asking(panel.fill_opacity(8).line_width(2), queries)


def bars(
    title: str, description: str, unit: str, queries: Sequence[Query], width: int = 12
) -> timeseries.Panel:
    """Amounts over time, stacked."""
    panel = lines(title, description, unit, queries, width).fill_opacity(70).line_width(1)
    return panel.draw_style(kinds.GraphDrawStyle.BARS).stacking(
        common.StackingConfig().mode(kinds.StackingMode.NORMAL)
    )


def stat_panel(
    title: str, description: str, unit: str, queries: Sequence[Query], bad_from: float | None = None
) -> stat.Panel:
    """The current value of each series as a number; red from `bad_from` on."""
    panel = _filled(stat.Panel(), title, description, unit, 4, 4)
    steps = [
        model.Threshold(color="green"),
        *([] if bad_from is None else [model.Threshold(bad_from, "red")]),
    ]
    panel.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return _asking(panel.color_scheme(by_thresholds()), queries)


def ranking(title: str, description: str, unit: str, query: Query, width: int = 12) -> bargauge.Panel:
    """Horizontal bars, in the order in which the query gives them."""
    panel = _filled(bargauge.Panel(), title, description, unit, width, 10)
    panel.orientation(kinds.VizOrientation.HORIZONTAL).display_mode(kinds.BarGaugeDisplayMode.GRADIENT)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.with_target(_target("A", query).instant())


def states(title: str, description: str, query: Query, width: int = 24) -> statetimeline.Panel:
    """One row per series, coloured while it has a value."""
    panel = _filled(statetimeline.Panel(), title, description, NUMBER, width, 8)
    return _asking(panel.merge_values(True).row_height(0.8), [query])


def rows(
    title: str,
    description: str,
    key: Sequence[str],
    columns: Sequence[Query],
    width: int = 24,
    height: int = 12,
) -> table.Panel:
    """One row per series with the labels `key`, one column per query, named by its legend."""
    panel = _filled(table.Panel(), title, description, NUMBER, width, height)
    named = {
        f"Value #{letter}": query.legend for letter, query in zip(ascii_uppercase, columns, strict=False)
    }
    if len(columns) == 1:
        named = {"Value": columns[0].legend}
    order = {name: number for number, name in enumerate([*key, *named])}
    for letter, query in zip(ascii_uppercase, columns, strict=False):
        panel.with_target(_target(letter, query).instant().format(PromQueryFormat.TABLE))
    panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    options = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": named}
    return panel.with_transformation(model.DataTransformerConfig("organize", options=options)).filterable(
        True
    )


def column(panel: table.Panel, name: str, **properties: object) -> table.Panel:
    """Set properties of one column; their names are Grafana's with _ for a dot."""
    given = [model.DynamicConfigValue(id_val=k.replace("_", "."), value=v) for k, v in properties.items()]
    return panel.override_by_name(name, given)


def levels() -> list[model.ValueMapping]:
    """Words and colours for `queries.alert_level`."""
    found = {"0": ("", "transparent"), "1": ("warning", "orange"), "2": ("critical", "red")}
    options = {value: model.ValueMappingResult(*found[value]) for value in found}
    return [model.ValueMap(options=options)]


def by_thresholds() -> build.FieldColor:
    return build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)


def _filled(panel: P, title: str, description: str, unit: str, width: int, height: int) -> P:
    panel.title(title).description(description).datasource(DATASOURCE)
    panel.unit(unit).span(width).height(height).no_value("none")
    return panel


def _asking(panel: P, queries: Sequence[Query]) -> P:
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(_target(letter, query).range())
    return panel


def _target(letter: str, query: Query) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(letter)
        .expr(query.expr)
        .legend_format(query.legend)
        .datasource(DATASOURCE)
    )
