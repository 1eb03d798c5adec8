"""The webhook receiver: what it accepts, and that it writes it once, also after crashes and on a full disk."""

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from notifications import NOW, disk_of, lines, notice, notification

from alerting.errors import AlertingError
from alerting.notify import webhook as module
from alerting.notify.receipts import ReceiptFile
from alerting.notify.webhook import MAX_BODY_BYTES, read_token, webhook

TOKEN = "s3cret"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def post(path: Path, *bodies: bytes, headers: dict[str, str] = BEARER) -> list[tuple[int, str]]:
    """Send bodies one after the other to a receiver in this process; gives each answer."""

    async def send() -> list[tuple[int, str]]:
        with ReceiptFile(path) as file:
            async with TestClient(TestServer(webhook(file, TOKEN.encode(), lambda: NOW))) as client:
                answers = [await client.post("/", data=io.BytesIO(body), headers=headers) for body in bodies]
                return [(answer.status, await answer.text()) for answer in answers]

    return asyncio.run(send())


def test_firing_and_resolved_are_each_written_once(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    firing = json.dumps(notification(notice(unknown=1), surprise={"a": []})).encode()
    over = json.dumps(notification(notice(status="resolved"), notice("f2"))).encode()
    answers = post(path, firing, firing, over, over)
    assert [status for status, _ in answers] == [200] * 4
    assert [text.split()[0] for _, text in answers] == ["1", "0", "2", "0"]
    written = lines(path)
    assert [(each["fingerprint"], each["status"]) for each in written] == [
        ("f1", "firing"),
        ("f1", "resolved"),
        ("f2", "firing"),
    ]
    assert written[0] == {
        "received_at": "2026-11-24T12:00:00Z",
        "status": "firing",
        "starts_at": "2026-11-24T11:59:00.123457Z",
        "ends_at": None,
        "receiver": "risk",
        "labels": notice()["labels"],
        "annotations": notice()["annotations"],
        "generator_url": "http://prometheus/graph",
        "fingerprint": "f1",
    }
    assert written[1]["ends_at"] == "2026-11-24T12:30:00Z"


def test_the_same_alert_may_begin_again_later(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    post(
        path, *(json.dumps(notification(notice(startsAt=f"2026-11-24T1{n}:00:00Z"))).encode() for n in (1, 2))
    )
    assert len(lines(path)) == 2


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Basic s3cret"},
     {"Authorization": "Bearer é"}],
)  # fmt: skip
def test_without_the_token_nothing_is_read(tmp_path: Path, headers: dict[str, str]):
    path = tmp_path / "out.jsonl"
    assert post(path, json.dumps(notification(notice())).encode(), headers=headers)[0][0] == 401
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "version 4"),
        (b"{", 400, "version 4"),
        (b"\xff", 400, "version 4"),
        (b"[" * 100_000, 400, "version 4"),
        (json.dumps(notification(notice(), version="3")).encode(), 400, "$.version"),
        (json.dumps(notification(notice(status="odd"))).encode(), 400, "$.alerts[0].status"),
        (json.dumps(notification(notice(startsAt="now"))).encode(), 400, "$.alerts[0].startsAt"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "bytes"),
    ],
)
def test_what_it_cannot_take_is_rejected_whole(tmp_path: Path, body: bytes, status: int, said: str):
    path = tmp_path / "out.jsonl"
    good = json.dumps(notification(notice())).encode()
    (rejected, text), (after, _) = post(path, body, good)
    assert (rejected, after) == (status, 200)
    assert said in text
    assert len(lines(path)) == 1


def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BODY_SECONDS", 0.05)

    async def never() -> Any:
        yield b"{"
        await asyncio.sleep(30)

    async def send() -> int:
        with ReceiptFile(tmp_path / "out.jsonl") as file:
            async with TestClient(TestServer(webhook(file, TOKEN.encode()))) as client:
                return (await client.post("/", data=never(), headers=BEARER)).status

    assert asyncio.run(send()) == 408


def test_what_was_written_is_known_after_a_restart(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    body = json.dumps(notification(notice())).encode()
    post(path, body)
    assert post(path, body) == [(200, "0 written, 1 known\n")]
    assert len(lines(path)) == 1


def test_a_line_that_a_crash_cut_off_goes_and_comes_again(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    body = json.dumps(notification(notice(), notice("f2"))).encode()
    post(path, body)
    os.truncate(path, path.stat().st_size - 7)
    assert post(path, body) == [(200, "1 written, 1 known\n")]
    assert [each["fingerprint"] for each in lines(path)] == ["f1", "f2"]


def test_a_full_disk_is_answered_503(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    with disk_of(20):
        assert post(path, json.dumps(notification(notice())).encode())[0][0] == 503
    assert path.read_bytes() == b""


def test_a_folder_in_the_file_s_place_is_answered_503(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    body = json.dumps(notification(notice())).encode()

    async def send() -> tuple[int, str]:
        with ReceiptFile(path) as file:
            path.unlink()
            path.mkdir()
            async with TestClient(TestServer(webhook(file, TOKEN.encode()))) as client:
                answer = await client.post("/", data=body, headers=BEARER)
                return answer.status, await answer.text()

    status, text = asyncio.run(send())
    assert status == 503 and "out.jsonl cannot be written: Is a directory" in text


def test_an_empty_token_is_an_error(tmp_path: Path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(AlertingError, match="is empty"):
        read_token(tmp_path / "token")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfs3cret",
        b"s3cret\x00",
        b"s3cret\nother",
        b"\xff\xfes\x00",
        b"\x1b[2Js3cret",
        "é".encode(),
    ],
)
def test_a_token_that_no_header_can_hold_is_an_error(content: bytes, tmp_path: Path):
    """Such as a file that an editor began with a mark, or a note of two tokens: everything was answered 401."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(AlertingError, match=r"must hold one line of ASCII text|is not a text file"):
        read_token(tmp_path / "token")
