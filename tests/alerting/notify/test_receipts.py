"""The file of receipts: every line whole and written once, also after crashes and on a full disk."""

import os
from pathlib import Path

import pytest
from notifications import disk_of, lines, notice, received

from alerting.errors import AlertingError
from alerting.notify.receipts import ReceiptFile


@pytest.mark.parametrize("text", ['{"a": 1}\n', '{"a": 1}', "token", "{}"])
def test_a_file_of_something_else_is_not_touched(text: str, tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_text(text)
    with pytest.raises(AlertingError, match="line 1 is not a record"):
        ReceiptFile(path)
    assert path.read_text() == text


@pytest.mark.parametrize("torn", [b"{", b'{"received_at":"2026-11-24T12', b'{"rec\0\0\0', b"\0\0"])
def test_a_line_that_was_never_whole_is_dropped(torn: bytes, tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(torn)
    with ReceiptFile(path):
        assert path.read_bytes() == b""


def test_a_file_that_was_refused_is_free_again(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_text("{}\n")
    with pytest.raises(AlertingError, match="line 1 is not a record"):
        ReceiptFile(path)
    path.write_text("")
    with ReceiptFile(path):
        pass


def test_two_receivers_do_not_share_a_file(tmp_path: Path):
    with ReceiptFile(tmp_path / "out.jsonl"), pytest.raises(AlertingError, match="in use"):
        ReceiptFile(tmp_path / "out.jsonl")


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    with ReceiptFile(path) as file:
        file.add(received(notice()))
        whole = path.read_bytes()
        with disk_of(len(whole) + 20), pytest.raises(OSError):
            file.add(received(notice("f2"), notice("f3")))
        assert path.read_bytes() == whole
        assert file.add(received(notice("f2"), notice("f3"))) == 2
    assert [each["fingerprint"] for each in lines(path)] == ["f1", "f2", "f3"]


def test_it_is_confirmed_only_when_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: order.append("on disk"))
    with ReceiptFile(tmp_path / "out.jsonl") as file:
        order.clear()
        file.add(received(notice()))
        order.append("confirmed")
    assert order == ["on disk", "confirmed"]


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/full", "/dev/null", "pipe"])
def test_what_is_not_a_file_is_refused_at_once(name: str, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AlertingError, match="is not a file"):
        ReceiptFile(tmp_path / name)


@pytest.mark.parametrize("way", ["moved", "removed", "emptied", "cut off", "replaced", "replaced by a link"])
def test_a_file_that_others_rotate_loses_nothing_that_comes_later(way: str, tmp_path: Path):
    """Receipts went to a file without a name, or behind as many zeros as the file had held before."""
    path, other = tmp_path / "out.jsonl", tmp_path / "other"
    with ReceiptFile(path) as file:
        file.add(received(notice()))
        match way:
            case "moved":
                path.rename(other)
            case "removed":
                path.unlink()
            case "emptied":
                path.write_bytes(b"")
            case "cut off":
                path.write_bytes(path.read_bytes()[:-9])
            case "replaced":
                other.touch()
                other.replace(path)
            case "replaced by a link":
                path.unlink()
                path.symlink_to(other)
        assert file.add(received(notice(), notice("f2"))) == 1, "what was confirmed is known"
        assert file.add(received(notice("f3"))) == 1
    assert [each["fingerprint"] for each in lines(path)] == ["f2", "f3"]
    with ReceiptFile(path) as again:
        assert again.add(received(notice("f2"), notice("f3"))) == 0


def test_something_else_under_the_file_s_name_is_not_touched(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    with ReceiptFile(path) as file:
        path.unlink()
        path.write_text("a letter\n")
        for _ in range(2):
            with pytest.raises(AlertingError, match="line 1 is not a record"):
                file.add(received(notice()))
        assert path.read_text() == "a letter\n"
        path.unlink()
        assert file.add(received(notice())) == 1, "it goes on when the name is free"
