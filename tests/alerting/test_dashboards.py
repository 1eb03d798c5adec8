"""The dashboards: as generated, only with metrics that exist, and with data from a real worker and Prometheus."""

import json
import math
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from external_tools import external_tool
from one_worker import OneWorker
from prometheus_client import CollectorRegistry
from waiting import PATIENCE_SECONDS, wait_until

from alerting.dashboards.__main__ import FOLDER, rendered
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.state_collector import GAUGES
from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import HOST, free_port
from bearwatch.local.sources import SAMPLE_WATCH_LIST
from bearwatch.sample import SampleDocument, SampleWorld, documents
from bearwatch.sample.live import to_message
from models.classifier import BUNDLED
from stream.ingest.producer import DocumentProducer
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import encode

RULES = FOLDER.parents[1] / "prometheus"
PROVISIONING = FOLDER.parent / "provisioning"
UIDS = {"bearwatch-desk", "bearwatch-topic", "bearwatch-operations"}
NEITHER: set[str] = set()  # metrics that are deliberately in no rule and on no dashboard
SURGE = 'stream="news", topic="Energy | Oil"'  # what the sample feed's surge is about

# As Grafana fills them in: All streams on the desk, one on the topic's page; four scrapes.
VALUES = {"window": "1h", "topic": "Energy | Oil", "__rate_interval": "20s"}
# A worker on a busy machine answers within that, and what three scrapes show lasts.
SCRAPE_SECONDS = 5
STREAMS = {"bearwatch-desk": ".+", "bearwatch-topic": "news"}

KEY_GAUGE = re.compile(r"bearwatch_(?:window|baseline|alert_active)\w*")


class Target(NamedTuple):
    """One query of one panel or annotation."""

    uid: str
    where: str
    expr: str
    instant: bool

    @property
    def filled(self) -> str:
        values = {**VALUES, "stream": STREAMS.get(self.uid, "")}
        return re.sub(r"\$(\w+)", lambda found: values[found[1]], self.expr)


BOARDS: dict[str, dict[str, Any]] = {
    name.removesuffix(".json"): json.loads(text) for name, text in rendered().items()
}
PANELS = [
    pytest.param(uid, panel, id=f"{uid}-{panel['id']}")
    for uid, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]


def targets() -> list[Target]:
    found = []
    for uid, panel in (param.values for param in PANELS):
        for target in panel["targets"]:
            where = f"{panel['title']} {target['refId']}"
            found.append(Target(uid, where, target["expr"], target.get("instant", False)))
    return found + [
        Target(uid, f"annotation {marked['name']}", marked["expr"], False)
        for uid, board in BOARDS.items()
        for marked in board.get("annotations", {}).get("list", [])
    ]


def defined() -> dict[str, str]:
    """Every sample that a worker may show, and its metric."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, topics=["IPO"], sentiments=["negative"], dead_letter_reasons=["json"])
    metrics.runs_with("onnxruntime", "0", "0")
    shown = {s.name: family.name for family in registry.collect() for s in family.samples}
    return {**shown, **{name: name for name in GAUGES}}


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bbearwatch_\w+", text))


def test_committed_json_is_what_the_generator_writes() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == dict(rendered())


def test_stable_uids_and_a_tag_by_which_they_link_to_each_other() -> None:
    assert {board["uid"] for board in BOARDS.values()} == UIDS
    for board in BOARDS.values():
        assert board["tags"] == ["bearwatch"]
        assert [link["tags"] for link in board["links"] if link["type"] == "dashboards"] == [["bearwatch"]]
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_each_panel_has_a_description_a_unit_and_the_chosen_data_source(
    uid: str, panel: dict[str, Any]
) -> None:
    assert panel["title"] and panel["description"].endswith(".") and panel["targets"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    place = panel["gridPos"]
    assert place["x"] + place["w"] <= 24


def test_variables() -> None:
    names = {uid: [each["name"] for each in board["templating"]["list"]] for uid, board in BOARDS.items()}
    assert names == {
        "bearwatch-desk": ["datasource", "stream", "window"],
        "bearwatch-topic": ["datasource", "stream", "topic"],
        "bearwatch-operations": ["datasource"],
    }


def check_links(text: str) -> int:
    """Each dashboard linked to exists and has the variables that the link sets; returns how many there are."""
    found = re.findall(r"/d/([\w-]+)(?:\?([^\n]*))?", text)
    for uid, query in found:
        known = {f"var-{each['name']}" for each in BOARDS[uid]["templating"]["list"]}
        assert set(re.findall(r"var-\w+", query)) <= known
    return len(found)


def test_links_lead_to_dashboards_and_variables_that_exist() -> None:
    counts = {uid: check_links(json.dumps(board, indent=0)) for uid, board in BOARDS.items()}
    assert counts == {"bearwatch-desk": 3, "bearwatch-topic": 0, "bearwatch-operations": 0}


def test_alerts_lead_to_dashboards_and_variables_that_exist() -> None:
    rules = yaml.safe_load((RULES / "alerts.yml").read_text())
    for each in (rule for group in rules["groups"] for rule in group["rules"]):
        assert check_links(each["annotations"]["dashboard_url"]) == 1


def test_queries_use_metrics_that_exist_and_every_metric_is_used() -> None:
    known = defined()
    on_dashboards = names_in(" ".join(target.expr for target in targets()))
    assert on_dashboards <= known.keys()
    in_rules = names_in(" ".join(path.read_text() for path in RULES.glob("*.yml")))
    used = {known[name] for name in on_dashboards | in_rules if name in known}
    assert set(known.values()) - used == NEITHER


@pytest.mark.parametrize("target", targets(), ids=lambda target: f"{target.uid} {target.where}")
def test_rates_follow_the_scrape_interval(target: Target) -> None:
    """Ranges are $__rate_interval, or the hour that a title speaks of."""
    functions = re.findall(r"(\w+)\([^()]*\[([^]]*)\]\)", target.expr)
    assert all(span == "$__rate_interval" for function, span in functions if function == "rate")
    assert {span for _, span in functions} <= {"$__rate_interval", "1h"}


def test_the_data_source_knows_how_often_workers_are_scraped() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources.yml").read_text())["datasources"]
    scrapes = yaml.safe_load((RULES / "prometheus.yml").read_text())["scrape_configs"]
    intervals = {each["job_name"]: each.get("scrape_interval") for each in scrapes}
    assert [source["jsonData"]["timeInterval"] for source in sources] == [intervals["bearwatch"]]


def test_every_query_parses(promtool: Path, tmp_path: Path) -> None:
    """As recording rules: promtool of old versions parses nothing else."""
    rules = [{"record": f"query:{i}", "expr": each.filled} for i, each in enumerate(targets())]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run(
        [promtool, "check", "rules", "--lint=none", tmp_path / "queries.yml"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


@pytest.fixture(scope="module")
def promtool() -> Path:
    return external_tool("promtool")


class Prometheus:
    """A real one that scrapes one worker, under two names."""

    def __init__(self, port: int, worker: OneWorker) -> None:
        self._address = f"http://{HOST}:{port}/api/v1"
        self.worker, self.started = worker, time.time()

    def get(self, path: str, **fields: object) -> Any:
        url = f"{self._address}/{path}?{urllib.parse.urlencode(fields)}"
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own Prometheus
            return json.load(answer)["data"]

    def at(self, expr: str, moment: float) -> list[dict[str, Any]]:
        return list(self.get("query", query=expr, time=moment)["result"])

    def numbers(self, target: Target) -> list[float]:
        """All values that a panel draws."""
        now = time.time()
        if target.instant:
            return [float(series["value"][1]) for series in self.at(target.filled, now)]
        found = self.get("query_range", query=target.filled, start=self.started, end=now, step=1)["result"]
        return [float(value) for series in found for _, value in series["values"]]

    def wait_until_it_scrapes(self) -> None:
        def scrapes() -> bool:
            with suppress(OSError):
                return len(self.at("up", time.time())) == 2  # 0 each: nobody answers yet
            return False

        wait_until("Prometheus scrapes; its log lies next to the worker's", scrapes)

    def has_seen_all(self) -> bool:
        """Whether three scrapes have shown the surge's alert and, for both streams, a latency."""
        alert = f"sum_over_time(bearwatch_alert_active{{{SURGE}}}[{4 * SCRAPE_SECONDS}s]) >= 3"
        latency = f"min(bearwatch_end_to_end_seconds_count offset {2 * SCRAPE_SECONDS}s) > 0"
        with suppress(OSError):
            return all(self.at(expr, time.time()) for expr in (alert, latency))
        return False


# The second target is the first one's worker again, with its keys' gauges alone: what Prometheus sees for a moment
# when a key has moved to another worker.
CONFIGURATION = """
global: {{scrape_interval: {every}s, scrape_timeout: {every}s}}
scrape_configs:
  - job_name: bearwatch
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: worker-before
    static_configs: [{{targets: ["localhost:{port}"]}}]
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: "bearwatch_(window|baseline|alert_active).*", action: keep}}
"""


@pytest.fixture(scope="module")
def prometheus(broker: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """After a day and a half of the sample feed, some 1,500 documents, that end within a surge."""
    folder, port, names = tmp_path_factory.mktemp("scraped"), free_port(), TopicNames("test-dashboards.")
    create_topics(broker.connection, names)
    now = time.time()
    world = SampleWorld(seed=7, anchor=now - 300)  # the surge breaks four minutes before that
    send(documents(world, now - 36 * 3600, now), broker.connection, names)
    companies = ("--watch-list", str(SAMPLE_WATCH_LIST))
    worker = OneWorker(folder, broker.bootstrap, names.prefix, BUNDLED, *companies)
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=worker.port, every=SCRAPE_SECONDS))
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(external_tool("prometheus"), f"--config.file={folder}/prometheus.yml"),
                *(f"--storage.tsdb.path={folder}/data", f"--web.listen-address={HOST}:{port}"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        running = Prometheus(port, worker)
        running.wait_until_it_scrapes()  # so that it sees the counters before anything is counted
        with worker:
            worker.wait_until("it runs", lambda: worker.state() not in (None, "starting"))
            send(live(documents(world, now, now + 300)), broker.connection, names)
            worker.wait_until("Prometheus has seen all there is to see", running.has_seen_all)
            yield running
    finally:
        process.terminate()
        process.wait()


def live(coming: Iterable[SampleDocument]) -> Iterator[SampleDocument]:
    """As if they were published now: latency counts nothing that waited for the worker."""
    return (replace(each, published_at=time.time()) for each in coming)


def send(found: Iterable[SampleDocument], connection: KafkaConnection, names: TopicNames) -> None:
    with DocumentProducer(connection, names) as producer:
        for each in found:
            producer.send(each.stream, encode(to_message(each)), each.id, int(each.published_at * 1000))


def test_every_query_returns_data(prometheus: Prometheus) -> None:
    without = [
        f"{target.uid}, {target.where}: {target.filled}"
        for target in targets()
        if not any(map(math.isfinite, prometheus.numbers(target)))
    ]
    assert without == []


def test_variables_are_filled(prometheus: Prometheus) -> None:
    for uid, board in BOARDS.items():
        for each in board["templating"]["list"][1:]:
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", each["query"]).groups()
            series = Target(uid, "", series, True).filled
            values = prometheus.get(f"label/{label}/values", **{"match[]": series})
            assert each["current"]["value"] in [*values, "$__all"]


def test_a_key_that_two_workers_show_counts_once(prometheus: Prometheus) -> None:
    """Twice the same gauges give what one of them gives, at a moment at which both were scraped alike."""
    one = f"{HOST}:{prometheus.worker.port}"
    now = time.time()
    for target in targets():
        if not KEY_GAUGE.search(target.expr):
            continue
        of_one = KEY_GAUGE.sub(lambda name: f'{name[0]}{{instance="{one}"}}', target.filled)
        of_one = of_one.replace("}{", ", ")

        def same(moment: float, both: str = target.filled, single: str = of_one) -> bool:
            return prometheus.at(both, moment) == prometheus.at(single, moment) != []

        assert any(same(now - seconds) for seconds in range(60)), target
