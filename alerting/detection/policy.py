"""The policy: one TOML file that says what an alert is, checked before anything runs.

A file carries `policy_version = 2` and otherwise only what differs from `default_policy.toml`. A key that does not
exist, a value of the wrong type or out of range, and values that contradict each other are errors that name the key.
"""

import dataclasses
import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec

from alerting.errors import PolicyError
from bearwatch.core.nearest import nearest
from bearwatch.core.toml_files import read_toml

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e12)]
Probability = Annotated[float, msgspec.Meta(gt=0, lt=1)]
AtLeastOne = Annotated[float, msgspec.Meta(ge=1, le=1e12)]
Count = Annotated[int, msgspec.Meta(ge=1)]

DEFAULT = Path(__file__).with_name("default_policy.toml")
VERSION = 2
# What version 1 called them. The first two are why a file must say its version: one new name is another's old one.
RENAMED = {
    "time.allowed_lateness_seconds": "time.max_out_of_orderness_seconds",
    "time.pane_open_seconds": "time.allowed_lateness_seconds",
}
ALSO_RENAMED = {
    "baseline.prior_stories": "baseline.prior_pseudo_stories",
    "baseline.overdispersion_prior": "baseline.intraclass_correlation_prior",
    "baseline.overdispersion_prior_pairs": "baseline.intraclass_correlation_pseudo_pairs",
    "baseline.overdispersion_min": "baseline.intraclass_correlation_min",
    "baseline.overdispersion_max": "baseline.intraclass_correlation_max",
}
MOST_BUCKETS_QUEUED = 100


@dataclass(frozen=True)
class Windows:
    lengths_seconds: Annotated[tuple[Count, ...], msgspec.Meta(min_length=1)]
    evaluate_every_seconds: Count


@dataclass(frozen=True)
class Time:
    max_out_of_orderness_seconds: Annotated[float, msgspec.Meta(ge=0, le=1e12)]
    allowed_lateness_seconds: Positive
    max_future_seconds: Positive
    idle_after_seconds: Positive
    historical_after_seconds: Positive
    story_memory_seconds: Positive


@dataclass(frozen=True)
class Surge:
    p_value: Probability
    consecutive_evaluations: Count
    min_stories: Count
    min_negative_stories: Count
    min_sources: Count
    min_lift: AtLeastOne
    clear_p_value: Probability
    clear_evaluations: Count
    cool_down_seconds: Positive
    critical_p_value: Probability
    critical_lift: AtLeastOne


@dataclass(frozen=True)
class PriorRatio:
    """Ratio of negative stories, per stream, before anything is known of a key."""

    news: Probability
    comments: Probability

    def of(self, stream: str) -> float:
        return {"news": self.news, "comments": self.comments}[stream]


@dataclass(frozen=True)
class Baseline:
    half_life_hours: Positive
    bucket_seconds: Count
    lag_seconds: Positive
    warm_up_stories: Count
    warm_up_hours: Positive
    prior_pseudo_stories: Positive
    intraclass_correlation_prior: Probability
    intraclass_correlation_pseudo_pairs: Positive
    intraclass_correlation_min: Probability
    intraclass_correlation_max: Probability
    max_freeze_hours: Positive
    prior_ratio: PriorRatio


@dataclass(frozen=True)
class Policy:
    windows: Windows
    time: Time
    surge: Surge
    baseline: Baseline

    @cached_property
    def hash(self) -> str:
        """16 hex digits over every value, whatever file and order they came from."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:16]


def load_policy(path: Path | str | None = None) -> Policy:
    """Read a policy file over the defaults, or the defaults alone. Raises PolicyError."""
    default = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
    if path is None:
        return _checked(default, DEFAULT.name)
    try:
        content = read_toml(Path(path))
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path}: cannot be read as a policy: {error}") from None
    _check_version(content, str(path))
    _reject_unknown(_without_version(content), Policy, str(path))
    return _checked(_merged(default, content), str(path))


def _check_version(content: dict[str, Any], name: str) -> None:
    version = content.get("policy_version")
    if type(version) is int and version == VERSION:
        return
    here = f"policy_version is {version!r}" if "policy_version" in content else "policy_version is missing"
    used = [old for old in ALSO_RENAMED if _holds(content, old)]
    renamed = [f"{old} is now {new}" for old, new in RENAMED.items()]
    renamed += [f"{old} is now {ALSO_RENAMED[old]}" for old in used]
    raise PolicyError(
        f"{name}: {here}; this release reads policy_version = {VERSION}. Since version 1 keys have new names, and one "
        f"new name is an old one with another meaning: {'; '.join(renamed)}. Rename what the file states, then write "
        f"policy_version = {VERSION} on its first line"
    )


def _holds(content: dict[str, Any], key: str) -> bool:
    table, _, name = key.partition(".")
    return isinstance(content.get(table), dict) and name in content[table]


def _without_version(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "policy_version"}


def _checked(content: dict[str, Any], name: str) -> Policy:
    """Turn a complete policy into its type; `name` says in errors where it came from."""
    content = _without_version(content)
    _reject_unknown(content, Policy, name)
    try:
        policy = msgspec.convert(content, Policy)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        raise PolicyError(f"{name}: {place.rstrip('`') or 'policy'}: {reason}") from None
    for contradiction in _contradictions(policy):
        raise PolicyError(f"{name}: {contradiction}")
    return policy


def _reject_unknown(content: dict[str, Any], kind: Any, name: str, prefix: str = "") -> None:
    known = {field.name: field.type for field in dataclasses.fields(kind)}
    for key, value in content.items():
        if key not in known:
            raise PolicyError(
                f"{name}: unknown key {prefix}{key}; the nearest known one is {prefix}{nearest(key, known)}"
            )
        if dataclasses.is_dataclass(known[key]) and isinstance(value, dict):
            _reject_unknown(value, known[key], name, f"{prefix}{key}.")


def _merged(default: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    both = {key: value for key, value in default.items() if key not in content}
    for key, value in content.items():
        nested = isinstance(value, dict) and isinstance(default[key], dict)
        both[key] = _merged(default[key], value) if nested else value
    return both


def _contradictions(policy: Policy) -> Iterator[str]:
    """What is wrong between values that are right on their own, and what would follow."""
    yield from _wrong_windows(policy)
    yield from _wrong_surge(policy.surge)
    yield from _wrong_baseline(policy.baseline, policy.windows.lengths_seconds)


def _wrong_windows(policy: Policy) -> Iterator[str]:
    lengths, every = policy.windows.lengths_seconds, policy.windows.evaluate_every_seconds
    memory = policy.time.story_memory_seconds
    if 60 % every:
        yield f"windows.evaluate_every_seconds: {every} s must divide a minute; counts are kept per minute"
    if list(lengths) != sorted(set(lengths)):
        yield f"windows.lengths_seconds: {list(lengths)} must ascend, each length once"
    for length in lengths:
        if length % every:
            yield (
                f"windows.lengths_seconds: {length} s must be a multiple of windows.evaluate_every_seconds, "
                f"{every} s; a window is made of whole panes"
            )
    if memory < max(lengths):
        yield (
            f"time.story_memory_seconds: {memory:g} s must be at least the longest window, {max(lengths)} s; "
            "one story would be counted twice in it"
        )


def _wrong_surge(surge: Surge) -> Iterator[str]:
    if surge.clear_p_value <= surge.p_value:
        yield (
            f"surge.clear_p_value: {surge.clear_p_value:g} must be above surge.p_value, {surge.p_value:g}; "
            "an alert would resolve while it fires"
        )
    if surge.critical_p_value > surge.p_value:
        yield (
            f"surge.critical_p_value: {surge.critical_p_value:g} must be at most surge.p_value, "
            f"{surge.p_value:g}; what is critical must be abnormal"
        )
    if surge.critical_lift < surge.min_lift:
        yield (
            f"surge.critical_lift: {surge.critical_lift:g} must be at least surge.min_lift, "
            f"{surge.min_lift:g}; what is critical must be abnormal"
        )
    if surge.min_negative_stories > surge.min_stories:
        yield (
            f"surge.min_negative_stories: {surge.min_negative_stories} must be at most surge.min_stories, "
            f"{surge.min_stories}; negative stories are stories"
        )


def _wrong_baseline(baseline: Baseline, lengths: tuple[int, ...]) -> Iterator[str]:
    bucket, lag = baseline.bucket_seconds, baseline.lag_seconds
    if bucket not in lengths:
        yield (
            f"baseline.bucket_seconds: {bucket} s must be one of windows.lengths_seconds, {list(lengths)}; "
            "the baseline is fed from that window"
        )
    if lag < max(lengths):
        yield (
            f"baseline.lag_seconds: {lag:g} s must be at least the longest window, {max(lengths)} s; "
            "a window would be compared with a baseline that contains it"
        )
    if lag > MOST_BUCKETS_QUEUED * bucket:
        yield (
            f"baseline.lag_seconds: {lag:g} s must be at most {MOST_BUCKETS_QUEUED} buckets of {bucket} s; "
            "every key keeps them all"
        )
    if (
        not baseline.intraclass_correlation_min
        <= baseline.intraclass_correlation_prior
        <= baseline.intraclass_correlation_max
    ):
        yield (
            "baseline.intraclass_correlation_prior: must lie between intraclass_correlation_min and "
            "intraclass_correlation_max"
        )
