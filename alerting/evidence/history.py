"""The `alerts` topic folded into one record per alert. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from alerting.alerts import Alert, Moment
from alerting.errors import AlertingError
from alerting.evidence.acknowledgements import Acknowledgement
from bearwatch.core.key import Key
from bearwatch.core.nearest import nearest

CLOCKS_DIFFER = timedelta(minutes=5)  # an alert's time is event time; shorter than a key's cool-down
SHOWN = 64  # characters of an id that is not known
ACKNOWLEDGEMENTS_KEPT = 20  # of each alert, the newest


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One alert from its first message to its last."""

    since: Moment  # end of the window in which it first fired
    alert: Alert  # its last message
    last_firing: Alert  # its last message while it fired: a resolved one has neither high counts nor evidence
    acknowledgements: tuple[Acknowledgement, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its key, and `kind`, as the metrics have them."""
        return {**Key.parse(self.alert.key).labels, "kind": self.alert.kind}

    def acknowledged(self, now: datetime) -> Acknowledgement | None:
        """The last acknowledgement if it is still valid at `now` and the alert fires; None otherwise."""
        if self.alert.state == "resolved" or not self.acknowledgements:
            return None
        last = self.acknowledgements[-1]
        return last if now < last.until else None


class AlertHistory:
    """The records by alert id, in order of their first message; the newest `keep` of them, or all."""

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._records: dict[str, AlertRecord] = {}

    def add(self, message: Alert | Acknowledgement) -> None:
        """Apply the next message; an acknowledgement of an alert that is not (or no longer) known is ignored."""
        known = self._records.get(message.id)
        if isinstance(message, Alert):
            self._records[message.id] = _follow(known, message)
            if self._keep is not None and len(self._records) > self._keep:
                del self._records[next(iter(self._records))]
        elif known is not None:
            answers = (*known.acknowledgements, message)[-ACKNOWLEDGEMENTS_KEPT:]
            self._records[message.id] = msgspec.structs.replace(known, acknowledgements=answers)

    def newest_first(self) -> list[AlertRecord]:
        return list(reversed(self._records.values()))

    def find(self, alert_id: str) -> AlertRecord:
        """The record of an alert.

        Raises:
            AlertingError: there is none; the message names the nearest known id.
        """
        if alert_id in self._records:
            return self._records[alert_id]
        closest = nearest(alert_id, self._records)
        hint = f"; the nearest known one is {closest}" if closest else "; there are no alerts yet"
        raise AlertingError(f"there is no alert {alert_id[:SHOWN]}{hint}")

    def resolved_since(self, alert_id: str) -> datetime | None:
        """When a known alert was detected to be resolved; None while it fires or is not known."""
        known = self._records.get(alert_id)
        return known.alert.detected_at if known is not None and known.alert.state == "resolved" else None

    def newest_of(self, labels: Mapping[str, str], at: datetime | None = None) -> AlertRecord | None:
        """The newest alert with these labels (of its key, and `kind`) that had begun at a time.

        An alert that is not historical is preferred.
        """
        matching = [
            record
            for record in self.newest_first()
            if labels.items() <= record.labels.items() and (at is None or record.since - CLOCKS_DIFFER <= at)
        ]
        return next(
            (record for record in matching if not record.alert.historical), next(iter(matching), None)
        )


def _follow(known: AlertRecord | None, message: Alert) -> AlertRecord:
    if known is None:
        return AlertRecord(since=message.window_end, alert=message, last_firing=message)
    firing = known.last_firing if message.state == "resolved" else message
    return msgspec.structs.replace(known, alert=message, last_firing=firing)
