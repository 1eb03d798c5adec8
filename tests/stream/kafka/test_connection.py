"""How Kafka is reached, as a value: what belongs together, files that do not fit, and no secret in any message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from secured_kafka import write_certificates

from stream.errors import KafkaSettingsError
from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings

SASL: dict[str, Any] = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "desk",
    "sasl_password_file": Path("password"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    write_certificates(folder)
    return folder


@pytest.mark.parametrize("addresses", ["kafka:9092", "a.example-1.org:1,10.0.0.1:65535", "[::1]:9092"])
def test_addresses(addresses: str):
    options = KafkaConnection(addresses).client_options()
    assert options == {"bootstrap_servers": addresses.split(","), "security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize(
    "addresses",
    ["", "kafka", "kafka:", "kafka:port", "kafka:0", "kafka:65536", "kafka:1,,b:2", "SSL://kafka:1"],
)
def test_what_is_not_an_address(addresses: str):
    with pytest.raises(KafkaSettingsError, match="is not HOST:PORT, as in kafka:9092"):
        KafkaConnection(addresses)


@pytest.mark.parametrize(
    "addresses",
    [
        "desk:s3cret@kafka:9092",
        "kafka://desk:s3cret@kafka:9092",
        "a:1,desk:s3cret@kafka:9092",
        "desk:s3,cret@kafka:9092",
        "desk:s3@cret@kafka:9092",
        "s3cret@kafka:9092",
    ],
)
def test_a_password_in_an_address_is_masked(addresses: str):
    with pytest.raises(KafkaSettingsError) as refused:
        KafkaConnection(addresses)
    assert "***@kafka:9092 holds a user or a password" in str(refused.value)
    assert "cret" not in str(refused.value) and "s3" not in str(refused.value)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"security_protocol": "TLS"}, "security_protocol 'TLS' is not one of PLAINTEXT, SSL,"),
        ({"security_protocol": "SASL_SSL"}, "security_protocol SASL_SSL needs sasl_mechanism"),
        ({**SASL, "sasl_mechanism": "SCRAM"}, "sasl_mechanism 'SCRAM' is not one of PLAIN, SCRAM-SHA-256,"),
        ({**SASL, "sasl_username": None}, "security_protocol SASL_SSL needs sasl_username"),
        ({**SASL, "sasl_password_file": None}, "security_protocol SASL_SSL needs sasl_password_file"),
        (
            {**SASL, "security_protocol": "SSL"},
            "sasl_mechanism is set, but security_protocol SSL does not use it",
        ),
        ({"ssl_ca_file": Path("ca.pem")}, "set security_protocol to one of SSL, SASL_SSL"),
        ({"security_protocol": "SSL", "ssl_key_file": Path("k")}, "belong together"),
    ],
)
def test_parts_that_do_not_belong_together(parts: dict[str, Any], said: str):
    with pytest.raises(KafkaSettingsError) as refused:
        KafkaConnection("kafka:9092", **parts)
    assert said in str(refused.value)


def test_the_password_is_read_from_its_file_and_shown_nowhere(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    connection = KafkaConnection(
        "kafka:9092", **{**SASL, "security_protocol": "SASL_PLAINTEXT", "sasl_password_file": file}
    )
    first = connection.client_options()["sasl_plain_password"]
    file.write_text("a new one")
    assert (first, connection.client_options()["sasl_plain_password"]) == ("correct horse", "a new one")
    assert "a new one" not in repr(WorkerSettings(connection)) + str(connection)


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read: No such file"), (" \n", "is empty")])
def test_a_password_file_without_a_password(tmp_path: Path, content: str | None, said: str):
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    with pytest.raises(KafkaSettingsError, match=f"sasl_password_file {file} {said}"):
        KafkaConnection("kafka:9092", **{**SASL, "sasl_password_file": file}).password()


def tls(folder: Path, **files: str) -> KafkaConnection:
    chosen = {"ssl_ca_file": "ca.pem", "ssl_certificate_file": "client.pem", "ssl_key_file": "client-key.pem"}
    paths = {name: folder / file for name, file in {**chosen, **files}.items()}
    return KafkaConnection("kafka:9092", security_protocol="SSL", **paths)  # type: ignore[arg-type]


def test_files_that_fit(folder: Path):
    assert tls(folder).ssl_context().get_ca_certs()


def garbled(path: Path) -> None:
    path.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")


def encrypted(path: Path) -> None:
    key = load_pem_private_key((path.parent / "client-key.pem").read_bytes(), None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))


@pytest.mark.parametrize(
    ("name", "file", "make", "said"),
    [
        ("ssl_ca_file", "none.pem", None, "cannot be read: No such file or directory"),
        (
            "ssl_ca_file",
            "text.pem",
            lambda path: path.write_text("hello"),
            "is not PEM: it has no line -----BEGIN C",
        ),
        ("ssl_ca_file", "der.pem", lambda path: path.write_bytes(b"\x30\x82\xff"), "is not PEM"),
        ("ssl_ca_file", "garbled.pem", garbled, "cannot be used"),
        ("ssl_certificate_file", "none.pem", None, "cannot be read: No such file or directory"),
        (
            "ssl_certificate_file",
            "client-key.pem",
            None,
            "is not PEM: it has no line -----BEGIN CERTIFICATE-----",
        ),
        ("ssl_certificate_file", "garbled.pem", garbled, "cannot be used"),
        ("ssl_key_file", "client.pem", None, "is not PEM: it has no line -----BEGIN PRIVATE KEY-----"),
        ("ssl_key_file", "unknown-key.pem", None, "do not belong together"),
        ("ssl_key_file", "encrypted.pem", encrypted, "is encrypted"),
    ],
)
def test_files_that_do_not_fit_are_named(
    folder: Path, name: str, file: str, make: Callable[[Path], Any] | None, said: str
):
    if make is not None:
        make(folder / file)
    with pytest.raises(KafkaSettingsError) as refused:
        tls(folder, **{name: file}).ssl_context()
    message = str(refused.value)
    assert f"{name} {folder / file}" in message and said in message and "\n" not in message
