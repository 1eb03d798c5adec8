"""The parts that every dashboard has: a stable uid, variables, links to the others, and annotations of alerts."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from alerting.dashboards.panels import DATASOURCE, Panel

TAG = "bearwatch"
DESK, TOPIC, OPERATIONS = "bearwatch-desk", "bearwatch-topic", "bearwatch-operations"
THAT_TIME = "${__url_time_range}"


def framed(
    uid: str,
    title: str,
    description: str,
    since: str,
    variables: Sequence[build.QueryVariable],
    rows: Sequence[tuple[str, Sequence[Panel]]],
) -> build.Dashboard:
    """A dashboard of titled rows of panels."""
    board = build.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    board.time(since, "now").refresh("30s").timezone("utc").tooltip(model.DashboardCursorSync.CROSSHAIR)
    board.with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    for each in variables:
        board.with_variable(each)
    others = build.DashboardLink("bearwatch").type(model.DashboardLinkType.DASHBOARDS)
    board.link(others.tags([TAG]).keep_time(True).tooltip("The other dashboards of bearwatch"))
    number = 0
    for name, panels in rows:
        number += 1
        board.with_row(build.Row(name).id(number))
        for panel in panels:
            number += 1
            board.with_panel(panel.id(number))
    return board


def variable(name: str, label: str, query: str, default: str) -> build.QueryVariable:
    """A variable whose values are labels in Prometheus, as the PromQL `query` gives them."""
    found = build.QueryVariable(name).label(label).query(query).datasource(DATASOURCE)
    found.current(model.VariableOption(text=default, value=default))
    return found.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
        model.VariableSort.ALPHABETICAL_ASC
    )


def all_or_some(found: build.QueryVariable) -> build.QueryVariable:
    """Allow several values; the default is all of them."""
    every = model.VariableOption(text="All", value="$__all")
    return found.multi(True).include_all(True).all_value(".+").current(every)


def topic_link(stream: str, topic: str) -> build.DashboardLink:
    """A link from a series or a cell to the topic's dashboard; the arguments are Grafana's names of the values."""
    url = (
        f"/d/{TOPIC}?var-stream=${{{stream}:percentencode}}&var-topic=${{{topic}:percentencode}}&{THAT_TIME}"
    )
    return build.DashboardLink("This topic in detail").url(url)


class Marked(build.AnnotationQuery):
    """An annotation of the times at which an expression is above zero."""

    def __init__(self, name: str, expr: str, title: str) -> None:
        self._internal = _TitledAnnotation(title)
        self.name(name).expr(expr).datasource(DATASOURCE).enable(True).icon_color("red")


class _TitledAnnotation(model.AnnotationQuery):
    """An annotation with `titleFormat`, the title in Grafana's Prometheus data source; the SDK lacks this field."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "titleFormat": self._title}
