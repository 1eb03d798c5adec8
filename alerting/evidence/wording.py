"""An alert in words, the same in the terminal and on the evidence page."""

from datetime import UTC, datetime

from alerting.alerts import Alert
from alerting.evidence.history import AlertRecord
from alerting.kinds import KINDS
from bearwatch.core.key import Key

EXACT_SOURCES = 1000  # above, a number of sources is a lower bound (`stream/aggregate/records.py`)


def title(alert: Alert) -> str:
    """The alert in a few words: `critical surge of bad news about Energy | Oil`."""
    kind = KINDS.get(alert.kind)  # another release may know more kinds
    about = kind.title if kind else f"{alert.kind.replace('_', ' ')} in {{stream}} about {{subject}}"
    return f"{alert.severity} {about.format(stream=alert.stream, subject=subject(alert))}"


def subject(alert: Alert) -> str:
    """The name of what its key watches: a topic, an entity or a source."""
    return Key.parse(alert.key).name


def counts_in_words(alert: Alert) -> str:
    """The counts that made it fire, in one sentence."""
    ratio = alert.negative_stories / alert.stories if alert.stories else 0.0
    minutes = (alert.window_end - alert.window_start).total_seconds() / 60
    p_value = "-" if alert.p_value is None else f"{alert.p_value:.1g}"
    lift = "-" if alert.lift is None else f"{alert.lift:.1f} times"
    sources = alert.sources if alert.sources <= EXACT_SOURCES else f"at least {alert.sources}"
    return (
        f"{alert.negative_stories} of {alert.stories} stories negative ({ratio:.0%}, usual "
        f"{alert.baseline_ratio:.0%}, {lift}) from {sources} sources in {minutes:.0f} min "
        f"up to {alert.window_end:%H:%M:%S} UTC, p = {p_value}"
    )


def state(record: AlertRecord, now: datetime) -> str:
    """The state of an alert: `firing, acknowledged by Kim until ...`, `resolved, historical` and so on."""
    words = ["resolved" if record.alert.state == "resolved" else "firing"]
    if record.alert.historical:
        words.append("historical")
    if (answer := record.acknowledged(now)) is not None:
        words.append(f"{answer.state} by {answer.by} until {moment(answer.until)} UTC")
    return ", ".join(words)


def moment(time: datetime) -> str:
    """A time to the minute, in UTC: `2026-11-24 12:00`."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
