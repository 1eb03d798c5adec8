"""An alert in words, the same in the terminal and on the evidence page."""

from datetime import UTC, datetime

from alerting.alerts import Alert
from alerting.evidence.history import AlertRecord


def title(alert: Alert) -> str:
    return f"{alert.severity} {alert.kind} of bad {alert.stream} about {subject(alert)}"


def subject(alert: Alert) -> str:
    """The topic or the entity it is about."""
    return str(alert.topic or alert.entity)


def figures(alert: Alert) -> str:
    """The numbers that made it ring, in one sentence."""
    share = alert.negative_stories / alert.stories if alert.stories else 0.0
    minutes = (alert.window_end - alert.window_start).total_seconds() / 60
    p_value = "-" if alert.p_value is None else f"{alert.p_value:.1g}"
    lift = "-" if alert.lift is None else f"{alert.lift:.1f} times"
    return (
        f"{alert.negative_stories} of {alert.stories} stories negative ({share:.0%}, usual "
        f"{alert.baseline_ratio:.0%}, {lift}) from {alert.sources} sources in {minutes:.0f} min "
        f"up to {alert.window_end:%H:%M:%S} UTC, p = {p_value}"
    )


def state(record: AlertRecord, now: datetime) -> str:
    """`firing, acknowledged by Kim until ...`, `resolved, historical` and so on."""
    words = ["resolved" if record.alert.state == "resolved" else "firing"]
    if record.alert.historical:
        words.append("historical")
    if (answer := record.acknowledged(now)) is not None:
        words.append(f"{answer.state} by {answer.by} until {moment(answer.until)} UTC")
    return ", ".join(words)


def moment(time: datetime) -> str:
    """To the minute, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
