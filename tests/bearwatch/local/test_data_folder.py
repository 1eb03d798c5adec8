"""The data directory: for its user alone, and nothing of another user is used, closed or overwritten."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bearwatch.core.errors import BearwatchError
from bearwatch.local import data_folder as module
from bearwatch.local.data_folder import OURS, data_folder, private_folder
from stream.errors import StreamError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def test_a_new_one_is_for_its_user_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    assert mode(data_folder(tmp_path / "new")) == 0o700


def test_it_is_ignored_by_git_where_it_is_new(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (data_folder(tmp_path / "mine") / "up.log").touch()
    (tmp_path / "existing").mkdir()
    (data_folder(tmp_path / "existing") / "up.log").touch()
    done = subprocess.run(["git", "-C", tmp_path, "status", "--short"], capture_output=True, text=True)
    assert done.stdout == "?? existing/\n", "a folder that was there before is its owner's"


@pytest.mark.parametrize("mark", OURS)
@pytest.mark.parametrize("open_mode", [0o755, 0o775, 0o750, 0o711])
def test_one_of_a_former_release_is_closed_with_all_that_is_in_it(
    mark: str, open_mode: int, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o644)
    folder = tmp_path / "data"
    (folder / "kafka" / "topic-0").mkdir(parents=True)
    for name in (mark, "kafka/topic-0/0.log", "worker.log"):
        (folder / name).touch(mode=0o644)
    (folder / "link").symlink_to(elsewhere)
    folder.chmod(open_mode)
    assert data_folder(folder) == folder
    assert mode(folder) == 0o700
    assert {mode(each) for each in folder.rglob("*") if each.is_file() and not each.is_symlink()} == {0o600}
    assert {mode(each) for each in folder.rglob("*") if each.is_dir()} == {0o700}
    assert mode(elsewhere) == 0o644, "links are not followed"


def test_an_open_one_that_holds_other_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """`--data-dir .` or `--data-dir ~` must not close a home directory."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "letter").touch()
    folder.chmod(0o755)
    with pytest.raises(StreamError, match=r"others may read it \(mode 755\).* not bearwatch's.*chmod 700"):
        data_folder(folder)
    assert mode(folder) == 0o755
    folder.chmod(0o700)
    assert data_folder(folder) == folder, "its user has closed it"


@pytest.mark.parametrize("open_mode", [0o777, 0o757, 0o1777])
def test_one_in_which_anybody_may_have_put_files_is_refused(open_mode: int, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "feed.json").touch()
    folder.chmod(open_mode)
    with pytest.raises(StreamError, match="others may write in it"):
        data_folder(folder)
    (folder / "feed.json").unlink()
    assert mode(data_folder(folder)) == 0o700, "an empty one holds nothing that could deceive"


@pytest.mark.parametrize("link", [False, True])
def test_one_of_another_user_is_refused(link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    if link:
        (tmp_path / "link").symlink_to(folder)
        folder = tmp_path / "link"
    monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StreamError, match=rf"belongs to another user \(number {os.getuid()}\)"):
        data_folder(folder)


def test_a_link_to_a_folder_of_ones_own_is_used(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert data_folder(tmp_path / "link") == tmp_path / "link"
    assert mode(tmp_path / "disk") == 0o700


@pytest.mark.parametrize(
    "name", ["file", "file/below", "dangling", "x" * 300, "deep/" * 1000, "not UTF-8 \udcff", "/proc/none"]
)
def test_what_cannot_be_one_is_an_error_of_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "deeper")
    with pytest.raises(BearwatchError, match="data directory") as refused:
        data_folder(tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["a/../b/", "é, #%20\\'\" [/x]\n日本", " "])
def test_any_other_name_will_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    folder = private_folder(Path(name))
    assert folder.is_absolute() and folder.is_dir()
