import os
from pathlib import Path

import pytest

from stream.entities.watched import WatchedCompanies
from stream.errors import WatchListError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    write(path, "Harlech")
    return path


def write(path: Path, *names: str) -> None:
    """Replaced, as editors and Kubernetes do."""
    path.with_suffix(".new").write_text("id,names\n" + "".join(f"{each},{each}\n" for each in names))
    path.with_suffix(".new").replace(path)


def ids(watched: WatchedCompanies) -> list[str]:
    return [each.id for each in watched.matcher.companies]


def test_without_a_file_nobody_is_watched():
    watched = WatchedCompanies()
    assert not watched.refresh()
    assert watched.matcher.find("Harlech", ["HRL"]) == ()


def test_a_changed_file_takes_the_place_of_the_one_before(path: Path):
    watched = WatchedCompanies(path)
    assert not watched.refresh()
    write(path, "Harlech", "Mervane")
    assert watched.refresh() and not watched.refresh()
    assert ids(watched) == ["Harlech", "Mervane"]


def test_a_file_that_is_written_again_with_the_same_content_changes_nothing(path: Path):
    watched = WatchedCompanies(path)
    before = watched.matcher
    write(path, "Harlech")
    assert not watched.refresh()
    assert watched.matcher is before


def test_a_file_that_is_changed_in_place_is_noticed(path: Path):
    watched = WatchedCompanies(path)
    content = path.read_text().replace("Harlech", "Hurlech")
    path.write_text(content)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert watched.refresh()
    assert ids(watched) == ["Hurlech"]


def test_a_broken_or_missing_file_is_said_once_and_the_list_stays(path: Path):
    watched = WatchedCompanies(path)
    write(path, "Harlech", "Harlech")
    with pytest.raises(WatchListError, match="line 3"):
        watched.refresh()
    assert not watched.refresh()
    path.unlink()
    with pytest.raises(WatchListError, match="No such file"):
        watched.refresh()
    assert not watched.refresh()
    assert ids(watched) == ["Harlech"]
    write(path, "Mervane")
    assert watched.refresh()
    assert ids(watched) == ["Mervane"]


def test_a_broken_file_at_the_start_is_an_error(path: Path):
    write(path, "Harlech", "Harlech")
    with pytest.raises(WatchListError):
        WatchedCompanies(path)
