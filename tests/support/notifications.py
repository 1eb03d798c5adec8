"""Makes the notifications that tests of the webhook receiver need."""

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from alerting.notify.notices import Notification, receipts

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def notice(fingerprint: str = "f1", status: str = "firing", **changes: Any) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "BearwatchSurge", "stream": "news", "topic": "Macro", "severity": "critical"},
        "annotations": {"summary": "9 of 10 stories negative"},
        "startsAt": "2026-11-24T11:59:00.123456789Z",
        "endsAt": "2026-11-24T12:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint,
        **changes,
    }


def notification(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "risk",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager",
        "alerts": list(alerts), **changes,
    }  # fmt: skip


def received(*alerts: dict[str, Any]) -> Any:
    return receipts(msgspec.json.decode(json.dumps(notification(*alerts)), type=Notification), NOW)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Files cannot grow beyond `size`: as on a full disk, a write is cut short and the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
