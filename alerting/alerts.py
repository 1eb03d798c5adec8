"""The alert as it stands on the `alerts` topic, and how one is made of a decision."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from alerting.detector import Decision, Severity, Transition
from bearwatch.core.key import Key
from bearwatch.core.streams import Stream
from bearwatch.core.times import utc

KindName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]*$")]  # open: another release may know more kinds
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
# Several times what a worker writes: what is shown must not take minutes, whoever wrote it.
Name = Annotated[str, msgspec.Meta(max_length=2000)]
Text = Annotated[str, msgspec.Meta(max_length=10_000)]
Words = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Sources = Annotated[
    Count, msgspec.Meta(description="Of a number over 1,000 there may be more: at least so many.")
]
YEARS = range(1969, 9999)  # the windows of the first documents of 1970 begin in 1969


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A leading story: `probability` that it is negative, and the words that made the model say so."""

    text: Text
    source: Name
    url: Text | None = None
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)]
    words: Words = ()
    model: str | UnsetType = UNSET  # hash of the model that classified it


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message about an alert: it fires, is updated or has resolved. `id` stays the same throughout.

    The counts, `lift`, `score` (-log10 of `p_value`) and `p_value` are those of [window_start, window_end); the
    three are null where it has become empty. It carries `topic` or `entity`, as its key says. A `historical` alert
    was detected too late to page anyone.
    """

    id: Name
    key: Name
    stream: Stream
    topic: Name | UnsetType = UNSET
    entity: Name | UnsetType = UNSET
    kind: KindName
    severity: Severity
    state: Transition
    window_start: Moment
    window_end: Moment
    detected_at: Moment
    documents: Count
    stories: Count
    negative_stories: Count
    sources: Sources
    baseline_ratio: float
    lift: float | None
    score: float | None = None  # messages of the first release have none
    p_value: float | None
    evidence: Annotated[tuple[Evidence, ...], msgspec.Meta(max_length=100)]
    model: Name
    policy: Name
    historical: bool
    reason: Text | UnsetType = UNSET  # why it resolved, where that is not that its windows are clear
    schema_version: Literal[1] = 1

    def __post_init__(self) -> None:
        Key.parse(self.key)  # a message with another key is not an alert
        check_times(self.window_start, self.window_end, self.detected_at)


def check_times(*times: datetime) -> None:
    """Raises ValueError for a time with which nobody can reckon, such as one in the year 1."""
    for each in times:
        if each.year not in YEARS:
            raise ValueError(f"{each} is not the time of a message: its year is not between 1969 and 9998")


def alert_id(key: str, kind: str, first_pane_end: float) -> str:
    """The first 16 hex digits of sha256 over `KEY \\n KIND \\n END` (no spaces) in UTF-8.

    END is the end of the first firing pane in whole seconds since the epoch, as in
    "news/topic:Energy | Oil\\nsurge\\n1767225600". A repeated emission has the same id.
    """
    return hashlib.sha256(f"{key}\n{kind}\n{int(first_pane_end)}".encode()).hexdigest()[:16]


def build_alert(
    key: Key,
    kind: str,
    decision: Decision,
    state: Transition,
    *,
    evidence: tuple[Evidence, ...],
    detected_at: float,
    historical: bool,
    model: str,
    policy: str,
) -> Alert:
    """Make the message for a decision with an alert.

    `state` is the decision's transition, or "updated" when an alert that fired late still holds now that the
    stream has caught up. `detected_at` is the clock's time in seconds; `model` and `policy` are hashes.
    """
    if decision.alert is None or decision.decisive is None:
        raise ValueError(f"the decision on {key} at {decision.time:g} has no alert")
    counts, score, p_value, lift, _ = decision.decisive
    return Alert(
        id=alert_id(str(key), kind, decision.alert.since),
        key=str(key),
        stream=key.stream,
        topic=key.name if key.dimension == "topic" else UNSET,
        entity=key.name if key.dimension == "entity" else UNSET,
        kind=kind,
        severity=decision.alert.severity,
        state=state,
        window_start=utc(counts.window_start),
        window_end=utc(counts.window_end),
        detected_at=utc(detected_at),
        documents=counts.documents,
        stories=counts.stories,
        negative_stories=counts.negative_stories,
        sources=counts.sources,
        baseline_ratio=decision.baseline_ratio,
        lift=lift,
        score=score,
        p_value=p_value,
        evidence=evidence,
        model=model,
        policy=policy,
        historical=historical,
        reason=decision.reason or UNSET,
    )
