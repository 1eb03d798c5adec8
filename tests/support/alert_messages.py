"""Makes the alerts and acknowledgements that tests of their way to people need."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaProducer

from alerting.alerts import Alert, Evidence
from alerting.evidence.acknowledgements import Acknowledgement
from alerting.evidence.history import AlertHistory, AlertRecord
from stream.messages import encode

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STORY = Evidence(
    text="Refinery burns after explosion",
    source="Wire",
    url="https://wire.example/1",
    probability=0.9,
    words=("burns", "explosion"),
)


def alert(**changes: Any) -> Alert:
    """An alert about a topic; `topic` alone changes the key as well."""
    if isinstance(changes.get("topic"), str):
        changes = {"key": f"news/topic:{changes['topic']}", **changes}
    values: dict[str, Any] = {
        "id": "0123456789abcdef", "key": "news/topic:Energy | Oil", "stream": "news", "topic": "Energy | Oil",
        "kind": "surge", "severity": "critical", "state": "firing", "window_start": NOW - timedelta(minutes=15),
        "window_end": NOW, "detected_at": NOW, "documents": 12, "stories": 10, "negative_stories": 9, "sources": 5,
        "baseline_ratio": 0.2, "lift": 4.5, "score": 9.0, "p_value": 1e-9, "historical": False,
        "model": "m", "policy": "p",
        "evidence": (STORY,),
    }  # fmt: skip
    return Alert(**{**values, **changes})


def acknowledgement(**changes: Any) -> Acknowledgement:
    values: dict[str, Any] = {
        "id": "0123456789abcdef", "key": "news/topic:Energy | Oil", "state": "acknowledged", "by": "Kim",
        "note": "on it", "at": NOW, "until": NOW + timedelta(hours=2),
    }  # fmt: skip
    return Acknowledgement(**{**values, **changes})


def record(*messages: Alert | Acknowledgement) -> AlertRecord:
    """The record of the first message's alert."""
    history = AlertHistory()
    for message in messages:
        history.add(message)
    return history.find(messages[0].id)


def write(
    broker: str, topic: str, messages: Iterable[Alert | Acknowledgement | bytes], commit: bool = True
) -> None:
    """In a transaction, as the workers do; without `commit` it is aborted."""
    producer = KafkaProducer(bootstrap_servers=broker, transactional_id=f"{topic}-test", acks="all")
    producer.init_transactions()
    producer.begin_transaction()
    for message in messages:
        producer.send(topic, message if isinstance(message, bytes) else encode(message), key=b"key")
    producer.flush()
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close()
