"""What Alertmanager sends to a webhook, version 4, as far as the receiver uses it, and what is written down of it.

The format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec

from alerting.alerts import Moment

Status = Literal["firing", "resolved"]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Notice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alert of a notification.

    While it fires, `ends_at` is 0001-01-01, or the time at which it resolves if Prometheus stops sending it.
    """

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: Moment
    ends_at: Moment | None = None
    generator_url: str = msgspec.field(default="", name="generatorURL")
    fingerprint: Text


class Notification(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of one request of Alertmanager (webhook version 4). Unknown fields are ignored."""

    version: Literal["4"]
    receiver: str
    alerts: tuple[Notice, ...]
    truncated_alerts: int = 0  # alerts that Alertmanager left out because of max_alerts


class Identity(NamedTuple):
    """What makes two notices the same: the alert, the start of its firing, and the status."""

    fingerprint: str
    starts_at: datetime
    status: Status


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the receiver's file: an alert fires or is resolved."""

    received_at: Moment
    status: Status
    starts_at: Moment
    ends_at: Moment | None  # None while it fires
    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]
    generator_url: str
    fingerprint: str

    @property
    def identity(self) -> Identity:
        return Identity(self.fingerprint, self.starts_at, self.status)


def receipts(notification: Notification, received_at: datetime) -> list[Receipt]:
    """The lines to write for a notification, one per alert in it; `received_at` is the receiver's clock."""
    return [
        Receipt(
            received_at=received_at,
            status=notice.status,
            starts_at=notice.starts_at,
            ends_at=notice.ends_at if notice.status == "resolved" else None,
            receiver=notification.receiver,
            labels=notice.labels,
            annotations=notice.annotations,
            generator_url=notice.generator_url,
            fingerprint=notice.fingerprint,
        )
        for notice in notification.alerts
    ]
