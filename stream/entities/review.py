"""What a person should know about a watch list before it is used: which of its names will rarely or never count."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from stream.entities.comparable import joins
from stream.entities.names import Needs, Spelling, spellings
from stream.entities.watch_list import Company, WatchList


@dataclass(frozen=True)
class Review:
    """Each list in the order of the watch list."""

    companies: int
    names: int
    tickers: int
    without_sign: list[tuple[str, str]]  # id, an ambiguous name: only a legal suffix can confirm it
    inside: list[tuple[str, str, str, str]]  # id, name, and the id and the name that it is a part of
    shared: list[tuple[str, list[str]]]  # a name without its legal suffix, and the ids that have it


def review(watch_list: WatchList) -> Review:
    """What is in a watch list, and what of it will not do what its writer expects."""
    companies = watch_list.companies
    by_company = [(each, list(dict.fromkeys(spellings(each)))) for each in companies]
    return Review(
        companies=len(companies),
        names=sum(len(each.all_names) for each in companies),
        tickers=sum(len(each.tickers) for each in companies),
        without_sign=[
            (company.id, spelling.cased)
            for company, all_spellings in by_company
            for spelling in all_spellings
            if spelling.given
            and spelling.needs is Needs.SECOND_SIGN
            and not _has_sign(company, all_spellings)
        ],
        inside=list(_inside(by_company)),
        shared=list(_shared(by_company)),
    )


def _has_sign(company: Company, all_spellings: list[Spelling]) -> bool:
    return bool(company.near or company.tickers) or len({each.base for each in all_spellings}) > 1


def _inside(by_company: list[tuple[Company, list[Spelling]]]) -> Iterator[tuple[str, str, str, str]]:
    every = [
        (company.id, each) for company, all_spellings in by_company for each in all_spellings if each.given
    ]
    automaton = AhoCorasick([each.folded for _, each in every])
    for owner, longer in every:
        text = longer.folded
        for number, start, end in automaton.find_matches_as_indexes(text, overlapping=True):
            inner_owner, inner = every[number]
            cut = (start and joins(text[start - 1], text[start])) or (
                end < len(text) and joins(text[end - 1], text[end])
            )
            if inner_owner != owner and not cut:
                yield inner_owner, inner.cased, owner, longer.cased


def _shared(by_company: list[tuple[Company, list[Spelling]]]) -> Iterator[tuple[str, list[str]]]:
    owners: dict[str, dict[str, Spelling]] = defaultdict(dict)
    for company, all_spellings in by_company:
        for each in all_spellings:
            owners[each.folded].setdefault(company.id, each)
    for companies in owners.values():
        if len(companies) > 1:
            yield next(iter(companies.values())).cased, list(companies)
