"""The texts of the sample feed, read from `texts/` and checked."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bearwatch.core.streams import STREAMS, Stream
from bearwatch.sample.phrases import Slots, faults
from bearwatch.sample.world import Sentiment
from stream.errors import StreamError

TEXTS = Path(__file__).parent / "texts"
SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")

# Names whose values the code chooses for each document; the other names are lists in the files.
RESERVED = {
    "company",
    "ticker",
    "rival",
    "rival_ticker",
    "weekday",
    "month",
    "quarter",
    "next_quarter",
    "year",
}


@dataclass(frozen=True)
class Company:
    name: str
    ticker: str
    sector: str


@dataclass(frozen=True)
class TopicTexts:
    topic: str
    weight: float  # relative to the other topics
    companies: tuple[Company, ...]
    slots: Slots
    sentiment_weights: dict[Stream, tuple[float, ...]]  # of negative, neutral, positive
    templates: dict[tuple[Stream, Sentiment], tuple[str, ...]]


@dataclass(frozen=True)
class Phase:
    until: float  # where the next phase begins, as a ratio of the surge's length
    templates: dict[Stream, tuple[str, ...]]


@dataclass(frozen=True)
class Scenario:
    name: str
    topic: str
    companies: tuple[Company, ...]
    cast: Slots  # drawn once for the whole surge: the place, the people, the numbers
    slots: Slots
    phases: tuple[Phase, ...]
    leads: tuple[str, ...]  # first sentences for any negative headline of the surge
    neutral: tuple[str, ...]  # news about the same events that is not negative


@dataclass(frozen=True)
class Library:
    topics: tuple[TopicTexts, ...]
    scenarios: dict[str, Scenario]
    outlets: dict[Stream, dict[str, str]]  # source -> host
    slots: Slots


@cache
def library() -> Library:
    """Everything in `texts/`; raises StreamError, which names file and text, if a template cannot be filled."""
    common = _read(TEXTS / "common.toml")
    companies = tuple(
        Company(name, ticker, sector)
        for sector, members in _read(TEXTS / "companies.toml").items()
        for ticker, name in members.items()
    )
    return Library(
        topics=tuple(_topic(path, companies, common["slots"]) for path in _files("topics")),
        scenarios={path.stem: _scenario(path, companies, common["slots"]) for path in _files("surges")},
        outlets={stream: common["outlets"][stream] for stream in STREAMS},
        slots=common["slots"],
    )


def _topic(path: Path, companies: tuple[Company, ...], common: Slots) -> TopicTexts:
    data = _read(path)
    slots = {**common, **data.get("slots", {})}
    templates = {(s, mood): tuple(data[s][mood]) for s in STREAMS for mood in SENTIMENTS}
    _check(path, slots, [text for texts in templates.values() for text in texts])
    weights = {stream: tuple(data["sentiment_weights"][stream]) for stream in STREAMS}
    members = _members(companies, data.get("sectors"))
    return TopicTexts(data["topic"], data["weight"], members, slots, weights, templates)


def _scenario(path: Path, companies: tuple[Company, ...], common: Slots) -> Scenario:
    data = _read(path)
    phases = tuple(Phase(p["until"], {s: tuple(p[s]) for s in STREAMS}) for p in data["phase"])
    slots = {**common, **data["slots"]}
    texts = [text for phase in phases for stream in STREAMS for text in phase.templates[stream]]
    leads, neutral = tuple(data["leads"]), tuple(data["neutral"])
    _check(path, {**slots, **data["cast"]}, [*texts, *leads, *neutral])
    members = _members(companies, data.get("sectors"))
    return Scenario(path.stem, data["topic"], members, data["cast"], slots, phases, leads, neutral)


def _members(companies: tuple[Company, ...], sectors: list[str] | None) -> tuple[Company, ...]:
    return tuple(company for company in companies if sectors is None or company.sector in sectors)


def _check(path: Path, slots: Slots, templates: list[str]) -> None:
    names = RESERVED | set(slots)
    for text in [*templates, *(option for options in slots.values() for option in options)]:
        for fault in faults(text, names):
            raise StreamError(f"{path.name}: {fault}, in the text {text!r}")


def _files(folder: str) -> list[Path]:
    return sorted((TEXTS / folder).glob("*.toml"))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
