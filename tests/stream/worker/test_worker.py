"""A worker process: it says how it is, ends in time and with the right code, and names what is wrong."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from exactness import counted
from external_tools import external_tool
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from keyword_model import TOPICS, WORDS, write_keyword_model
from one_worker import OneWorker
from policies import MINUTE_POLICY
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import HOST, free_port
from models.manifest import Head
from stream.errors import StreamError
from stream.kafka.topics import TopicNames, create_topics
from stream.worker.run import check_heads

PROMISED_SECONDS = PATIENCE_SECONDS  # 10 s from SIGTERM to the end, on a quiet machine
UNREACHABLE = "no Kafka broker answers at"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    create_topics(broker.connection, names := TopicNames(prefix))
    return names


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy under which an idle source is carried on by the clock at once."""
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    minutes = MINUTE_POLICY.read_text()
    policy.write_text(minutes.replace("[time]", "[time]\nidle_after_seconds = 1"))
    return policy


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    with LocalKafka(tmp_path_factory.mktemp("victim")) as kafka:
        yield kafka


@pytest.fixture
def own_broker(victim: LocalKafka, prefix: str) -> LocalKafka:
    """A Kafka to be killed and paused, with topics."""
    victim.resume()
    if victim.pid is None:
        victim.start()
    create_topics(victim.connection, TopicNames(prefix))
    return victim


def document(number: int, topic: str = "oil", sentiment: str = "neutral") -> bytes:
    text = f"{topic} {sentiment} n{number}"
    fields = {"id": f"d{number}", "text": text, "published_at": "2026-01-02T03:04:05Z", "source": "wire"}
    return json.dumps(fields).encode()


def a_minute_ago() -> int:
    """In milliseconds; a document of that time lies in a pane that has ended."""
    return int(1000 * (time.time() - 60))


def send(broker: str, topic: str, count: int, *, transaction: str | None = None, commit: bool = True) -> None:
    """Documents, each under a key of its own; in one transaction where that is named, which may be aborted."""
    with KafkaProducer(bootstrap_servers=broker, transactional_id=transaction) as producer:
        if transaction is not None:
            producer.init_transactions()
            producer.begin_transaction()
        for number in range(count):
            producer.send(topic, document(number), key=f"d{number}".encode(), timestamp_ms=a_minute_ago())
        producer.flush()
        if transaction is not None:
            producer.commit_transaction() if commit else producer.abort_transaction()


def test_from_start_to_clean_end(broker: LocalKafka, names: TopicNames, model: Path, tmp_path: Path):
    """/healthz names the states on the way; counters stand at zero before anything has come."""
    send(broker.bootstrap, names.news, 40)
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model) as worker:
        worker.wait_until("it answers", lambda: worker.state() is not None)
        assert worker.state() in ("starting", "recovering", "serving")
        answer = json.loads(worker.get("/healthz") or "")
        assert answer.keys() == {"state", "reason", "lag"}
        assert worker.metric("bearwatch_documents_total", stream="comments", outcome="dead_letter") == 0
        assert worker.metric("bearwatch_late_documents_total", stream="news") == 0
        for topic in TOPICS:
            labels = {"stream": "comments", "topic": topic, "sentiment": "negative"}
            assert worker.metric("bearwatch_classified_total", **labels) == 0
        worker.wait_until_serving()
        worker.wait_until("all are counted", lambda: counted(broker.bootstrap, names)[1] == 40)
        assert worker.get("/nowhere") == "/metrics or /healthz\n"
        worker.signal(signal.SIGTERM)
        assert worker.exit_code(PROMISED_SECONDS) == 0
        assert worker.log.splitlines()[-1].endswith("stopped")
    assert [each.name for each in tmp_path.iterdir()] == ["worker.log"], (
        "the working directory may be read-only"
    )
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=f"{names.prefix}group")
    partitions = consumer.partitions_for_topic(names.news) or ()
    consumer.close()
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        offsets = admin.list_group_offsets([f"{names.prefix}group"])[f"{names.prefix}group"]
    committed = {place.partition: at.offset for place, at in offsets.items() if place.topic == names.news}
    assert sum(committed.values()) == 40 and committed.keys() <= partitions


def test_it_ends_when_asked_while_it_starts(prefix: str, model: Path, tmp_path: Path):
    """Nobody answers at the broker's address: the worker still tries when it is asked to end."""
    with socket.create_server((HOST, 0)) as silent:
        address = f"{HOST}:{silent.getsockname()[1]}"
        with OneWorker(tmp_path, address, prefix, model) as worker:
            worker.wait_until("it answers", lambda: worker.state() == "starting")
            worker.signal(signal.SIGTERM)
            assert worker.exit_code(PROMISED_SECONDS) == 0
            assert "Traceback" not in worker.log


def test_a_broker_that_comes_back_in_time_is_forgiven(
    own_broker: LocalKafka, prefix: str, model: Path, tmp_path: Path
):
    flags = ("--broker-timeout-seconds", "40")  # it is stuck after half of it
    names = TopicNames(prefix)
    with OneWorker(tmp_path, own_broker.bootstrap, prefix, model, *flags) as worker:
        send(own_broker.bootstrap, names.news, 40)
        worker.wait_until_serving()
        own_broker.pause()
        worker.wait_until("it says stuck", lambda: worker.state() == "stuck")
        own_broker.resume()
        send(own_broker.bootstrap, names.comments, 40)
        worker.wait_until("all are counted", lambda: counted(own_broker.bootstrap, names)[1] == 80)
        worker.wait_until_serving()


@pytest.mark.parametrize("harm", [LocalKafka.pause, LocalKafka.kill])
def test_a_broker_that_goes_away(
    own_broker: LocalKafka, prefix: str, model: Path, tmp_path: Path, harm: Callable[[LocalKafka], None]
):
    """One worker is asked to end meanwhile. The other says what is wrong and ends when its limit is reached."""
    flags = ("--broker-timeout-seconds", "20", "--stuck-after-seconds", "60")
    with (
        OneWorker(tmp_path, own_broker.bootstrap, prefix, model, name="asked") as asked,
        OneWorker(tmp_path, own_broker.bootstrap, prefix, model, *flags, name="left") as left,
    ):
        asked.wait_until_serving()
        left.wait_until_serving()
        harm(own_broker)
        asked.signal(signal.SIGTERM)
        left.wait_until("it says stuck", lambda: left.state() == "stuck")
        assert "the broker has not answered" in (left.get("/healthz") or "")
        assert asked.exit_code(PROMISED_SECONDS) in (0, 1)
        assert left.exit_code() == 1
        assert "exits: the broker has not answered for" in left.log


def test_control_records_at_the_end_are_no_lag(
    broker: LocalKafka, names: TopicNames, model: Path, quick: Path, tmp_path: Path
):
    """A feed that writes in transactions leaves a commit marker behind its last document."""
    send(broker.bootstrap, names.news, 40, transaction=names.prefix)
    started = time.time()
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model, policy=quick) as worker:
        worker.wait_until("all are counted", lambda: counted(broker.bootstrap, names)[1] == 40)

        def carried_on() -> bool:
            """By the clock, as all sources are at their end."""
            reached = worker.metric("bearwatch_watermark_timestamp_seconds", partition="0")
            return reached is not None and reached > started - 30

        worker.wait_until("time goes on", carried_on)
        assert json.loads(worker.get("/healthz") or "")["lag"] == 0
        assert worker.state() == "serving"


def test_documents_of_an_aborted_transaction_do_not_count(
    broker: LocalKafka, names: TopicNames, model: Path, quick: Path, tmp_path: Path
):
    """A feed took them back; they leave gaps in the offsets. What stands behind an open transaction waits for its end,
    and is no reason to exit: nobody may read it."""
    flags = ("--stuck-after-seconds", "10")  # it says stuck after half of it
    with (
        KafkaProducer(
            bootstrap_servers=broker.bootstrap, transactional_id=f"{names.prefix}open"
        ) as left_open,
        OneWorker(tmp_path, broker.bootstrap, names.prefix, model, *flags, policy=quick) as worker,
    ):
        left_open.init_transactions()
        left_open.begin_transaction()
        send(broker.bootstrap, names.news, 5, transaction=names.prefix)
        send(broker.bootstrap, names.news, 7, transaction=names.prefix, commit=False)
        send(broker.bootstrap, names.news, 3, transaction=names.prefix)
        worker.wait_until("the others are counted", lambda: counted(broker.bootstrap, names)[1] == 8)
        for number in range(40):
            left_open.send(names.news, document(number), timestamp_ms=a_minute_ago())
        left_open.flush()
        send(broker.bootstrap, names.news, 40)  # behind it, in every partition
        worker.wait_until_serving()
        for _ in range(14):
            time.sleep(0.5)
            health = json.loads(worker.get("/healthz") or "")
            assert (health["lag"], "none was committed" in health["reason"]) == (0, False)
        assert counted(broker.bootstrap, names)[1] == 8
        left_open.commit_transaction()
        worker.wait_until("its documents are counted", lambda: counted(broker.bootstrap, names)[1] == 88)
        # At the end of the topic too.
        send(broker.bootstrap, names.news, 7, transaction=names.prefix, commit=False)
        worker.wait_until("nothing waits", lambda: json.loads(worker.get("/healthz") or "")["lag"] == 0)
    assert counted(broker.bootstrap, names)[1] == 88


def test_commits_that_do_not_move_end_it(broker: LocalKafka, names: TopicNames, model: Path, tmp_path: Path):
    """Somebody deletes `state`: transactions cannot be written, whatever the broker answers otherwise."""
    flags = ("--stuck-after-seconds", "10")
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model, *flags) as worker:
        worker.wait_until_serving()
        with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
            admin.delete_topics([names.state])
        send(broker.bootstrap, names.news, 40)
        assert worker.exit_code() == 1
        assert f"records wait in {names.classified} and none was committed" in worker.log


def test_gauges_move_with_the_partitions(
    broker: LocalKafka, names: TopicNames, model: Path, quick: Path, tmp_path: Path
):
    """A second worker takes half of the partitions; each key's gauges stand on exactly one worker."""
    send(broker.bootstrap, names.news, 400)
    send(broker.bootstrap, names.comments, 400)

    def keys(worker: OneWorker) -> set[frozenset[tuple[str, str]]]:
        return {labels for name, labels in worker.samples() if name == "bearwatch_baseline_ready"}

    def partitions(worker: OneWorker) -> set[str]:
        lags = (labels for name, labels in worker.samples() if name == "bearwatch_lag_records")
        return {f"{dict(labels)['kafka_topic']}-{dict(labels)['partition']}" for labels in lags}

    with ExitStack() as stack:
        first, second = (
            OneWorker(tmp_path, broker.bootstrap, names.prefix, model, policy=quick, name=name)
            for name in ("first", "second")
        )
        stack.enter_context(first)
        first.wait_until("it shows both keys", lambda: len(keys(first)) == 2)
        assert len(partitions(first)) == 12
        stack.enter_context(second)
        second.wait_until_serving()
        first.wait_until(
            "each partition is held by one worker",
            lambda: (
                [len(partitions(first)), len(partitions(second))] == [6, 6]
                and len(partitions(first) | partitions(second)) == 12
            ),
        )
        second.wait_until("both keys are shown", lambda: len(keys(first) | keys(second)) == 2)
        assert keys(first).isdisjoint(keys(second))
        second.signal(signal.SIGHUP)
        assert second.exit_code(PROMISED_SECONDS) == 0
        first.wait_until("it has them all again", lambda: len(keys(first)) == 2)


def test_promtool_finds_no_fault_whatever_the_labels(
    broker: LocalKafka,
    names: TopicNames,
    tmp_path: Path,
    quick: Path,
    promtool: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    odd = ('M&A: "big" / {deals}', "naïve \\ 新聞", "[red]=", "Energy | Oil")
    monkeypatch.setattr("keyword_model.TOPICS", odd)
    monkeypatch.setattr("keyword_model.WORDS", dict(zip(odd, WORDS.values(), strict=True)))
    model = write_keyword_model(tmp_path / "model")
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for number, word in enumerate(WORDS.values()):
            producer.send(names.news, document(number, word), timestamp_ms=a_minute_ago())
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model, policy=quick) as worker:

        def evaluated() -> set[str]:
            shown = (dict(labels) for name, labels in worker.samples() if name == "bearwatch_window_stories")
            return {labels["topic"] for labels in shown}

        worker.wait_until("all keys are evaluated", lambda: evaluated() == set(odd))
        checked = subprocess.run(
            [promtool, "check", "metrics"],
            input=worker.get("/metrics"),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def promtool() -> Path:
    return external_tool("promtool")


def refusal(worker: OneWorker) -> tuple[int, str]:
    """The exit code of a worker that does not start, and the one line that it says."""
    with worker:
        code = worker.exit_code()
    assert "Traceback" not in worker.log, worker.log
    said = [line for line in worker.log.splitlines() if " INFO " not in line]
    return code, said[-1]


def test_an_unreachable_broker(prefix: str, model: Path, tmp_path: Path):
    nobody = f"{HOST}:{free_port()}"
    code, said = refusal(OneWorker(tmp_path, nobody, prefix, model))
    assert (code, f"bearwatch: error: {UNREACHABLE} {nobody}" in said) == (1, True), said


@pytest.mark.parametrize("address", ["127.0.0.1:port", "127.0.0.1:99999"])
def test_an_address_that_cannot_be(prefix: str, model: Path, tmp_path: Path, address: str):
    code, said = refusal(OneWorker(tmp_path, address, prefix, model))
    assert (code, f"broker '{address}' is not HOST:PORT" in said) == (2, True), said


def test_missing_topics(broker: LocalKafka, prefix: str, model: Path, tmp_path: Path):
    code, said = refusal(OneWorker(tmp_path, broker.bootstrap, prefix, model))
    assert code == 1
    assert f"lacks the topics {prefix}news, {prefix}comments" in said
    assert f"bearwatch topics --broker {broker.bootstrap}" in said


def test_a_taken_metrics_port(broker: LocalKafka, prefix: str, model: Path, tmp_path: Path):
    worker = OneWorker(tmp_path, broker.bootstrap, prefix, model)
    with socket.create_server((HOST, worker.port)):
        code, said = refusal(worker)
    assert (code, f"{HOST}:{worker.port} cannot be used for /metrics" in said) == (1, True), said


def test_a_corrupted_model(broker: LocalKafka, prefix: str, model: Path, tmp_path: Path):
    damaged = tmp_path / "damaged"
    shutil.copytree(model, damaged)
    weights = damaged / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    code, said = refusal(OneWorker(tmp_path, broker.bootstrap, prefix, damaged))
    assert (code, "model.onnx" in said) == (1, True), said


def test_a_policy_with_a_typo(broker: LocalKafka, prefix: str, model: Path, tmp_path: Path):
    policy = tmp_path / "policy.toml"
    policy.write_text("policy_version = 2\n[surge]\np_valeu = 0.01\n")
    code, said = refusal(OneWorker(tmp_path, broker.bootstrap, prefix, model, policy=policy))
    assert (code, "surge.p_valeu; the nearest known one is surge.p_value" in said) == (2, True), said


def test_an_unknown_flag(prefix: str, model: Path, tmp_path: Path):
    code, said = refusal(OneWorker(tmp_path, "x", prefix, model, "--brokker", "y"))
    assert (code, "No such option '--brokker'" in said or "No such option: --brokker" in said) == (2, True), (
        said
    )


def test_an_unknown_variable(prefix: str, model: Path, tmp_path: Path):
    environment = {**os.environ, "BEARWATCH_BROKR": "y"}
    code, said = refusal(OneWorker(tmp_path, "x", prefix, model, environment=environment))
    assert (code, "BEARWATCH_BROKR; the nearest known one is BEARWATCH_BROKER" in said) == (2, True), said


def test_a_settings_file_with_a_typo(prefix: str, model: Path, tmp_path: Path):
    (tmp_path / "bearwatch.toml").write_text('prefx = "bearwatch."\n')
    code, said = refusal(OneWorker(tmp_path, "x", prefix, model))
    assert (code, "prefx; the nearest known one is prefix" in said) == (2, True), said


def test_a_model_that_counts_nothing_as_negative():
    topics, sentiments = Head(("Oil", "Macro"), "topic_logits"), Head(("negative", "positive"), "s_logits")
    check_heads({"topic": topics, "sentiment": sentiments, "mood": sentiments})
    with pytest.raises(StreamError, match="no head sentiment; a worker needs topic and sentiment"):
        check_heads({"topic": topics, "intent": topics})
    with pytest.raises(StreamError, match=r"no label 'negative' \(bearish, bullish\): no story would ever"):
        check_heads({"topic": topics, "sentiment": Head(("bearish", "bullish"), "s_logits")})


def test_a_session_that_the_broker_does_not_allow_ends_the_worker(
    broker: LocalKafka, names: TopicNames, model: Path, tmp_path: Path
):
    """Kafka refuses the member; so it does where another program has the group, or this user may not use it."""
    flags = ("--session-timeout-seconds", "86400")
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model, *flags) as worker:
        assert worker.exit_code() == 1
    assert (
        f"does not take this worker into the group {names.prefix}group: InvalidSessionTimeout" in worker.log
    )
