"""The watch list of the sample feed: its companies, which its documents name."""

from collections import Counter

import pytest
from click.testing import CliRunner

from bearwatch.commands import up
from bearwatch.core.toml_files import read_toml
from bearwatch.local.sources import SAMPLE_WATCH_LIST, watch_list_of
from bearwatch.sample import SampleWorld, documents
from bearwatch.sample.library import TEXTS
from models.text import normalise
from stream.entities.matcher import Matcher
from stream.entities.review import review
from stream.entities.watch_list_file import load_watch_list

ANCHOR = 1_764_000_000.0


def test_it_holds_the_companies_of_the_feed():
    watch_list = load_watch_list(SAMPLE_WATCH_LIST)
    sectors = read_toml(TEXTS / "companies.toml")
    known = {name: symbol for members in sectors.values() for symbol, name in members.items()}
    assert {each.id: each.tickers[0] for each in watch_list.companies} == known
    assert all(each.names == (each.id,) for each in watch_list.companies)
    found = review(watch_list)
    assert (found.without_sign, found.inside, found.shared) == ([], [], [])


def test_what_it_finds_are_the_companies_that_a_document_is_about():
    """The feed gives each document the tickers of the companies that it names; the names alone find the same."""
    watch_list = load_watch_list(SAMPLE_WATCH_LIST)
    matcher, symbols = Matcher(watch_list), {each.id: each.tickers[0] for each in watch_list.companies}
    differ: Counter[str] = Counter()
    found = 0
    for document in documents(SampleWorld(7, ANCHOR), ANCHOR - 86_400, ANCHOR):
        named = {symbols[each.company] for each in matcher.find(normalise(document.text))}
        found += len(named)
        differ.update(named ^ set(document.tickers))
    assert found > 300
    assert differ.total() <= 0.02 * found, differ


def test_it_is_used_with_the_sample_feed_unless_another_is_named(tmp_path):
    mine = tmp_path / "mine.csv"
    assert watch_list_of("sample", None) == SAMPLE_WATCH_LIST
    assert watch_list_of("sample", mine) == mine
    assert watch_list_of("feed.jsonl", None) is None


@pytest.mark.parametrize("content", ["", "id,names\nA,Acme\nB,Acme\n"])
def test_a_mistake_in_it_is_reported_before_anything_starts(tmp_path, content):
    path = tmp_path / "list.csv"
    path.write_text(content)
    line = ["--watch-list", str(path), "--data-dir", str(tmp_path / "data")]
    assert "list.csv: line" in str(CliRunner().invoke(up.command, line).exception)
    assert not (tmp_path / "data").exists()
