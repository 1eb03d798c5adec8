"""Alertmanager behind a login: tokens and passwords come from files, and stand in no message."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from alerting.errors import AlertingError, AlertmanagerSettingsError
from alerting.notify.credentials import Credentials
from alerting.notify.silences import Alertmanager
from bearwatch.cli import main
from bearwatch.settings import settings

TOKEN, PASSWORD = "t0ken-of-the-desk", "pass:word of the desk"
BASIC = base64.b64encode(f"desk:{PASSWORD}".encode()).decode()


class Guarded(HTTPServer):
    """Takes the two logins; repeats in its refusal what it was given, as a careless proxy may."""

    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Guarded

    def do_GET(self) -> None:
        given = self.headers.get("Authorization")
        self.server.asked.append(given)
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/api/v2/silences")
            self.end_headers()
            return
        allowed = given in (f"Bearer {TOKEN}", f"Basic {BASIC}")
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b"[]" if allowed else f"not you: {given}, {PASSWORD}".encode())

    def log_message(self, format: str, *arguments: Any) -> None: ...


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    with Guarded(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def url(server: Guarded) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_bearer_token(guarded: Guarded, tmp_path: Path):
    file = written(tmp_path / "token", f"{TOKEN}\n")
    assert Alertmanager(url(guarded), Credentials(token_file=file)).in_force() == {}
    assert guarded.asked == [f"Bearer {TOKEN}"]


def test_a_user_and_a_password(guarded: Guarded, tmp_path: Path):
    credentials = Credentials(username="desk", password_file=written(tmp_path / "password", f"{PASSWORD}\n"))
    assert Alertmanager(url(guarded), credentials).in_force() == {}
    assert guarded.asked == [f"Basic {BASIC}"]


def test_the_flags_of_a_command(guarded: Guarded, tmp_path: Path):
    @click.command
    @settings("alertmanager")
    def command(alertmanager: Alertmanager | None) -> None:
        click.echo("none" if alertmanager is None else str(alertmanager.in_force()))

    password = str(written(tmp_path / "password", PASSWORD))
    flags = ("--alertmanager-username", "desk", "--alertmanager-password-file", password)
    result = CliRunner().invoke(command, ["--alertmanager", url(guarded), *flags])
    assert (result.output, guarded.asked) == ("{}\n", [f"Basic {BASIC}"])
    assert CliRunner().invoke(command, flags).output == "none\n", "without an address there is none"


def test_a_new_secret_in_the_file_counts_at_once(guarded: Guarded, tmp_path: Path):
    file = written(tmp_path / "token", "old")
    manager = Alertmanager(url(guarded), Credentials(token_file=file))
    with pytest.raises(AlertingError, match=r"rejects the request \(401\)"):
        manager.in_force()
    file.write_text(TOKEN)
    assert manager.in_force() == {}


def test_a_rejected_request_repeats_no_secret(guarded: Guarded, tmp_path: Path):
    wrong = written(tmp_path / "wrong", "wr0ng-token")
    with pytest.raises(AlertingError) as by_token:
        Alertmanager(url(guarded), Credentials(token_file=wrong)).in_force()
    assert "not you: Bearer ***" in str(by_token.value)
    password = written(tmp_path / "password", PASSWORD)
    with pytest.raises(AlertingError) as by_password:
        Alertmanager(url(guarded), Credentials(username="other", password_file=password)).in_force()
    assert "not you: Basic ***, ***" in str(by_password.value)


def test_a_redirect_does_not_carry_the_secret_on(guarded: Guarded, tmp_path: Path):
    file = written(tmp_path / "token", TOKEN)
    with pytest.raises(AlertingError, match="401"):
        Alertmanager(url(guarded) + "/moved", Credentials(token_file=file)).in_force()
    assert guarded.asked == [f"Bearer {TOKEN}", None]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), ("\n", "is empty"), ("two\nlines", "one line of ASCII text")],
)
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: str | None, said: str):
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(AlertingError, match=rf"token .*{said}"):
        Credentials(token_file=file).authorization()


def said_by(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *flags: str
) -> tuple[Any, str]:
    command = ["alerts", "ack", "x", "--by", "K", "--note", "n", "--broker", "127.0.0.1:1", *flags]
    monkeypatch.setattr("sys.argv", ["bearwatch", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--alertmanager", "http://desk:s3cret@am:9093"), "address ***@am:9093 holds a user or a password"),
        (("--alertmanager", "http://am:9093", "--alertmanager-username", "desk"), "belong together"),
        (
            ("--alertmanager", "http://am:9093", "--alertmanager-token-file", "t", "--alertmanager-username", "u",
             "--alertmanager-password-file", "p"),
            "not both",
        ),
    ],
)  # fmt: skip
def test_wrong_settings_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], said: str
):
    code, line = said_by(monkeypatch, capsys, *flags)
    assert code == 2 and said in line and line.count("\n") == 1 and "s3cret" not in line


def test_the_settings_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.setenv("BEARWATCH_ALERTMANAGER", "http://am:9093")
    monkeypatch.setenv("BEARWATCH_ALERTMANAGER_TOKEN_FILE", str(tmp_path / "none"))
    code, line = said_by(monkeypatch, capsys)
    assert (code, line) == (
        1,
        f"bearwatch: error: {tmp_path / 'none'} cannot be read: No such file or directory\n",
    )
    assert AlertmanagerSettingsError.exit_code == 2
