import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.entities.matcher import MOST_MENTIONS, MOST_TICKERS, Matcher
from stream.entities.watch_list import Company, checked

COMPANIES = [
    Company("AAPL", ("Apple Inc",), ("iPhone maker",), ("AAPL", "NASDAQ:AAPL")),
    Company("GAP", ("Gap",), ("Old Navy",), ("NYSE:GAP",), ("retailer", "clothing chain"), ("pay gap",)),
    Company("TGT", ("Target Corporation",), (), ("TGT",)),
    Company("V", ("Visa",), (), ("V",), ("card", "payments")),
    Company("SHEL", ("Shell plc",), (), ("SHEL",)),
    Company("F", ("Ford Motor Company", "Ford"), (), ("NYSE:F",)),
    Company("ALLY", ("Ally Financial", "Ally"), (), ("ALLY",)),
    Company("GE", ("General Electric", "GE"), (), ("GE",)),
    Company("MCD", ("McDonald's",), (), ("MCD",)),
    Company("M&M", ("Mahindra & Mahindra", "M&M"), (), ("M&M.NS",)),
    Company("NESN", ("Nestlé",), (), ("NESN.SW",)),
    Company("BKNG", ("Booking.com", "Booking Holdings")),
    Company("BBY", ("Best Buy",), (), ("BBY",)),
    Company("ORCL", ("Oracle",), (), ("ORCL",)),
    Company("SAP", ("SAP SE",), (), ("SAP.DE",)),
    Company("BRK", ("Berkshire Hathaway",), (), ("BRK.B", "BRK.A")),
    Company("KO", ("Coca-Cola Co.",), ("Coke",), ("KO",)),
    Company("JPM", ("J.P. Morgan", "JPMorgan Chase & Co."), (), ("JPM",)),
    Company("AXISBANK", ("Axis Bank", "Axis")),
    Company("BANKINDIA", ("Bank of India",)),
    Company("600519", ("贵州茅台酒股份有限公司", "贵州茅台"), ("茅台",), ("600519.SH",)),
    Company("000001", ("平安银行",), ("平安",), ("000001",)),
    Company("601318", ("中国平安",), (), ("601318",)),
    Company("0700", ("腾讯控股",), ("腾讯", "Tencent"), ("0700.HK",)),
]
MATCHER = Matcher(checked([(f"row {n}", each) for n, each in enumerate(COMPANIES)], "", "list"))


def found(text: str, *tickers: str) -> list[str]:
    return [each.company for each in MATCHER.find(text, tickers)]


@pytest.mark.parametrize(
    ("text", "companies"),
    [
        ("Nestle cuts its outlook", "NESN"),
        ("NESTLÉ’s chief leaves", "NESN"),
        ("Ｎｅｓｔｌｅ recalls", "NESN"),  # full width
        ("Νestle recalls water", "NESN"),  # a Greek capital letter
        ("McDonald’s profit falls", "MCD"),
        ("McDonalds profit falls", "MCD"),
        ("mcdonald's fries", "MCD"),
        ("Mahindra and Mahindra Q2 net up", "M&M"),
        ("Mahindra & Mahindra, M&M: buy", "M&M"),
        ("coca cola recalls cans", "KO"),
        ("Coca‑Cola: price rises", "KO"),
        ("JP Morgan fined", "JPM"),
        ("J.P.Morgan fined", "JPM"),
        ("JPMorgan Chase fined", "JPM"),
        ("Booking.com sued", "BKNG"),
        ("Shares of General Electric's unit", "GE"),
        ("GE to split", "GE"),
        ("GE's split", "GE"),
        ("GEs split", "GE"),
        ("Berkshire Hathaway sells", "BRK"),
        ("Oracle sinks", "ORCL"),
        ("Best Buy warns", "BBY"),
        ("(SAP SE) warns", "SAP"),
        ("Ford Motor recalls trucks", "F"),
        ("Ford Motor's recall", "F"),
        ("#Nestle", "NESN"),
        ("GENERAL ELECTRIC CUTS JOBS", "GE"),
        ("apple inc. falls, so does gap inc", "AAPL GAP"),
        ("Nestle/GE deal", "NESN GE"),
        ("SAP", "SAP"),
    ],
)
def test_names_are_found_in_the_spellings_that_texts_have(text, companies):
    assert found(text) == companies.split()


@pytest.mark.parametrize(
    "text",
    [
        "the nestling birds",
        "Nestles2 is a game",
        "generally electric cars",
        "General Electrical Works",
        "ge wants a split",  # a short acronym in lower case
        "GEM prices",
        "AGE of reason",
        "the oracle of Omaha",
        "the best buy of the week",
        "the sap of a tree",
        "a cokehead",
        "SAPs2",
    ],
)
def test_parts_of_words_and_ordinary_words_are_no_names(text):
    assert found(text) == []


def test_a_single_word_in_small_letters_is_a_name_where_the_text_has_no_capitals():
    assert found("i love nestle, $ko to the moon") == ["NESN", "KO"]
    assert found("I love nestle") == ["NESN"]
    assert found("NESTLE CUTS JOBS") == ["NESN"]
    assert found("A nestle of birds in the Tower of London") == []
    assert found("Rivals of nestle (NESN.SW) in Vevey") == ["NESN"], "another sign"


@pytest.mark.parametrize(
    "text",
    [
        "Apple prices rise after frost",
        "Mind the Gap between rich and poor",
        "Gender pay Gap widens",
        "Target price raised to 300",
        "Target missed",
        "TARGET PRICE RAISED",
        "Visa rules tightened for students",
        "Shell companies hide owners",
        "Shell Company Owner Jailed",
        "He forded; Ford a river",
        "US ally warns",
        "An Ally in the region speaks",
        "In the morning Apple pie",
    ],
)
def test_an_ambiguous_name_alone_is_not_enough(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "company", "why"),
    [
        ("Apple Inc. cuts orders", "AAPL", "the name"),
        ("Apple, Inc. cuts orders", "AAPL", "the name with its legal suffix"),
        ("Apple ($AAPL) cuts orders", "AAPL", "the name, and a ticker: $AAPL"),
        ("Apple (NASDAQ: AAPL) cuts orders", "AAPL", "the name, and a ticker: NASDAQ: AAPL"),
        ("Apple cuts orders; iPhone maker warns", "AAPL", "the name, and another one: iPhone maker"),
        ("Gap, the clothing chain, closes shops", "GAP", "the name, and near it: clothing chain"),
        ("retailer gap closes shops", "GAP", "the name, and near it: retailer"),
        ("the oracle $orcl sinks", "ORCL", "the name, and a ticker: $orcl"),
        ("Visa raises card fees", "V", "the name, and near it: card"),
        ("Target shares sink", "TGT", "the name, and behind it what a company has"),
        ("Target's CEO leaves", "TGT", "the name, and behind it what a company has"),
        ("Target Corp closes stores", "TGT", "the name with its legal suffix"),
        ("Shell plc sells", "SHEL", "the name"),
        ("GAP INC CLOSES SHOPS", "GAP", "the name with its legal suffix"),
    ],
)
def test_a_second_sign_tells_the_company(text, company, why):
    matches = [each for each in MATCHER.find(text) if each.company == company]
    assert [each.why for each in matches] == [why]


def test_a_word_that_must_not_be_near_excludes_the_name_that_it_holds_or_stands_beside():
    assert found("Gap, the retailer, on its pay gap") == ["GAP"]  # the phrase holds another mention
    assert found("the pay gap of a retailer") == []
    other = Matcher(checked([("1", Company("D", ("Delta",), ambiguous=False, not_near=("river",)))], "", ""))
    assert other.find("Delta cuts flights") and not other.find("Delta of the river rises")
    assert other.find("Delta cuts " + "more " * 11 + "flights to a river")


def test_words_that_must_be_near_are_near():
    assert found("Visa " + "and " * 10 + "card") == ["V"]
    assert found("Visa " + "and " * 11 + "card") == []


@pytest.mark.parametrize(
    ("text", "companies"),
    [
        ("Big day for $AAPL and $tgt!", "AAPL TGT"),
        ("$AAPL's day", "AAPL"),
        ("$GE $BRK.B $BRK-A", "GE BRK"),
        ("(NYSE: GE)", "GE"),
        ("(NYSE:GE) and (NASDAQ:AAPL)", "GE AAPL"),
        ("(Nasdaq: TGT, GE)", "TGT GE"),
        ("NYSE：GE", "GE"),
        ("NYSE: SHEL, NASDAQ: AAPL", "SHEL AAPL"),
        ("(NYSE:SHEL; NASDAQ: TGT, AAPL)", "SHEL TGT AAPL"),
        ("代码：600519", "600519"),
        ("AAPL.O rises", "AAPL"),
        ("600519", "600519"),
        ("茅台(600519)涨停", "600519"),
        ("600519.SH SH600519 600519.SS", "600519"),
        ("$贵州茅台(SH600519)$ 涨", "600519"),
        ("$茅台$ 今天", "600519"),
        ("00700.HK and HK00700", "0700"),
        ("SZ000001", "000001"),
    ],
)
def test_tickers_are_found_as_people_write_them(text, companies):
    assert sorted(found(text)) == sorted(companies.split())


@pytest.mark.parametrize(
    "text",
    [
        "(LSE: GAP)",  # another exchange than the watched one
        "$GEX $AAPLE",
        "$600519 paid",
        "¥600519",
        "600519元",
        "1,600519",
        "6005190",
        "sh000001 closed higher",  # the index of Shanghai
        "rating: TGT",
        "at 10:30 V",
        "U.S. V.",
        "grade (V)",
    ],
)
def test_what_looks_like_a_ticker_is_none(text):
    assert found(text) == []


def test_the_documents_own_tickers_count_without_the_text():
    assert found("Shares sink", "AAPL", "$ge", "600519.SH", "XETRA:SAP", "NYSE: F") == [
        "AAPL",
        "GE",
        "600519",
        "SAP",
        "F",
    ]
    assert found("Shares sink", "", "  ", "no ticker", "NYQ:", "LSE:F", "x" * 1000) == []
    assert found("Visa rules tightened", "V") == ["V"]


@pytest.mark.parametrize(
    ("text", "companies"),
    [
        ("贵州茅台酒股份有限公司公告", "600519"),
        ("今日贵州茅台跌停", "600519"),
        ("白酒股茅台领跌", "600519"),
        ("腾讯裁员", "0700"),
        ("平安银行净利下滑", "000001"),
        ("中国平安股价", "601318"),
        ("祝大家平安", ""),
        ("平安股价下跌", "000001"),
        ("Tencent裁员", "0700"),
    ],
)
def test_chinese_names_need_no_blanks(text, companies):
    assert found(text) == companies.split()


def test_a_name_inside_a_longer_one_is_not_found():
    assert found("平安银行与中国平安") == ["000001", "601318"]
    assert found("Axis Bank sues") == ["AXISBANK"]
    assert found("Axis Capital downgrades steel") == []
    assert found("Reserve Bank of India cuts rates") == []
    assert found("Bank of India cuts rates") == ["BANKINDIA"]


def test_spellings_that_two_companies_share_say_nothing():
    both = Matcher(checked([("1", Company("A", ("Merck Inc",))), ("2", Company("B", ("Merck AG",)))], "", ""))
    assert [each.company for each in both.find("Merck AG buys")] == ["B"]
    assert both.find("Merck buys") == ()


def test_who_writes_the_list_may_decide_what_is_ambiguous():
    rows = [("1", Company("A", ("Target",), ambiguous=False)), ("2", Company("B", ("Zyxo",), ambiguous=True))]
    matcher = Matcher(checked(rows, "", ""))
    assert [each.company for each in matcher.find("Target and Zyxo sink")] == ["A"]
    assert [each.company for each in matcher.find("Zyxo Ltd sinks")] == ["B"]


def test_of_very_many_mentions_of_a_company_the_first_are_looked_at():
    assert found("Gap, " * (MOST_MENTIONS - 1) + "Gap Inc") == ["GAP"]
    assert found("Gap, " * MOST_MENTIONS + "Gap Inc") == []
    assert found("Gap, " * MOST_MENTIONS + "and Old Navy, a retailer") == ["GAP"]


def test_of_very_many_tickers_the_first_are_read():
    assert found("", *["X"] * (MOST_TICKERS - 1), "AAPL", "GE") == ["AAPL"]


WORD = st.text(st.sampled_from("abcXYZéß中文1_"), min_size=2, max_size=6).filter(
    lambda each: not each.isdigit()
)


@settings(max_examples=300, deadline=None)
@given(WORD, st.text(max_size=6), st.text(max_size=6))
def test_a_name_between_blanks_is_found_and_inside_a_latin_word_never(name, before, after):
    try:
        matcher = Matcher(checked([("1", Company("A", (name,), ambiguous=False))], "", ""))
    except Exception as error:  # a name that no list may have, such as "__"
        assert "neither a letter" in str(error) or "one character" in str(error) or "number" in str(error)
        return
    assert matcher.find(f"zz {name} zz") and matcher.find(name) and matcher.find(f"({name})")
    matcher.find(before + name + after)  # whatever stands around it is no error
    if name[0].isascii() and name[-1].isascii() and name[0] != "_" and name[-1] != "_":
        assert not matcher.find(f"q{name}q")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.lists(st.text(max_size=12), max_size=3))
def test_any_text_is_answered(text, tickers):
    for match in MATCHER.find(text, tickers):
        assert match.company in {each.id for each in COMPANIES}
