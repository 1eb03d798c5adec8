"""Words next to a name that say whether a company is meant: its legal form, what only companies have, another firm."""

import re


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split(",")) + ")"


# Behind a name: "Gap Inc", "Target Corp.", "Shell plc". `Company` and `Group` are left out: a shell company and a
# target group are none.
_FORMS = (
    "Inc,INC,inc,Corp,CORP,corp,Ltd,LTD,ltd,Co,CO,Incorporated,Corporation,Limited,plc,Plc,PLC,LLC,AG,SE,SA,NV,AB,ASA,Oyj,SpA,GmbH,"
    "KGaA,Holdings"
)
_LEGAL = re.compile(rf",? {_any(_FORMS)}(?!\w)|{_any('股份,集团,控股,有限公司,公司')}")
# What a listed company has, behind a name with its capital letter, also behind "'s".
_HAS = (
    "[Ss]hares?,[Ss]tock,[Ss]hareholders?,[Ii]nvestors,CEO,CFO,COO,[Cc]hief [Ee]xecutive,[Cc]hief [Ff]inancial,Q[1-4],"
    "[Qq]uarterly,[Ee]arnings,IPO"
)
_HAS_CHINESE = "股价,股票,财报,董事长,总裁,发布,业绩,涨停,跌停,净利"
_COMPANY_WORD = re.compile(rf"(?:'s|')? {_any(_HAS)}(?!\w)|{_any(_HAS_CHINESE)}")
# The name is a part of another firm's name: its fund or broker, whose people comment on all companies.
_FIRMS = (
    "Securities,Broking,AMC,AM,MF,Mutual Fund,Asset Management,Asset Managers,Prudential,Sec,Direct,Capital Markets,"
    "Capital,Private Wealth,Wealth,Private Equity,Money,Institutional Equities,Research,[Ff]unds?,"
    "Standard Life,Life Insurance"
)
_OTHER_FIRM = re.compile(rf" {_any(_FIRMS)}(?!\w)")
_BANKS = "Reserve,State,Central,National,United,Federal,Royal,European,People's,Union,Export"
_BEFORE_BANK = re.compile(rf"(?:^|[^\w]){_any(_BANKS)} $")
# A capital letter behind a small one and a blank, but for the word I: the text tells names from other words.
_INNER_CAPITAL = re.compile(r"(?<=[a-z,] )[A-Z](?=\w)")


def has_inner_capitals(cased: str) -> bool:
    return _INNER_CAPITAL.search(cased) is not None


def has_legal_suffix(cased: str, end: int) -> bool:
    return _LEGAL.match(cased, end) is not None


def has_company_word(cased: str, end: int) -> bool:
    return _COMPANY_WORD.match(cased, end) is not None


def is_another_firm(cased: str, start: int, end: int) -> bool:
    """Whether the words around a name make it the name of another firm: `Axis Capital`, `Reserve Bank of India`."""
    if _OTHER_FIRM.match(cased, end):
        return True
    return (
        cased.startswith("Bank ", start) and _BEFORE_BANK.search(cased, max(0, start - 12), start) is not None
    )
