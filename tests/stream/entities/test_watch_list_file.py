import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearwatch.core.errors import BearwatchError
from stream.entities.watch_list import LONGEST_ID, Company
from stream.entities.watch_list_file import load_watch_list
from stream.errors import WatchListError

HEADER = "id,names,aliases,tickers,near,not_near,ambiguous\n"
GAP = Company("GAP", ("Gap Inc",), ("Gap", "Old Navy"), ("NYSE:GAP",), ("retailer",), ("pay gap",), True)


@pytest.fixture
def load(tmp_path):
    def load_text(content, name="list.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_watch_list(path)

    return load_text


def test_csv_and_toml_hold_the_same(load):
    row = "GAP,Gap Inc,Gap; Old Navy,NYSE:GAP,retailer,pay gap,yes\n"
    table = """[[companies]]
id = "GAP"
names = ["Gap Inc"]
aliases = ["Gap", "Old Navy"]
tickers = ["NYSE:GAP"]
near = ["retailer"]
not_near = ["pay gap"]
ambiguous = true
"""
    assert load(HEADER + row).companies == (GAP,)
    assert load(table, "list.toml").companies == (GAP,)


def test_columns_may_be_left_out_and_stand_in_any_order(load):
    watched = load('names,id\n"Harlech, Mervane & Co",H\n\n , \nOskarvik,O\n')
    assert watched.companies == (Company("H", ("Harlech, Mervane & Co",)), Company("O", ("Oskarvik",)))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_the_line_ends_of_other_systems_do_not_matter(load, line_end):
    text = (HEADER + "茅台,贵州茅台,,600519,,,\n").replace("\n", line_end)
    assert load(codecs.BOM_UTF8 + text.encode()).companies == (
        Company("茅台", ("贵州茅台",), (), ("600519",)),
    )


def test_another_content_has_another_hash(load):
    first, again, other = load("id,names\nA,Acme\n"), load("id,names\nA,Acme\n"), load("id,names\nA,Acmo\n")
    assert first.hash == again.hash != other.hash


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "id,names\nA,Acme\nB,acme\n",
            "line 3: name 'acme' is also that of 'A' (line 2); it must stand for one",
        ),
        ("id,names,aliases\nA,Nestlé,\nB,,Nestle\n", "line 3: name 'Nestle' is also that of 'A' (line 2)"),
        ("id,tickers\nA,GE\nB,$GE\n", "line 3: ticker '$GE' is also that of 'A' (line 2)"),
        ("id,names\nA,Acme\na,Other\n", "line 3: id 'a' is also in line 2"),
        ("id,names\nA,\n", "line 2: company 'A' has neither a name nor a ticker"),
        ("id,names\nA,Acme;;Other\n", "line 2: an empty text in names"),
        ("id,names\n,Acme\n", "line 2: the id is empty"),
        ("id,names\nA/B,Acme\n", "line 2: id 'A/B' is not fit for a key"),
        ("id,names\nA\u202eB,Acme\n", "line 2: id 'A·B' is not fit for a key"),
        (
            f"id,names\n{'A' * (LONGEST_ID + 1)},Acme\n",
            f"has {LONGEST_ID + 1} characters; it may have {LONGEST_ID}",
        ),
        ('id,names\n"A\nB",Acme\n', "is not fit for a key"),
        ("id,names\nA,=HYPERLINK(1)\n", "line 2: '=HYPERLINK(1)' in names looks like a formula"),
        ("id,names\nA,@SUM\n", "looks like a formula"),
        ("id,names\nA,X\n", "line 2: name 'X' is one character long"),
        ("id,names\nA,!!\n", "has neither a letter nor a digit"),
        (
            "id,names\nA,600519\n",
            "line 2: name '600519' is a number; a code such as 600519 belongs into tickers",
        ),
        ("id,tickers\nA,1\n", "line 2: ticker '1' is a number without its exchange"),
        ("id,tickers\nA,A B C\n", "line 2: ticker 'A B C' cannot be read"),
        ("id,tickers\nA,XXXX:GE\n", "line 2: ticker 'XXXX:GE' cannot be read"),
        (f"id,names\nA,{'x' * 201}\n", "has 201 characters; it may have 200"),
        ("id,names\nA,a\x07b\n", "holds a character that cannot be seen"),
        ("id,name\nA,Acme\n", "line 1: column 'name' is not known; the nearest one is names"),
        ("id,names,names\nA,Acme,\n", "line 1: the column names is there twice"),
        ("names\nAcme\n", "line 1: there is no column id"),
        ("id;names\nA;Acme\n", "line 1: columns are separated by commas"),
        ("id\tnames\nA\tAcme\n", "line 1: columns are separated by commas"),
        ("id,names\nA,Acme,3\n", "line 2: 3 cells, but the header has 2 columns"),
        ("id,names\nA\n", "line 2: 1 cells, but the header has 2 columns"),
        ('id,names\nA,"Acme\n', "not CSV"),
        ("id,names,ambiguous\nA,Acme,maybe\n", "line 2: ambiguous is 'maybe', expected yes, no or nothing"),
        ("", "line 1: there is no column id"),
        ("id,names\n", "it names no company"),
        ("id,names\nA,Acme\n".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        ("id,names\nA,Nestl\u00e9\n".encode("latin-1"), "line 2 is not UTF-8"),
        ("id,names\nA,Ac\0me\n", "line 2 holds the character zero"),
        ("id,names\nA," + ";".join(f"Acme{n}" for n in range(201)) + "\n", "201 names are too many"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_said_with_its_place(load, content, message):
    with pytest.raises(WatchListError) as caught:
        load(content)
    assert message in str(caught.value) and "list.csv: " in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[companies]]\nid = 5\n", 'company 1: id is not a text, as in id = "ACME"'),
        ("[[companies]]\nid = 'A'\nnames = 'Acme'\n", "company 1: names is not a list of texts"),
        ("[[companies]]\nid = 'A'\nnames = [1]\n", "company 1: names is not a list of texts"),
        ("[[companies]]\nid = 'A'\nnames = ['Acme', '']\n", "company 1: an empty text in names"),
        (
            "[[companies]]\nid = 'A'\nname = ['Acme']\n",
            "company 1: key 'name' is not known; the nearest one is names",
        ),
        (
            "[[companies]]\nid = 'A'\nnames = ['Acme']\nambiguous = 'yes'\n",
            "company 1: ambiguous is neither true nor",
        ),
        ("[[company]]\nid = 'A'\n", "unknown key 'company'; each company is a table [[companies]]"),
        ("companies = 5\n", "companies is not a list of tables"),
        ("companies = [5]\n", "companies is not a list of tables"),
        ("companies = " + "[" * 5000 + "\n", "nested too deeply"),
        ("[[companies]\n", "list.toml: "),
        ("", "it names no company"),
    ],
)
def test_what_is_wrong_with_a_toml_file_is_said_with_its_place(load, content, message):
    with pytest.raises(WatchListError) as caught:
        load(content, "list.toml")
    assert message in str(caught.value) and "list.toml: " in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path, load):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(WatchListError, match=str(path)):
            load_watch_list(path)
    with pytest.raises(WatchListError, match=r"ends in \.csv or \.toml"):
        load("id,names\nA,Acme\n", "list.txt")


def test_fifty_thousand_companies_are_read(load):
    rows = "".join(f"C{n},Nomira {n} Inc;Nomira{n},,N{n:05},,,\n" for n in range(50_000))
    assert len(load(HEADER + rows).companies) == 50_000


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["list.csv", "list.toml"]))
def test_any_bytes_are_a_list_or_one_clear_error(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("lists") / name
    path.write_bytes(b"id,names\n" + content)
    try:
        load_watch_list(path)
    except BearwatchError as error:
        assert "\n" not in str(error)
