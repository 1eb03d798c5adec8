"""Files and flags of a user: policy, settings, training configurations and their changes, addresses, durations."""

import os
import random
from pathlib import Path

import click
from generation import texts, toml

from alerting.detection import policy as policy_module
from alerting.detection.policy import DEFAULT, load_policy
from alerting.errors import PolicyError
from bearwatch.commands.alerts import Duration
from bearwatch.core.errors import BearwatchError
from bearwatch.options import Address
from bearwatch.settings import SETTINGS, settings
from bearwatch.settings_sources import check_environment, from_file
from stream.kafka.connection import KafkaConnection, _check_addresses
from targets.target import Target, pack, scratch, unpack, written
from training import config_checks, config_file
from training.config_file import load_config
from training.data.label_mapping import override_mapping, parse_label_mapping
from training.errors import TrainingConfigError

ROOT = Path(__file__).parents[3]
POLICIES = (DEFAULT.read_text(), "policy_version = 2\n[surge]\np_value = 0.001\n", "policy_version = 2\n")


def policy(rng: random.Random) -> bytes:
    return toml.changed(rng, POLICIES)


def check_policy(given: bytes) -> bool:
    try:
        found = load_policy(written("policy.toml", given))
    except PolicyError as error:
        assert str(scratch() / "policy.toml") in str(error)
        return False
    assert len(found.hash) == 16
    return True


FLAGS = {
    "broker": "kafka:9092", "security_protocol": "PLAINTEXT", "prefix": "bearwatch.", "group": "desk",
    "engine": "auto", "metrics_host": "127.0.0.1", "metrics_port": 9108, "session_timeout_seconds": 20.0,
    "broker_timeout_seconds": 60.0, "alertmanager": "http://alertmanager:9093", "alertmanager_token_file": "token",
    "sasl_mechanism": "PLAIN", "sasl_username": "bearwatch", "sasl_password_file": "password", "ssl_ca_file": "ca.pem",
    "model": ".", "policy": "p",
}  # fmt: skip


@click.command
@settings(
    *(name for name in SETTINGS if not name.startswith(("sasl_", "ssl_", "security_", "alertmanager_")))
)
def everything(**_: object) -> None:
    """A command with every setting."""


def settings_file(rng: random.Random) -> bytes:
    names = rng.sample(sorted(FLAGS), rng.randint(1, 4))
    lines = [
        f"{name} = {FLAGS[name] if not isinstance(FLAGS[name], str) else repr(FLAGS[name])}" for name in names
    ]
    return toml.changed(rng, ["broker = 'kafka:9092'\n" + "\n".join(lines)], 2)


def check_settings_file(given: bytes) -> bool:
    written("token", b"secret\n")
    os.chdir(scratch())
    try:
        content = from_file(written("bearwatch.toml", given))
        with everything.make_context("everything", [], default_map=content) as context:
            everything.invoke(context)
    except (BearwatchError, click.ClickException) as error:
        assert str(error) or isinstance(error, click.UsageError)
        return False
    return True


TRAINING = (
    (ROOT / "training/configs/financial.toml").read_text(),
    """base_model = "bert"
max_tokens = 64
[heads.sentiment]
labels = ["negative", "neutral", "positive"]
aliases = {down = "negative", "1" = "positive"}
[hyperparameters]
epochs = 2
batch_tokens = 512
[distillation]
weight = 0.5
unlabelled = [{name = "u", path = "u.csv"}]
[[datasets]]
name = "a"
path = "a.csv"
head = "sentiment"
label_mapping = {up = "positive"}
label_pattern = "(a|b)"
hash_range = [0.0, 0.5]
[[evaluation]]
name = "b"
path = "b.csv"
head = "sentiment"
""",
)
CHANGES = (
    "seed=2",
    "hyperparameters.epochs=6",
    "heads.sentiment.labels=[1]",
    "base_model=bert base",
    "[a]",
    "a.b.c=x",
    "x",
)


def training(rng: random.Random) -> bytes:
    changes = [
        change if rng.random() < 0.4 else texts.mutated(rng, change).encode("utf-8", "replace").decode()
        for change in rng.sample(CHANGES, rng.choice((0, 0, 1, 2)))
    ]
    return pack(toml.changed(rng, TRAINING, 2), changes)


def check_training(given: bytes) -> bool:
    content, changes = unpack(given)
    try:
        found = load_config(written("training.toml", content), changes)
    except TrainingConfigError:
        return False
    for head in found.heads.values():
        assert set(head.label_mapping.values()) <= set(head.labels)
    return True


MAPPINGS = ("negative,neutral,positive", "down=negative,up=positive", '"a, b=c",0=positive', "0=a")


def mapping(rng: random.Random) -> bytes:
    text = rng.choice(MAPPINGS)
    for _ in range(rng.choice((0, 1, 2))):
        text = texts.mutated(rng, text)
    return text.encode("utf-8", "surrogatepass")


def check_mapping(given: bytes) -> bool:
    try:
        found = parse_label_mapping(given.decode("utf-8", "surrogatepass"))
    except TrainingConfigError:
        return False
    merged = override_mapping({"0": "x", "down": "y"}, found)
    assert set(found.values()) <= set(merged.values())
    return True


ADDRESSES = (
    "kafka:9092",
    "kafka-1:9093,kafka-2:9093",
    "[::1]:9092",
    "user:password@kafka:9092",
    "127.0.0.1:1",
)
DURATIONS = ("30m", "2h", "1h30m", "1d", "999999d")


def flags(rng: random.Random) -> bytes:
    parts = []
    for sample in (rng.choice(ADDRESSES), rng.choice(DURATIONS), "BEARWATCH_BROKER"):
        for _ in range(rng.choice((0, 1, 1, 2))):
            sample = texts.mutated(rng, sample)
        parts.append(sample.encode("utf-8", "surrogatepass"))
    return pack(*parts)


def check_flags(given: bytes) -> bool:
    address, duration, variable = (each.decode("utf-8", "surrogatepass") for each in unpack(given))
    accepted = 0
    for parse in (
        lambda: KafkaConnection(address).client_options(),
        lambda: check_environment({variable: "x"}),
        lambda: Address().convert(address, None, None),
        lambda: Duration().convert(duration, None, None),
    ):
        try:
            parse()
        except (BearwatchError, click.BadParameter):
            pass
        else:
            accepted += 1
    return bool(accepted)


TARGETS = (
    Target("policy", (policy_module,), policy, check_policy, 15_000),
    Target("settings", (from_file,), settings_file, check_settings_file, 20_000),
    Target("training-configuration", (config_file, config_checks), training, check_training, 20_000),
    Target("label-mapping", (parse_label_mapping, override_mapping), mapping, check_mapping, 80_000),
    Target("flags", (_check_addresses, Address, Duration, check_environment), flags, check_flags, 50_000),
)
