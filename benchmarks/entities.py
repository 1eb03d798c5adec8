"""How well watched companies are found, against the annotations of SEntFiN 1.0; and what a document costs.

    .venv/bin/python -m benchmarks.entities ../shared/data/sentfin

The watch list is made from the annotations. A company is an entity of `entity_list_comprehensive.csv` with a spelling
in a legal form (Ltd, Inc, ...), or an annotated name that holds one of these (`Axis Capital`, next to Axis Bank).
Sectors, indices, currencies and exchanges are left out. The names are the spellings that the annotators marked. A
company that is found and not annotated is wrong, one that is annotated and not found is missed; both once a headline.

Rules and words were chosen on the first half of the headlines (by hash), and nothing on the second. `--list other`
takes the names from the half that is not evaluated: names that it does not hold cannot be found.
"""

import csv
import hashlib
import re
import sys
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from stream.entities.comparable import comparable
from stream.entities.matcher import Matcher
from stream.entities.names import without_suffix
from stream.entities.watch_list import Company, WatchList, checked

ANNOTATED = re.compile(r"""['"](.+?)['"]: ['"](?:positive|negative|neutral)['"]""")
LEGAL_FORM = re.compile(r"\b(?:Ltd|Limited|Inc|Corp|Corporation|Plc)\b", re.IGNORECASE)
# These have such a spelling as well: all state firms, exchanges, central banks, regulators; and Oil India, whose
# symbol is what the annotators call the commodity.
NO_COMPANY = {"PSU", "STOCKEXCHNG", "CENTRALBK", "REGORG", "OIL"}
# The published file has the labels' names inside some names: Hold became neutral, Sell negative.
DAMAGED = (("neutraling", "Holding"), ("Rusnegative", "Russell"))


class Headline(NamedTuple):
    text: str
    spellings: tuple[str, ...]  # annotated

    @property
    def is_first(self) -> bool:
        return hashlib.sha256(self.text.encode()).digest()[0] < 128


def headlines(path: Path) -> list[Headline]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Headline(row["Title"], tuple(_mended(each) for each in ANNOTATED.findall(row["Decisions"])))
            for row in csv.DictReader(file)
        ]


def _mended(spelling: str) -> str:
    for wrong, right in DAMAGED:
        spelling = spelling.replace(wrong, right)
    return spelling


def plain(spelling: str) -> str:
    """A spelling as the list of entities and the annotations are compared: without case, legal form and dots."""
    return without_suffix(comparable(spelling).cased).lower().replace(" & ", " and ").rstrip(". ")


class Companies:
    """Which company an annotated spelling names."""

    def __init__(self, path: Path, annotated: list[Headline]) -> None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            listed = {row["Symbol"]: row["Entity"].split(", ") for row in csv.DictReader(file)}
        self._symbols = {
            plain(spelling): symbol
            for symbol, spellings in listed.items()
            if symbol not in NO_COMPANY and any(map(LEGAL_FORM.search, spellings))
            for spelling in spellings
        }
        others = {
            plain(each) for symbol in listed.keys() - set(self._symbols.values()) for each in listed[symbol]
        }
        self._of: dict[str, str] = {}
        for spelling in dict.fromkeys(each for headline in annotated for each in headline.spellings):
            if (company := self._company(spelling)) and plain(spelling) not in others:
                self._of[spelling] = company

    def _company(self, spelling: str) -> str | None:
        words = plain(spelling).split()
        if symbol := self._symbols.get(" ".join(words)):
            return symbol
        if not re.fullmatch(r"[\w .&'-]+", spelling):
            return None  # "ABB, BHEL" are two
        parts = {" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)}
        return " ".join(words) if spelling[:1].isupper() and parts & self._symbols.keys() else None

    def of(self, headline: Headline) -> set[str]:
        return {self._of[each] for each in headline.spellings if each in self._of}

    def watch_list(self, annotated: list[Headline]) -> WatchList:
        names: dict[str, dict[str, str]] = defaultdict(dict)
        for spelling in dict.fromkeys(each for headline in annotated for each in headline.spellings):
            if company := self._of.get(spelling):
                names[company].setdefault(spelling.casefold(), spelling)
        rows = ((company, Company(company, tuple(each.values()))) for company, each in names.items())
        return checked(rows, "", "annotations")


class Score:
    def __init__(self) -> None:
        self.right, self.wrong, self.missed = Counter[str](), Counter[str](), Counter[str]()
        self.examples = defaultdict[str, list[str]](list)

    def add(self, headline: Headline, found: set[str], annotated: set[str]) -> None:
        for each in found & annotated:
            self.right[each] += 1
        for each in found - annotated:
            self.wrong[each] += 1
            self.examples[f"+{each}"].append(headline.text)
        for each in annotated - found:
            self.missed[each] += 1
            self.examples[f"-{each}"].append(headline.text)

    def __str__(self) -> str:
        right, wrong, missed = self.right.total(), self.wrong.total(), self.missed.total()
        precision, recall = right / (right + wrong), right / (right + missed)
        return (
            f"precision {precision:.3f}, recall {recall:.3f} ({right} right, {wrong} wrong, {missed} missed)"
        )


def score(matcher: Matcher, evaluated: list[Headline], companies: Companies) -> Score:
    watched, result = {each.id for each in matcher.companies}, Score()
    for headline in evaluated:
        found = {each.company for each in matcher.find(headline.text)}
        result.add(headline, found, companies.of(headline) & watched)
    return result


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds SEntFiN.csv and entity_list_comprehensive.csv")
    parser.add_argument(
        "--half", choices=("first", "second"), default="second", help="which one is evaluated"
    )
    parser.add_argument("--list", choices=("all", "other"), default="all", help="whose names the list has")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show those of N companies")
    options = parser.parse_args()
    if not (options.folder / "SEntFiN.csv").is_file():
        sys.exit(f"skipped: there is no SEntFiN.csv in {options.folder}")
    every = headlines(options.folder / "SEntFiN.csv")
    companies = Companies(options.folder / "entity_list_comprehensive.csv", every)
    evaluated = [each for each in every if each.is_first == (options.half == "first")]
    other = [each for each in every if each.is_first != (options.half == "first")]
    matcher = Matcher(companies.watch_list(every if options.list == "all" else other))
    result = score(matcher, evaluated, companies)
    print(f"{len(evaluated)} headlines, {len(matcher.companies)} companies: {result}")
    started = time.perf_counter()
    for each in every:
        matcher.find(each.text)
    print(f"{(time.perf_counter() - started) / len(every) * 1e6:.0f} microseconds a headline")
    for sign, counted in (("+", result.wrong), ("-", result.missed)):
        for company, count in counted.most_common(options.errors):
            print(
                sign, company, count, "of", result.right[company] + count, result.examples[sign + company][:4]
            )


if __name__ == "__main__":
    main()
