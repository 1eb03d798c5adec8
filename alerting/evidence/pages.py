"""Alerts as HTML pages. Texts come from feeds that anybody can write to: all are escaped, and links are http(s)."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alerting.alerts import Evidence
from alerting.evidence.history import AlertRecord
from alerting.evidence.wording import counts_in_words, moment, state, title
from bearwatch.core.pages import templates


def list_page(records: Sequence[AlertRecord], now: datetime) -> str:
    """The page with all alerts, in the given order."""
    return render("list.html", records=records, now=now)


def alert_page(record: AlertRecord, now: datetime) -> str:
    """The page of one alert with its leading stories and acknowledgements."""
    return render("alert.html", record=record, now=now)


def render(template: str, **values: Any) -> str:
    """A template of this package with values, which are escaped."""
    return _environment.get_template(template).render(values)


def parts(story: Evidence) -> list[tuple[str, bool]]:
    """The story's text in parts; True marks the words that made the model classify it as negative."""
    if not story.words:
        return [(story.text, False)]
    longest_first = sorted(story.words, key=len, reverse=True)
    words = "|".join(re.escape(word) for word in longest_first)
    cut = re.split(rf"(?<!\w)({words})(?!\w)", story.text, flags=re.IGNORECASE)
    return [(part, number % 2 == 1) for number, part in enumerate(cut) if part]


def is_web(url: str | None) -> bool:
    """Whether a link may be followed: `javascript:` and the like may not, nor what a page cannot show as it is.

    Nor one with a user (`https://bank.example@evil.example`) or a backslash, which a browser reads as a slash: such a
    link leads elsewhere than it seems to.
    """
    try:
        address = urlsplit(url if url and url.isprintable() and not {" ", "\\"} & set(url) else "")
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.netloc) and "@" not in address.netloc


_environment = templates(Path(__file__).parent / "templates")
_environment.filters |= {
    "counts_in_words": counts_in_words,
    "is_web": is_web,
    "moment": moment,
    "parts": parts,
    "state": state,
    "title_of": title,
}
