"""Whatever is typed, set or written for an option of any command: one clear line and exit code 2, or 1."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from bearwatch.cli import COMMANDS, bearwatch, main
from bearwatch.errors import SettingsError
from bearwatch.options import is_host
from bearwatch.settings import SETTINGS, Finite
from bearwatch.settings_sources import from_file

GIVEN = {  # what the arguments of the commands need besides the one under test
    **{"broker": "127.0.0.1:1", "token_file": "empty", "out": "out/", "note": "note", "by": "name"},
    **{"data": "empty", "task": "t", "text_column": "t", "label_column": "l", "feed": "gone", "file": "gone"},
    **{"alert_id": "id", "config": "gone", "runs": "gone", "texts": "text"},
}
EVALUATE = ["evaluate", "--task", "sentiment", "--text", "text", "--label", "label"]
NOT_UTF_8 = "a\udcff"  # as Python gives the byte 0xFF


def commands(
    name: tuple[str, ...], command: click.Command
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from commands((*name, str(each.name)), each)
    else:
        yield name, command


def loaded(name: str) -> click.Command:
    found = bearwatch.get_command(click.Context(bearwatch), name)
    assert found is not None
    return found


LEAVES = dict(each for top in COMMANDS for each in commands((top,), loaded(top)))


def arguments(
    name: tuple[str, ...], command: click.Command, tested: click.Parameter, value: str
) -> list[str]:
    """A command line with `value` for the parameter under test and something for what is required besides."""
    line, positional = list(name), list[str]()
    for each in command.params:
        chosen = value if each is tested else GIVEN.get(str(each.name), "") if each.required else None
        if each is tested and isinstance(each, click.Argument):
            positional.append(value)
        elif isinstance(each, click.Argument):
            positional.append(GIVEN[str(each.name)])
        elif chosen is not None:
            line += [each.opts[0], *[chosen] * each.nargs]
    return [*line, "--", *positional]


def ended(
    line: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Exit code and last line of standard error of a command in this process."""
    monkeypatch.setattr(sys, "argv", ["bearwatch", *line])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, capsys.readouterr().err.splitlines()[-1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").touch()
    (tmp_path / "empty.csv").write_text("text,label\na,neutral\n")
    return tmp_path


@pytest.mark.parametrize("name", LEAVES, ids=" ".join)
def test_a_plain_text_is_utf_8(
    name: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Paths may hold any byte: the system's names are bytes. So may the texts that `classify` is given."""
    for parameter in LEAVES[name].params:
        bytes_are_fine = isinstance(
            parameter.type, click.Path | click.File | click.types.UnprocessedParamType
        )
        if bytes_are_fine or getattr(parameter, "is_flag", False):
            continue
        line = arguments(name, LEAVES[name], parameter, NOT_UTF_8)
        code, last = ended(line, monkeypatch, capsys)
        assert (code, "udcff" in last) == (2, True), parameter.name


@pytest.mark.parametrize("value", [NOT_UTF_8, "x" * 250, "x" * 100_000, "a b", "\x1b[2J", "[/x]", "é", "a/b"])
def test_a_prefix_can_begin_a_topics_name(
    value: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, last = ended(["topics", "--broker", "127.0.0.1:1", "--prefix", value], monkeypatch, capsys)
    assert code == 2 and "--prefix" in last
    assert len(last) < 1100 and last.isprintable()


@pytest.mark.parametrize("value", ["", "x" * 250, "a\nb", NOT_UTF_8])
def test_a_group_is_a_short_printable_name(
    value: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, last = ended(["worker", "--broker", "127.0.0.1:1", "--group", value], monkeypatch, capsys)
    assert code == 2 and "--group" in last


@pytest.mark.parametrize("host", ["", "a b", "x" * 64, "a..b", "x." * 127 + "x", "a/b", "user@host"])
def test_what_is_not_a_host_is_refused(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "fe80::1%eth0", "kafka", "news.example", "bücher.example"]
)
def test_what_is_a_host_is_accepted(host: str) -> None:
    assert is_host(host)


ODD = {
    "boolean": "true",
    "whole number": "5",
    "number": "5.5",
    "not a number": "nan",
    "infinite": "inf",
    "huge": "1" + "0" * 400,
    "negative": "-1",
    "list": "[1]",
    "table": "{a = 1}",
    "date": "2024-01-01",
    "empty text": "''",
    "text": "'5'",
    "zero character": r'"a\u0000b"',
}


def fits(name: str, odd: str) -> bool:
    """Whether a value of this type may stand for the setting; its range is checked by the option."""
    kind = SETTINGS[name].get("type")
    if isinstance(kind, click.IntRange):
        return odd in ("whole number", "negative")
    if isinstance(kind, click.FloatRange):
        return odd in ("whole number", "number", "not a number", "infinite", "negative")
    return odd in ("empty text", "text")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_in_the_file_has_its_type(name: str, tmp_path: Path) -> None:
    for odd, value in ODD.items():
        (path := tmp_path / "bearwatch.toml").write_text(f"{name} = {value}\n")
        if fits(name, odd):
            assert list(from_file(path)) == [name], odd
        else:
            with pytest.raises(SettingsError, match=f"^{path}: {name} = "):
                from_file(path)


@pytest.mark.parametrize("kind", [None, click.IntRange, click.FloatRange])
def test_a_setting_of_the_file_that_the_option_refuses_is_wrong_use(
    kind: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {
        None: "engine = 'none'",
        click.IntRange: "metrics_port = -1",
        click.FloatRange: "stuck_after_seconds = nan",
    }
    (folder / "bearwatch.toml").write_text(line[kind])
    code, last = ended(["worker", "--broker", "127.0.0.1:1"], monkeypatch, capsys)
    assert code == 2 and line[kind].split(" ")[0].replace("_", "-") in last


CONTENTS = {
    "lists": b"x=" + b"[" * 5000 + b"]" * 5000,
    "tables": b"x=" + b"{a=" * 5000 + b"1" + b"}" * 5000,
    "digits": b"x=" + b"9" * 5000,
    "not UTF-8": b"x='\xff'",
    "zero": b"x='\0'",
    "long": b"#" * 2_000_000,
    "long key": b"x" * 100_000 + b"=1",
    "cut off": b"x = [1,",
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("reader", ["settings", "policy", "configuration"])
def test_a_file_that_is_not_fit_is_one_line(
    reader: str,
    content: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = "bearwatch.toml" if reader == "settings" else "own.toml"
    (folder / file).write_bytes(b"policy_version = 2\n" * (reader == "policy") + CONTENTS[content])
    line = {"settings": ["rules"], "policy": ["rules", "--policy", file], "configuration": ["data", file]}
    code, last = ended(line[reader], monkeypatch, capsys)
    assert code == 2 and last.startswith(f"bearwatch: error: {file}: ")
    assert len(last) < 1100 and last.isprintable()


@pytest.mark.parametrize(
    "line",
    [
        ["rules", "--policy", "/dev/zero"],
        ["data", "/dev/zero"],
        ["webhook", "--out", "receipts", "--token-file", "/dev/zero"],
        [*EVALUATE, "--data", "/dev/zero", "--format", "csv"],
        [*EVALUATE, "--data", "/dev/zero", "--format", "jsonl"],
        [*EVALUATE, "--data", "empty.csv", "--exclude", "/dev/zero"],
        [
            "alerts",
            "serve",
            "--broker",
            "127.0.0.1:1",
            "--alertmanager",
            "http://a:1",
            "--alertmanager-token-file",
            "/dev/zero",
        ],
        ["topics", "--broker", "127.0.0.1:1", "--security-protocol", "SSL", "--ssl-ca-file", "/dev/zero"],
    ],
    ids=lambda line: " ".join(line).replace("/", "_"),
)
def test_a_device_without_end_is_not_read_to_its_end(
    line: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, last = ended(line, monkeypatch, capsys)
    assert code in (1, 2) and ("it is longer than" in last or "it is a device" in last)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_settings_file_that_is_not_a_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bearwatch.toml"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(SettingsError, match="it is not a file"):
        from_file(path)


@pytest.mark.parametrize("target", ["bearwatch.toml", "nowhere", "/proc/none/bearwatch.toml"])
def test_a_settings_file_that_is_a_broken_link_is_refused(target: str, tmp_path: Path) -> None:
    """A mount that is missing: the command would run with other settings than those meant, without a word."""
    path = tmp_path / "bearwatch.toml"
    path.symlink_to(target)
    with pytest.raises(SettingsError, match="it is a link that leads nowhere"):
        from_file(path)


def test_an_environment_variable_that_is_not_utf_8_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEARWATCH_PREFIX", NOT_UTF_8)
    code, last = ended(["topics", "--broker", "127.0.0.1:1"], monkeypatch, capsys)
    assert code == 2 and "is not UTF-8" in last
    monkeypatch.setenv(f"BEARWATCH_{NOT_UTF_8}\x1b[2J", "1")
    code, last = ended(["rules"], monkeypatch, capsys)
    assert code == 2 and "unknown setting" in last and last.isprintable()


def test_too_little_memory_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bearwatch.commands.rules.load_policy", fail)
    code, last = ended(["rules"], monkeypatch, capsys)
    assert (code, last) == (1, "bearwatch: error: there is not enough memory")


def test_every_number_is_finite() -> None:
    kinds = [each.type for command in LEAVES.values() for each in command.params]
    ranges = [each for each in kinds if isinstance(each, click.FloatRange)]
    assert ranges and all(isinstance(each, Finite) for each in ranges)


def test_a_label_mapping_with_a_line_break_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "evaluate",
        "--data",
        "empty",
        "--task",
        "t",
        "--text",
        "t",
        "--label",
        "l",
        "--label-mapping",
        "a\nb",
    ]
    code, last = ended(line, monkeypatch, capsys)
    assert code == 2 and "--label-mapping cannot be read" in last
