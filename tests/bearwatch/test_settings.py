"""Settings: file, environment, flags; the last one counts, and what is no setting is refused."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bearwatch.cli import bearwatch, main
from bearwatch.errors import SettingsError
from bearwatch.settings import SETTINGS, connection_flags, settings
from bearwatch.settings_sources import check_environment, from_file
from stream.kafka.connection import KafkaConnection


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


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path):
    path = tmp_path / "bearwatch.toml"
    path.write_text('sasl_password = "s3cret"')
    with pytest.raises(SettingsError) as refused:
        from_file(path)
    assert str(refused.value).endswith(
        "unknown setting sasl_password; the nearest known one is sasl_password_file"
    )
    with pytest.raises(SettingsError) as refused:
        check_environment({"BEARWATCH_SASL_PASSWORD": "s3cret"})
    assert "BEARWATCH_SASL_PASSWORD_FILE" in str(refused.value) and "s3cret" not in str(refused.value)


def test_a_settings_file_of_the_former_version_is_one_of_this_version(tmp_path: Path):
    """No setting was renamed or moved; one that is must be named here with its new name."""
    path = tmp_path / "bearwatch.toml"
    path.write_text(
        """
        broker = "kafka:9092"
        prefix = "desk."
        group = "desk"
        policy = "policy.toml"
        model = "model"
        engine = "auto"
        metrics_host = "0.0.0.0"
        metrics_port = 9108
        session_timeout_seconds = 20
        broker_timeout_seconds = 60
        stuck_after_seconds = 120
        """
    )
    assert from_file(path).keys() <= SETTINGS.keys()


@click.command
@settings("broker")
def connect(connection: KafkaConnection) -> None:
    click.echo(repr(connection))


def connected(*flags: str, file: dict[str, object] | None = None, **environment: str) -> str:
    return CliRunner().invoke(connect, flags, env=environment, default_map=file or {}).output.strip()


def test_the_connection_is_one_value_from_all_three_places(tmp_path: Path):
    password = tmp_path / "password"
    password.write_text("s3cret")
    file = {"broker": "file:1", "security_protocol": "SASL_PLAINTEXT", "sasl_password_file": str(password)}
    made = connected(
        "--broker", "flag:1", "--sasl-mechanism", "PLAIN", file=file, BEARWATCH_SASL_USERNAME="desk"
    )
    assert made == repr(KafkaConnection("flag:1", "SASL_PLAINTEXT", "PLAIN", "desk", password))
    assert "s3cret" not in made


def test_an_empty_text_is_not_a_setting():
    assert connected("--broker", "kafka:1", "--ssl-ca-file", "", BEARWATCH_SASL_USERNAME="") == repr(
        KafkaConnection("kafka:1")
    )


def test_a_child_process_gets_the_same_connection_whatever_else_is_set(tmp_path: Path):
    """`up` starts workers for its own Kafka in a folder, or an environment, that may be set for another one."""
    given = KafkaConnection("kafka:1")
    file = {"security_protocol": "SSL", "ssl_ca_file": "none.pem"}
    assert connected(*connection_flags(given), file=file, BEARWATCH_SASL_USERNAME="desk") == repr(given)
    password = tmp_path / "password"
    password.write_text("s3cret")
    full = KafkaConnection("kafka:1", "SASL_PLAINTEXT", "PLAIN", "desk", password)
    assert connected(*connection_flags(full)) == repr(full)


def test_a_file_that_cannot_be_used_is_reported_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    flags = (
        "--broker",
        "127.0.0.1:1",
        "--security-protocol",
        "SSL",
        "--ssl-ca-file",
        str(tmp_path / "none.pem"),
    )
    monkeypatch.setattr("sys.argv", ["bearwatch", "worker", *flags])
    with pytest.raises(SystemExit) as ended:
        main()
    reason = f"ssl_ca_file {tmp_path / 'none.pem'} cannot be read: No such file or directory"
    assert (ended.value.code, capsys.readouterr().err) == (2, f"bearwatch: error: {reason}\n")


def test_a_file_that_is_not_toml_is_an_error(tmp_path: Path):
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


@pytest.mark.parametrize("given", ["nan", "inf"])
def test_seconds_are_finite(given: str):
    refused = CliRunner().invoke(bearwatch, ["rules", "--session-timeout-seconds", given])
    assert refused.exit_code == 2
    assert f"{given} is not a finite number of seconds" in refused.output


def test_a_mark_that_editors_put_before_the_text_is_left_out(tmp_path: Path):
    (path := tmp_path / "bearwatch.toml").write_text('broker = "kafka:9092"', encoding="utf-8-sig")
    assert from_file(path) == {"broker": "kafka:9092"}
