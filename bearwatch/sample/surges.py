"""Surges of negative news: one event at a time that many documents are about.

The first surge is in the history and has ended before the anchor. The second begins six minutes before the anchor, so
that an alert fires soon after the start. After that there is one about every three hours.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from bearwatch.core.streams import Stream
from bearwatch.sample.library import Scenario, TopicTexts, library
from bearwatch.sample.phrases import render
from bearwatch.sample.rhythm import arrivals
from bearwatch.sample.world import SampleDocument, SampleWorld, Sentiment
from bearwatch.sample.writing import LEAD, calendar, cast, write

MINUTE, HOUR = 60.0, 3600.0
GAP_SECONDS = 3 * HOUR
_COMMENT_RATIO = 0.35  # comments per news story
_NEUTRAL_RATIO = 0.08  # of the news: official statements, numbers, background
_NEGATIVE_RATIO = 0.2  # of the comments: there are more of them, but most are neutral or positive
_LEAD_RATIO = 0.5  # of the negative news

Choice = Callable[[float], tuple[str, Sentiment]]  # time -> template and sentiment


@dataclass(frozen=True)
class Surge:
    """One surge: `start` in Unix seconds, its length in seconds, `peak` in news stories per second."""

    index: int
    scenario: str
    start: float
    seconds: float
    peak: float

    @property
    def end(self) -> float:
        return self.start + self.seconds

    def progress(self, time: float) -> float:
        return (time - self.start) / self.seconds

    def rate(self, time: float) -> float:
        """News stories per second: rises within a twelfth of the length, then level, falls over the last third."""
        return self.peak * min(1.0, 0.3 + 9 * self.progress(time), 3 * (1 - self.progress(time)))


def surge(world: SampleWorld, index: int) -> Surge:
    """The surge with this number: 0 is the one in the history, 1 the one at the anchor, then about every 3 h."""
    if index == 0:
        return Surge(0, "default", world.anchor - 40 * HOUR, 90 * MINUTE, 1.8 / MINUTE)
    if index == 1:
        return Surge(1, "oil", world.anchor - 6 * MINUTE, 31 * MINUTE, 8.0 / MINUTE)
    rng = _rng(world, index, "plan")
    others = [name for name in library().scenarios if name != "oil"]
    start = world.anchor + (index - 1) * GAP_SECONDS + rng.uniform(-20, 20) * MINUTE
    names = ["oil", *random.Random(world.seed).sample(others, len(others))]  # noqa: S311
    return Surge(index, names[(index - 1) % len(names)], start, 30 * MINUTE, rng.uniform(2.4, 3.2) / MINUTE)


def surge_documents(world: SampleWorld, slot: int) -> tuple[SampleDocument, ...]:
    """The documents of surges in this slot, copies not included."""
    start, end = world.slot_start(slot), world.slot_start(slot + 1)
    nearest = 1 + round((start - world.anchor) / GAP_SECONDS)
    indices = {0, 1} | {index for index in (nearest, nearest + 1) if index >= 2}
    return tuple(d for i in sorted(indices) for d in _documents_of(world, i) if start <= d.published_at < end)


@lru_cache(maxsize=8)
def _documents_of(world: SampleWorld, index: int) -> tuple[SampleDocument, ...]:
    """All documents of one surge, not in order; made together, because they share companies and places."""
    event = surge(world, index)
    scenario = library().scenarios[event.scenario]
    rng = _rng(world, index, "story")
    known = cast(scenario.companies, rng) | calendar(event.start)
    for name, options in scenario.cast.items():
        known[name] = render(rng.choice(options), scenario.slots, rng, known)
    news = _stream(event, scenario, "news", event.peak, known, rng)
    return (*news, *_stream(event, scenario, "comments", event.peak * _COMMENT_RATIO, known, rng))


def _stream(
    event: Surge, scenario: Scenario, stream: Stream, peak: float, known: dict[str, str], rng: random.Random
) -> Iterator[SampleDocument]:
    scale = peak / event.peak
    times = arrivals(lambda time: scale * event.rate(time), peak, event.start, event.end, rng)
    topic = next(each for each in library().topics if each.topic == scenario.topic)
    choose = _news(event, scenario, rng) if stream == "news" else _comments(event, scenario, topic, rng)
    for n, time in enumerate(times):
        template, sentiment = choose(time)
        yield write(
            id=f"{stream[0]}-surge{event.index}.{n}",
            stream=stream,
            published_at=time,
            template=template,
            topic=scenario.topic,
            sentiment=sentiment,
            slots={**topic.slots, **scenario.slots},
            known=known,
            rng=rng,
        )


def _news(event: Surge, scenario: Scenario, rng: random.Random) -> Choice:
    decks = [(phase.until, _deck(phase.templates["news"], rng)) for phase in scenario.phases]
    neutral, leads = _deck(scenario.neutral, rng), _deck(scenario.leads, rng)

    def choose(time: float) -> tuple[str, Sentiment]:
        if rng.random() < _NEUTRAL_RATIO:
            return next(neutral), "neutral"
        template = next(_current(decks, event.progress(time)))
        if LEAD not in template and rng.random() < _LEAD_RATIO:
            template = f"{template}{LEAD}{next(leads)}"
        return template, "negative"

    return choose


def _comments(event: Surge, scenario: Scenario, topic: TopicTexts, rng: random.Random) -> Choice:
    decks = [(phase.until, _deck(phase.templates["comments"], rng)) for phase in scenario.phases]
    others: list[tuple[str, Sentiment]] = [
        (text, sentiment)
        for sentiment in ("neutral", "positive")
        for text in topic.templates["comments", sentiment]
    ]

    def choose(time: float) -> tuple[str, Sentiment]:
        if rng.random() < _NEGATIVE_RATIO:
            return next(_current(decks, event.progress(time))), "negative"
        return rng.choice(others)

    return choose


def _current(decks: list[tuple[float, Iterator[str]]], progress: float) -> Iterator[str]:
    return next(deck for until, deck in decks if progress < until)


def _deck(texts: tuple[str, ...], rng: random.Random) -> Iterator[str]:
    """The texts in random order, repeatedly: none comes a second time before all have come once."""
    while True:
        yield from rng.sample(texts, len(texts))


def _rng(world: SampleWorld, index: int, purpose: str) -> random.Random:
    return random.Random(f"{world.seed}/surge {index}/{purpose}")  # noqa: S311 - not a secret
