"""`bearwatch entities check`: what it prints, and its exit codes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bearwatch.commands.entities import command
from stream.errors import WatchListError

LIST = """id,names,tickers
AAPL,Apple Inc,AAPL
GAP,Gap,
AX,Axis Bank;Axis,
AXC,Axis Capital,
M1,Merck Inc,
M2,Merck AG,
"""


@pytest.fixture
def watch_list(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(LIST)
    return path


def check(watch_list: Path, texts: bytes | None = None) -> Result:
    flags = [] if texts is None else ["--texts", "-"]
    return CliRunner().invoke(command, ["check", str(watch_list), *flags], input=texts)


def test_it_says_what_the_list_holds_and_what_will_not_count(watch_list: Path):
    result = check(watch_list)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "6 companies, 7 names, 1 tickers",
        "Ambiguous names; only a legal suffix or a word such as shares can confirm them: "
        "add a ticker, an alias or near words (1):",
        "  GAP: Gap",
        "Names inside a name of another company, where they do not count (1):",
        "  AX: Axis is in Axis Capital (AXC)",
        "Names that two companies have once the legal suffix is left out; they do not count without it (1):",
        "  Merck: M1, M2",
    ]


def test_it_shows_each_company_that_is_found_and_why(watch_list: Path):
    texts = b'{"text": "Up <b>again</b>", "tickers": ["$AAPL"]}\n\nMind the Gap\nGap Inc sues Axis Bank'
    result = check(watch_list, texts)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-4:] == [
        "line 1: AAPL: '$AAPL', a ticker of the document",
        "line 4: GAP: 'Gap', the name with its legal suffix",
        "line 4: AX: 'Axis Bank', the name",
        "3 texts, 2 about a watched company",
    ]


@pytest.mark.parametrize(
    "line", [b"{", b'{"tickers": []}', b'{"text": 5}', b'{"text": "a", "tickers": "AAPL"}', b"\xff"]
)
def test_a_line_that_cannot_be_read_is_left_out(watch_list: Path, line: bytes):
    result = check(watch_list, line + b"\nMerck AG warns\n")
    assert result.exit_code == 1
    assert "line 1: " in result.stderr and "left out" in result.stderr
    assert "line 2: M2: 'Merck AG', the name" in result.stdout


def test_a_list_that_cannot_be_used_is_wrong_use(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text("id,names\nA,Acme\nB,Acme\n")
    error = check(path).exception
    assert isinstance(error, WatchListError) and error.exit_code == 2


def test_a_long_remark_is_cut(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text("id,names,ambiguous\n" + "".join(f"C{n},Nomira{n},yes\n" for n in range(25)))
    assert check(path).stdout.splitlines()[-1] == "  and 5 more"
