"""The spellings of a company's names, and what a text must hold besides a spelling so that it means the company."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from stream.entities.comparable import comparable, is_ideograph
from stream.entities.watch_list import Company

# As a part of a name: what is left without them is a spelling of its own. Longest first where one ends another.
LEGAL = (
    r"(?:incorporated|inc|corporation|corp|company|co|limited|ltd|plc|llc|llp|lp|ag|se|sa|nv|gmbh|kgaa|asa|oyj|spa|"
    r"pjsc|jsc|bhd|tbk|kk)"
)
_LEGAL_END = re.compile(rf",? (?:& |and )?{LEGAL}\.?$", re.IGNORECASE)
_LEGAL_START = re.compile(r"^the ", re.IGNORECASE)
_CHINESE_END = re.compile(r"(?:集团)?(?:股份)?有限(?:责任)?公司$|股份公司$")
SHORT_ACRONYM = 3  # letters; longer ones are also found in other case


def _words(file: str) -> frozenset[str]:
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


AMBIGUOUS = _words("ambiguous_words.txt")  # a company is rarely meant by the word alone
ORDINARY = AMBIGUOUS | _words("ordinary_words.txt")  # with its capital letter it usually is


class Needs(IntEnum):
    """What must come with a spelling."""

    NOTHING = 0
    USUAL_CAPITALS = 1  # a capital letter at its beginning, where the text has some inside sentences
    CAPITALS = 2  # the capital letters of the spelling, in any text
    SECOND_SIGN = 3  # a ticker, a legal suffix, another name, a word near it; capital letters are none


@dataclass(frozen=True, slots=True)
class Spelling:
    folded: str
    cased: str
    base: str  # folded, without a legal suffix: spellings of one base are no signs for each other
    needs: Needs
    given: bool  # in the watch list; False: what is left of a name without its legal suffix


def spellings(company: Company) -> Iterator[Spelling]:
    """All spellings of a company's names; the same may come twice."""
    for name in company.all_names:
        given = comparable(name).cased
        base = without_suffix(given)
        for cased in dict.fromkeys((given, base)):
            yield from _spelled(cased, base, company, cased == given)


def without_suffix(name: str) -> str:
    """The name without `Inc`, `Co., Ltd.`, `股份有限公司` at its end and `The` at its beginning."""
    while (shorter := _CHINESE_END.sub("", _LEGAL_END.sub("", name))) != name and len(shorter) > 1:
        name = shorter
    shorter = _LEGAL_START.sub("", name).rstrip(",. ")
    return shorter if len(shorter) > 1 else name


def _spelled(cased: str, base: str, company: Company, given: bool) -> Iterator[Spelling]:
    needs = _needs(cased, cased != base, given, company)
    forms = {cased}
    if " & " in cased:
        forms.add(cased.replace(" & ", " and "))
    if " and " in cased:
        forms.add(cased.replace(" and ", " & "))
    forms |= {each.replace("'", "") for each in forms if "'" in each}
    for form in sorted(forms):
        yield Spelling(comparable(form).folded, form, base.lower(), needs, given)


def _needs(cased: str, is_full: bool, given: bool, company: Company) -> Needs:
    words = cased.lower().replace("'", "").split()
    if is_full:
        return Needs.NOTHING  # it carries its legal suffix
    if company.ambiguous or company.near:
        return Needs.SECOND_SIGN
    is_acronym = cased.isupper() and len(cased) <= SHORT_ACRONYM and not is_ideograph(cased[0])
    if company.ambiguous is not None:
        return Needs.CAPITALS if is_acronym else Needs.NOTHING
    if len(words) == 1 and not cased.isupper() and words[0] in (AMBIGUOUS if given else ORDINARY):
        return Needs.SECOND_SIGN
    if is_acronym or all(word in ORDINARY or word.isdigit() for word in words):
        return Needs.CAPITALS
    return Needs.USUAL_CAPITALS if len(words) == 1 and not is_ideograph(cased[0]) else Needs.NOTHING
