"""Settings: file, environment, flags; the last one counts, and what is no setting is refused."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bearwatch.cli import bearwatch
from bearwatch.errors import SettingsError
from bearwatch.settings import SETTINGS, check_environment, from_file, settings


@click.command
@settings("prefix", "metrics_port")
def show(prefix: str, metrics_port: int) -> None:
    click.echo(f"{prefix} {metrics_port}")


def run(*flags: str, file: dict[str, object] | None = None, **environment: str) -> str:
    result = CliRunner().invoke(show, flags, env=environment, default_map=file or {})
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_flags_beat_the_environment_and_the_environment_beats_the_file():
    file = {"prefix": "file.", "metrics_port": 1}
    assert run(file=file) == "file. 1"
    assert run(file=file, BEARWATCH_PREFIX="env.") == "env. 1"
    assert (
        run("--prefix", "flag.", file=file, BEARWATCH_PREFIX="env.", BEARWATCH_METRICS_PORT="2") == "flag. 2"
    )


def test_an_unknown_key_names_the_nearest(tmp_path: Path):
    path = tmp_path / "bearwatch.toml"
    path.write_text('brokr = "x:1"')
    with pytest.raises(SettingsError, match="unknown setting brokr; the nearest known one is broker"):
        from_file(path)
    with pytest.raises(
        SettingsError, match=r"unknown setting BEARWATCH_METRICS_POTR; .* BEARWATCH_METRICS_PORT"
    ):
        check_environment({"BEARWATCH_METRICS_POTR": "1", "HOME": "/"})


def test_a_file_that_is_no_toml_is_said(tmp_path: Path):
    path = tmp_path / "bearwatch.toml"
    path.write_text("broker =")
    with pytest.raises(SettingsError, match=r"bearwatch\.toml"):
        from_file(path)
    assert from_file(tmp_path / "none.toml") == {}


def test_every_command_has_help_and_every_setting_a_text():
    for name in bearwatch.list_commands(click.Context(bearwatch)):
        result = CliRunner().invoke(bearwatch, [name, "--help"])
        assert result.exit_code == 0 and "Usage:" in result.output, name
    assert all(setting["help"] for setting in SETTINGS.values())
