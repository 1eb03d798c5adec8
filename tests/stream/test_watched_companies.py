"""Watched companies on a real Kafka: a document counts under its topic and each company, once, whatever happens."""

import json
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from exactness import counted
from kafka import KafkaProducer
from keyword_model import write_keyword_model
from one_worker import OneWorker
from policies import MINUTE_POLICY

from bearwatch.local.kafka import LocalKafka
from stream.kafka.topics import TopicNames, create_topics


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


def write(path: Path, *rows: str) -> Path:
    path.write_text("id,names,tickers\n" + "".join(f"{row}\n" for row in rows))
    return path


def send(broker: str, topic: str, count: int, company: str, *tickers: str) -> None:
    with KafkaProducer(bootstrap_servers=broker) as producer:
        for number in range(count):
            document = {
                "id": f"{company}{number}",
                "text": f"oil negative {company} n{number}",
                "published_at": "2026-01-02T03:04:05Z",
                "source": "wire",
                "tickers": tickers,
            }
            key = f"{company}{number}".encode()
            producer.send(
                topic, json.dumps(document).encode(), key=key, timestamp_ms=int(1000 * (time.time() - 60))
            )


def by_key(broker: LocalKafka, names: TopicNames) -> Counter[str]:
    panes, _ = counted(broker.bootstrap, names)
    documents: Counter[str] = Counter()
    for (key, _), counts in panes.items():
        documents[key] += counts.documents
    return documents


def test_companies_are_counted_next_to_topics_and_the_list_is_followed(
    broker: LocalKafka, prefix: str, model: Path, tmp_path: Path
):
    create_topics(broker.connection, names := TopicNames(prefix))
    watch_list = write(tmp_path / "companies.csv", "Harlech Bancorp,Harlech,HRL")
    flags = ("--watch-list", str(watch_list))
    expected = Counter({"news/topic:Energy | Oil": 0})

    def sent(count: int, company: str, key: str | None, *tickers: str) -> None:
        send(broker.bootstrap, names.news, count, company, *tickers)
        expected["news/topic:Energy | Oil"] += count
        if key is not None:
            expected[key] += count

    def counts() -> bool:
        return by_key(broker, names) == expected

    with OneWorker(tmp_path, broker.bootstrap, prefix, model, *flags, policy=MINUTE_POLICY) as worker:
        sent(30, "Harlech", "news/entity:Harlech Bancorp")
        sent(20, "nobody", None)
        sent(10, "somebody", "news/entity:Harlech Bancorp", "NYSE:HRL")
        worker.wait_until("the first are counted", counts)
        found = worker.metric("bearwatch_companies_found_total", stream="news")
        classified = worker.metric("bearwatch_documents_total", stream="news", outcome="classified")
        assert (found, classified) == (40, 60), "documents are not counted twice"

        write(watch_list, "Harlech,Harlech,HRL", "Other,Harlech,")
        worker.wait_until(
            "the broken list is rejected", lambda: worker.metric("bearwatch_rejected_watch_lists_total") == 1
        )
        sent(10, "Harlech", "news/entity:Harlech Bancorp")
        worker.wait_until("the former list counts on", counts)

        write(watch_list, "Harlech Bancorp,Harlech,HRL", "MRV,Mervane,")
        worker.wait_until("the new list is taken", lambda: worker.metric("bearwatch_watched_companies") == 2)
        sent(200, "Mervane", "news/entity:MRV")
        worker.signal(signal.SIGKILL)
        worker.exit_code()
        worker.start()
        worker.wait_until("all are counted", counts)
