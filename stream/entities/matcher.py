"""Finds the companies of a watch list in texts, with an Aho-Corasick automaton over all their spellings.

One pass finds every spelling and every word that must or must not be near; what stands around each decides. The time
grows with the text and with what is found in it, hardly with the length of the list.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from stream.entities.comparable import Comparable, comparable, joins
from stream.entities.names import ORDINARY, Needs, Spelling, spellings
from stream.entities.signs import has_company_word, has_inner_capitals, has_legal_suffix, is_another_firm
from stream.entities.tickers import Ticker, read_ticker, tickers_in
from stream.entities.watch_list import WatchList

LOOKED_AT_CHARACTERS = 2000  # of a text; what messages hold of it, so that a reader sees the name
MOST_MENTIONS = 20  # of one company that are looked at, so that no text takes longer than some milliseconds
MOST_TICKERS = 100  # of a document's own that are read
NEAR_WORDS, NEAR_CHARACTERS = 10, 80  # between a name and a word that is near it


class Match(NamedTuple):
    """A company that a document is about."""

    company: str  # its id
    found: str  # the words that say so, as they were compared
    why: str  # for people


class _Word(NamedTuple):
    """What a pattern of the automaton is for one company."""

    company: int
    spelling: Spelling | None  # None: a word near it
    wanted: bool = True  # False: a word that must not be near


class _Mention(NamedTuple):
    start: int
    end: int
    company: int
    spelling: Spelling
    capitals: bool  # the capital letters of the spelling are there, and tell something


class _Around(NamedTuple):
    start: int
    end: int
    wanted: bool


class Matcher:
    """A watch list, ready to be looked for; it does not change, and threads may share it."""

    def __init__(self, watch_list: WatchList) -> None:
        self.hash = watch_list.hash
        self.companies = watch_list.companies
        words: dict[str, dict[_Word, None]] = defaultdict(dict)
        self._tickers: dict[str, list[tuple[Ticker, int]]] = defaultdict(list)
        for number, company in enumerate(self.companies):
            for spelling in spellings(company):
                words[spelling.folded][_Word(number, spelling)] = None
            for wanted, texts in ((True, company.near), (False, company.not_near)):
                for text in texts:
                    words[comparable(text).folded][_Word(number, None, wanted)] = None
            for ticker in company.read_tickers:
                self._tickers[ticker.symbol].append((ticker, number))
        self._words = [tuple(_one_company_only(each)) for each in words.values()]
        self._automaton = AhoCorasick(list(words))

    def find(self, text: str, tickers: Sequence[str] = ()) -> tuple[Match, ...]:
        """The companies that a document is about: by name, in the order of the text, then those by ticker alone.

        Args:
            text: normalised; the first LOOKED_AT_CHARACTERS count.
            tickers: the document's own, in any form that `stream.entities.tickers` reads; they count without the text.
                The first MOST_TICKERS are read.
        """
        if not self.companies:
            return ()
        form = comparable(text[:LOOKED_AT_CHARACTERS])
        by_ticker = self._by_ticker(form.plain, tickers)
        mentions, around = self._mentions(form)
        by_base: dict[int, dict[str, _Mention]] = defaultdict(dict)  # the first mention of each
        for mention in mentions:
            by_base[mention.company].setdefault(mention.spelling.base, mention)
        found: dict[int, Match] = {}
        looked_at: Counter[int] = Counter()
        for mention in mentions:
            number = mention.company
            looked_at[number] += 1
            if number in found or looked_at[number] > MOST_MENTIONS:
                continue
            others = by_base[number].values()
            if why := self._why(mention, form, others, around[number], by_ticker):
                words = form.cased[mention.start : mention.end]
                found[number] = Match(self.companies[number].id, words, why)
        for number, (words, why) in by_ticker.items():
            found.setdefault(number, Match(self.companies[number].id, words, why))
        return tuple(found.values())

    def _by_ticker(self, text: str, own: Sequence[str]) -> dict[int, tuple[str, str]]:
        found: dict[int, tuple[str, str]] = {}
        if not self._tickers:
            return found
        for each in own[:MOST_TICKERS]:
            if (ticker := read_ticker(each)) is not None:
                self._add(found, ticker, each, "a ticker of the document")
        for ticker, words in tickers_in(text):
            self._add(found, ticker, words, "a ticker")
        return found

    def _add(self, found: dict[int, tuple[str, str]], ticker: Ticker, words: str, why: str) -> None:
        for watched, number in self._tickers.get(ticker.symbol, ()):
            if watched.fits(ticker):
                found.setdefault(number, (words, why))

    def _mentions(self, form: Comparable) -> tuple[list[_Mention], dict[int, list[_Around]]]:
        """The spellings that stand in the text as words of their own, none inside another, and the words around."""
        folded, cased = form.folded, form.cased
        length, shouted = len(folded), cased.isupper()
        mentions: list[_Mention] = []
        around: dict[int, list[_Around]] = defaultdict(list)
        for pattern, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if start and joins(folded[start - 1], folded[start]):
                continue
            plural = end < length and joins(folded[end - 1], folded[end])
            if plural and not _is_possessive(cased, end, length):
                continue
            for company, spelling, wanted in self._words[pattern]:
                if spelling is None:
                    around[company].append(_Around(start, end, wanted))
                    continue
                capitals = _has_capitals(cased[start:end], spelling, shouted)
                if plural and not (
                    capitals and (cased[start:end].isupper() or spelling.needs < Needs.CAPITALS)
                ):
                    continue
                mentions.append(_Mention(start, end, company, spelling, capitals))
        if len(mentions) > 1:
            mentions = _outermost(mentions)
        return mentions, around

    def _why(
        self,
        mention: _Mention,
        form: Comparable,
        others: Iterable[_Mention],
        around: Iterable[_Around],
        by_ticker: dict[int, tuple[str, str]],
    ) -> str | None:
        """Why the mention means its company; None where it does not."""
        start, end, company, spelling, capitals = mention
        for each in around:
            if not each.wanted and _excludes(form.folded, mention, each):
                return None
        if is_another_firm(form.cased, start, end):
            return None
        if spelling.needs is Needs.NOTHING:
            return "the name"
        if spelling.needs is Needs.USUAL_CAPITALS and (
            form.cased[start] == form.cased[start].upper()
            or spelling.cased[0].islower()
            or not has_inner_capitals(form.cased)
        ):
            return "the name"
        if spelling.needs is Needs.CAPITALS and capitals:
            return "the name with its capital letters"
        if has_legal_suffix(form.cased, end):
            return "the name with its legal suffix"
        if company in by_ticker:
            return f"the name, and {by_ticker[company][1]}: {by_ticker[company][0]}"
        for other in others:
            if other.spelling.base != spelling.base:
                return f"the name, and another one: {form.cased[other.start : other.end]}"
        for each in around:
            if each.wanted and _is_near(form.folded, mention, each):
                return f"the name, and near it: {form.cased[each.start : each.end]}"
        if capitals and not self.companies[company].near and has_company_word(form.cased, end):
            return "the name, and behind it what a company has"
        return None


def _one_company_only(words: Iterable[_Word]) -> list[_Word]:
    """Without spellings that two companies share because their legal suffixes were taken off: they say nothing."""
    owners = {each.company for each in words if each.spelling is not None}
    return [each for each in words if each.spelling is None or each.spelling.given or len(owners) == 1]


def _has_capitals(found: str, spelling: Spelling, shouted: bool) -> bool:
    """Whether each capital letter of the spelling is one in the text; in a text that is all in capitals, one of a
    single ordinary word tells nothing.
    """
    if shouted:
        return " " in spelling.cased or (spelling.cased.isupper() and spelling.folded not in ORDINARY)
    return found == spelling.cased or all(
        here == there or not there.isupper() for here, there in zip(found, spelling.cased, strict=True)
    )


def _is_possessive(cased: str, end: int, length: int) -> bool:
    """Whether nothing but an `s` follows, as where the apostrophe is left out: `BHELs margins`."""
    return cased[end] == "s" and (end + 1 == length or not joins("s", cased[end + 1]))


def _outermost(mentions: list[_Mention]) -> list[_Mention]:
    """Those that no other one holds or begins before; the longest of those that begin together."""
    kept: list[_Mention] = []
    reached = -1
    for each in sorted(mentions, key=lambda mention: (mention.start, -mention.end)):
        if each.start >= reached:
            kept.append(each)
            reached = each.end
        elif kept[-1][:2] == each[:2]:
            kept.append(each)
    return kept


def _is_near(text: str, mention: _Mention, word: _Around) -> bool:
    first, second = sorted(((mention.start, mention.end), (word.start, word.end)))
    if second[0] < first[1]:
        return False  # a part of the name is no sign for it
    between = text[first[1] : second[0]]
    return len(between) <= NEAR_CHARACTERS and between.count(" ") <= NEAR_WORDS + 1


def _excludes(text: str, mention: _Mention, word: _Around) -> bool:
    overlaps = word.start < mention.end and mention.start < word.end
    if overlaps:
        return True
    holds_name = mention.spelling.folded in text[word.start : word.end]
    return not holds_name and _is_near(text, mention, word)
