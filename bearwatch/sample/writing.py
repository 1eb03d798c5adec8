"""From a template to a document: its companies, its source, its URL."""

import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bearwatch.core.streams import Stream
from bearwatch.sample.library import Company, library
from bearwatch.sample.phrases import Slots, render
from bearwatch.sample.world import SampleDocument, Sentiment

LEAD = " // "  # in a template, between the headline and the first sentence

_ENDINGS: dict[Sentiment, tuple[str, ...]] = {
    "negative": ("😬", "📉", "🔻", "🤦", "🚨", "smh", "ugh", "💀", "not good"),
    "neutral": ("👀", "🤔", "☕", "fyi", "🧐", "#stocks", "#markets"),
    "positive": ("🚀", "📈", "🙌", "💪", "✅", "🔥", "love it", "🎯"),
}


def write(
    *,
    id: str,
    stream: Stream,
    published_at: float,
    template: str,
    topic: str,
    sentiment: Sentiment,
    slots: Slots,
    known: Mapping[str, str],
    rng: random.Random,
) -> SampleDocument:
    """One document; `known` holds the values of the names that `cast` and `calendar` return."""
    title, _, lead = render(template, slots, rng, known).replace("s's ", "s' ").partition(LEAD)
    outlets = library().outlets[stream]
    source = rng.choice(tuple(outlets))
    heading: str | None = None
    author: str | None = None
    if stream == "comments":
        text, author = _informal(title, sentiment, rng), render("{handle}", slots, rng, {})
    else:
        heading = _capitalised(title)
        text = with_lead(heading, _capitalised(lead))
        author = render("{person}", slots, rng, {}) if rng.random() < 0.5 else None
    return SampleDocument(
        stream=stream,
        published_at=published_at,
        id=id,
        text=text,
        source=source,
        url=address(outlets[source], topic, title, id),
        title=heading,
        author=author,
        tickers=_tickers(text, known),
        intended_topic=topic,
        intended_sentiment=sentiment,
    )


def with_lead(title: str, lead: str) -> str:
    """Headline and first sentence in one line, as in the field `text` of a message."""
    if not lead:
        return title
    return f"{title}{'' if title[-1] in '.!?' else '.'} {lead}"


def address(host: str, topic: str, title: str, id: str) -> str:
    """The URL of a document."""
    section, slug = (re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in (topic, title))
    return f"https://{host}/{section}/{slug[:60].rstrip('-')}-{id}"


def cast(companies: Sequence[Company], rng: random.Random) -> dict[str, str]:
    """Two companies under the names that templates use: company, ticker, rival, rival_ticker."""
    first, second = rng.sample(companies, 2)
    return {
        "company": first.name,
        "ticker": f"${first.ticker}",
        "rival": second.name,
        "rival_ticker": f"${second.ticker}",
    }


def calendar(time: float) -> dict[str, str]:
    """The dates in a text published at `time` (Unix seconds); a quarter is reported in the quarter after it."""
    moment = datetime.fromtimestamp(time, UTC)
    quarter = (moment.month - 1) // 3  # the last complete one, 0 for last year's fourth
    return {
        "weekday": f"{moment:%A}",
        "month": f"{moment.replace(month=(moment.month - 2) % 12 + 1, day=1):%B}",
        "quarter": f"Q{quarter or 4}",
        "next_quarter": f"Q{quarter + 1}",
        "year": str(moment.year),
    }


def _tickers(text: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The symbols of the companies that a text is about, by symbol or by name."""
    symbols = set(re.findall(r"\$([A-Z]{5})\b", text))
    named = {known["company"]: known["ticker"], known["rival"]: known["rival_ticker"]}
    return tuple(sorted(symbols | {ticker[1:] for name, ticker in named.items() if name in text}))


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _informal(text: str, sentiment: Sentiment, rng: random.Random) -> str:
    """Adds what comments often have: a small first letter, an emoji or hashtag, a link."""
    if rng.random() < 0.15 and text[1:2].islower():
        text = text[0].lower() + text[1:]
    if rng.random() < 0.3:
        text = f"{text} {rng.choice(_ENDINGS[sentiment])}"
    if rng.random() < 0.25:
        text = f"{text} https://lnk.example/{rng.randrange(36**6):06x}"
    return text
