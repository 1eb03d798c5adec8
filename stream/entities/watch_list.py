"""Which companies are watched, checked: a value that does not change; another list is another value."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from bearwatch.core.printable import brief
from stream.entities.comparable import comparable
from stream.entities.tickers import Ticker, read_ticker
from stream.errors import WatchListError

LONGEST_ID = 64  # characters; an id becomes a part of Kafka keys, labels of metrics and links
LONGEST_TEXT = 200  # characters of a name or a word
MOST_TEXTS = 200  # names, aliases, tickers or words of one company
Named = TypeVar("Named", str, Ticker)
_FORMULA = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True, slots=True)
class Company:
    """A watched company, as a watch list describes it. Each company has a name or a ticker."""

    id: str  # of its key: `entity:ID`
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # treated like names: short forms, former names, brands
    tickers: tuple[str, ...] = ()
    near: tuple[
        str, ...
    ] = ()  # where there are any, a name alone is not enough: one of them, or another sign
    not_near: tuple[str, ...] = ()  # next to one of them, or inside it, a name is something else
    ambiguous: bool | None = None  # whether each name needs a second sign; None: where it is an ordinary word

    @property
    def all_names(self) -> tuple[str, ...]:
        return (*self.names, *self.aliases)

    @property
    def read_tickers(self) -> tuple[Ticker, ...]:
        return tuple(ticker for each in self.tickers if (ticker := read_ticker(each)) is not None)


@dataclass(frozen=True)
class WatchList:
    """Companies that may be watched together."""

    companies: tuple[Company, ...]
    hash: str = ""  # of the file


def checked(rows: Iterable[tuple[str, Company]], digest: str, file: str) -> WatchList:
    """The watch list of these rows.

    Args:
        rows: where each stands, for people ("row 7"), and the company.
        digest: the hash of the file.
        file: its name, for errors.

    Raises:
        WatchListError: a row cannot be used, or two contradict each other.
    """
    ids: dict[str, str] = {}
    names: dict[str, tuple[str, str]] = {}
    tickers: dict[Ticker, tuple[str, str]] = {}
    companies = []
    for where, company in rows:
        try:
            _check(company)
            _once(ids, company.id.casefold(), where, f"id {company.id!r}")
            for name in company.all_names:
                _one_company(names, comparable(name).folded, (where, company.id), f"name {name!r}")
            for ticker, text in zip(company.read_tickers, company.tickers, strict=True):
                _one_company(tickers, ticker, (where, company.id), f"ticker {text!r}")
        except ValueError as error:
            raise WatchListError(f"{file}: {where}: {error}") from None
        companies.append(company)
    return WatchList(tuple(companies), digest)


def _once(seen: dict[str, str], what: str, where: str, shown: str) -> None:
    if what in seen:
        raise ValueError(f"{shown} is also in {seen[what]}; each company has an id of its own")
    seen[what] = where


def _one_company(seen: dict[Named, tuple[str, str]], what: Named, owner: tuple[str, str], shown: str) -> None:
    where, other = seen.setdefault(what, owner)
    if other != owner[1]:
        raise ValueError(
            f"{shown} is also that of {other!r} ({where}); it must stand for one company: "
            "remove it from the other, or write a longer one"
        )


def _check(company: Company) -> None:
    check_id(company.id)
    if not company.all_names and not company.tickers:
        raise ValueError(f"company {company.id!r} has neither a name nor a ticker; nothing could find it")
    for column in ("names", "aliases", "tickers", "near", "not_near"):
        texts = getattr(company, column)
        if len(texts) > MOST_TEXTS:
            raise ValueError(f"{len(texts)} {column} are too many for one company; it may have {MOST_TEXTS}")
        for text in texts:
            _check_text(text, column)
    for name in company.all_names:
        _check_name(name)
    for text in company.tickers:
        _check_ticker(text)


def check_id(text: str) -> None:
    """Raises ValueError where it is not fit for a key."""
    if not text.strip():
        raise ValueError("the id is empty; it becomes a part of a key, as in news/entity:ACME")
    if len(text) > LONGEST_ID:
        raise ValueError(f"id {brief(text, 40)!r} has {len(text)} characters; it may have {LONGEST_ID}")
    fits = text.isprintable() and text == text.strip() and text == unicodedata.normalize("NFC", text)
    if not fits or not re.fullmatch(r"[\w .&+:'-]+", text):
        raise ValueError(
            f"id {brief(text)!r} is not fit for a key; letters, digits, blanks inside and . _ - & + : ' are"
        )


def _check_text(text: str, column: str) -> None:
    if not text.strip():
        raise ValueError(f"an empty text in {column}; remove it, or the separator too many")
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"{brief(text, 40)!r} in {column} has {len(text)} characters; it may have {LONGEST_TEXT}"
        )
    if text.startswith(_FORMULA):
        raise ValueError(
            f"{brief(text)!r} in {column} looks like a formula of a spreadsheet; write it as text"
        )
    if not text.isprintable():
        raise ValueError(f"{brief(text)!r} in {column} holds a character that cannot be seen; type it again")
    if not any(each.isalnum() for each in text):
        raise ValueError(f"{brief(text)!r} in {column} has neither a letter nor a digit")


def _check_name(name: str) -> None:
    letters = [each for each in comparable(name).cased if each.isalnum()]
    if len(letters) < 2:
        raise ValueError(
            f"name {name!r} is one character long and would be found everywhere; write a longer one, or a ticker"
        )
    if all(each.isdigit() for each in letters):
        raise ValueError(f"name {name!r} is a number; a code such as 600519 belongs into tickers")


def _check_ticker(text: str) -> None:
    ticker = read_ticker(text)
    if ticker is None:
        forms = "AAPL, BRK.B, NYSE:GE, 600519.SH or 0700.HK"
        raise ValueError(f"ticker {brief(text)!r} cannot be read; write it like {forms}")
    if ticker.symbol.isdigit() and ticker.exchange is None:
        raise ValueError(
            f"ticker {text!r} is a number without its exchange; write 7203.T or 0700.HK "
            "(or a spreadsheet has cut the zeros of a code such as 000001)"
        )
