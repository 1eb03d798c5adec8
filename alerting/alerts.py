"""The alert as it stands on the `alerts` topic, and how one is made of a decision."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from alerting.detection.detector import Decision, Severity, Transition
from alerting.kinds import SURGE
from bearwatch.core.times import utc

Kind = Literal["surge", "slow_burn", "volume", "silence"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A leading story: `probability` that it is negative, and the words that made the model say so."""

    text: str
    source: str
    url: str | None = None
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)]
    words: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message about a surge: it fires, is updated or has resolved. `id` stays the same throughout.

    The counts, `lift` and `p_value` are those of [window_start, window_end); the two are null where
    it has become empty. A `historical` alert was detected too late to page anyone.
    """

    id: str
    key: str
    stream: str
    topic: str | UnsetType = UNSET
    entity: str | UnsetType = UNSET
    kind: Kind
    severity: Severity
    state: Transition
    window_start: Moment
    window_end: Moment
    detected_at: Moment
    documents: int
    stories: int
    negative_stories: int
    sources: int
    baseline_ratio: float
    lift: float | None
    p_value: float | None
    evidence: tuple[Evidence, ...]
    model: str
    policy: str
    historical: bool
    reason: str | UnsetType = UNSET  # why it resolved, where that is not calm
    schema_version: Literal[1] = 1


def alert_id(key: str, kind: str, first_pane_end: float) -> str:
    """The first 16 hex digits of sha256 over `KEY \\n KIND \\n END` (no spaces) in UTF-8.

    END is the end of the first firing pane in whole seconds since the epoch, as in
    "news/topic:Energy | Oil\\nsurge\\n1767225600". A repeated emission has the same id.
    """
    return hashlib.sha256(f"{key}\n{kind}\n{int(first_pane_end)}".encode()).hexdigest()[:16]


def split_key(key: str) -> tuple[str, Literal["topic", "entity"], str]:
    """Take `news/topic:Energy | Oil` apart: the stream, what is watched, and its name."""
    stream, slash, rest = key.partition("/")
    dimension, colon, name = rest.partition(":")
    if not (stream and slash and colon and name):
        raise ValueError(f"key {key!r} is not STREAM/topic:NAME or STREAM/entity:NAME")
    if dimension == "topic":
        return stream, "topic", name
    if dimension == "entity":
        return stream, "entity", name
    raise ValueError(f"key {key!r} is about {dimension!r}; known are topic and entity")


def build_alert(
    key: str,
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
    counts, p_value, lift = decision.decisive
    stream, dimension, name = split_key(key)
    return Alert(
        id=alert_id(key, SURGE, decision.alert.since),
        key=key,
        stream=stream,
        topic=name if dimension == "topic" else UNSET,
        entity=name if dimension == "entity" else UNSET,
        kind=SURGE,
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
        p_value=p_value,
        evidence=evidence,
        model=model,
        policy=policy,
        historical=historical,
        reason=decision.reason or UNSET,
    )
