"""A Kafka with SASL and TLS: every command works on it, and each way not to get in is told in one line, at once."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alert_messages import alert, write
from exactness import records
from keyword_model import write_keyword_model
from one_worker import OneWorker
from secured_kafka import PASSWORD, USER, SecuredKafka, secured_kafka
from waiting import PATIENCE_SECONDS, wait_until

from bearwatch.local.ports import free_port
from bearwatch.settings import connection_flags
from stream.errors import StreamError
from stream.kafka.append import append
from stream.kafka.connection import KafkaConnection
from stream.kafka.reach import reach
from stream.kafka.topics import TopicNames, create_topics

DOCUMENT = {"id": "1", "text": "oil negative", "published_at": "2026-11-24T07:30:00Z", "source": "Wire"}
WRONG = "wrong battery"
START_FAUST = """
import asyncio, click
from bearwatch.settings import settings
from stream.settings import WorkerSettings
from stream.worker.faust_app import faust_app

async def nothing(_): ...

async def start(connection):
    await faust_app(WorkerSettings(connection), {}, nothing, nothing, dict, dict, print).start()

@click.command
@settings("broker")
def main(connection):
    asyncio.run(start(connection))

main()
"""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        (kafka.folder / "wrong").write_text(WRONG)
        yield kafka


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


def run(
    connection: KafkaConnection, *arguments: str, verbose: bool = False
) -> "subprocess.CompletedProcess[str]":
    start = [sys.executable, "-m", "bearwatch", *(["-v"] if verbose else [])]
    flags = connection_flags(connection)
    return subprocess.run(
        [*start, *arguments, *flags], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )


def done(connection: KafkaConnection, *arguments: str) -> str:
    result = run(connection, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("way", ["scram", "mutual", "password"])
def test_every_command_works(kafka: SecuredKafka, way: str, prefix: str, model: Path, tmp_path: Path):
    connection: KafkaConnection = getattr(kafka, way)
    here, names, plain = ("--prefix", prefix), TopicNames(prefix), kafka.plain.addresses
    assert done(connection, "topics", *here).count("created ") == len(names.all)
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(DOCUMENT))
    done(connection, "ingest", str(file), "--stream", "news", *here)

    def is_classified() -> bool:
        return any(b'"id":"1"' in (each.value or b"") for each in records(plain, names.classified))

    with OneWorker(tmp_path, connection.addresses, prefix, model, *connection_flags(connection)) as worker:
        worker.wait_until("the document is classified", is_classified)
        worker.wait_until_serving()
    write(plain, names.alerts, [alert()])
    assert "0123456789abcdef" in done(connection, "alerts", "list", *here)
    done(connection, "alerts", "ack", "0123456789abcdef", "--by", "Kim", "--note", "on it", *here)
    address = f"127.0.0.1:{free_port()}"
    serve = [sys.executable, "-m", "bearwatch", "alerts", "serve", "--listen", address, *here]
    with subprocess.Popen([*serve, *connection_flags(connection)]) as process:
        try:
            wait_until(
                "the acknowledgement is served",
                lambda: "Kim" in page(f"http://{address}/alerts/0123456789abcdef"),
            )
        finally:
            process.kill()


def page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return str(answer.read().decode())
    except OSError as error:
        if isinstance(error, urllib.request.HTTPError):
            error.close()
        return ""


Change = Callable[[SecuredKafka], KafkaConnection]
REFUSALS: dict[str, tuple[Change, str]] = {
    "a wrong password, SCRAM": (
        lambda kafka: replace(kafka.scram, sasl_password_file=kafka.folder / "wrong"),
        f"refuses the user '{USER}' with the password in ",
    ),
    "a wrong password, PLAIN": (
        lambda kafka: replace(kafka.password, sasl_password_file=kafka.folder / "wrong"),
        f"refuses the user '{USER}' with the password in ",
    ),
    "an unknown user": (
        lambda kafka: replace(kafka.scram, sasl_username="nobody"),
        "refuses the user 'nobody' with the password in ",
    ),
    "a mechanism that is not offered": (
        lambda kafka: replace(kafka.scram, sasl_mechanism="PLAIN"),
        "does not offer sasl_mechanism PLAIN",
    ),
    "an expired certificate of the broker": (
        lambda kafka: kafka.expired,
        "certificate that is not trusted: certificate has expired; the broker needs a new one",
    ),
    "an authority that did not issue the broker's certificate": (
        lambda kafka: replace(kafka.mutual, ssl_ca_file=kafka.folder / "other-ca.pem"),
        "ssl_ca_file must hold the authority that issued it (now: ",
    ),
    "a host name that the certificate is not for": (
        lambda kafka: replace(
            kafka.mutual, addresses=kafka.mutual.addresses.replace("127.0.0.1", "localhost")
        ),
        "use a host name that it was issued for",
    ),
    "no certificate of the client": (
        lambda kafka: replace(kafka.mutual, ssl_certificate_file=None, ssl_key_file=None),
        "wants a certificate from its clients; set ssl_certificate_file and ssl_key_file",
    ),
    "an expired certificate of the client": (
        lambda kafka: client_certificate(kafka, "expired"),
        "has it expired, was it issued by an authority that the broker trusts?",
    ),
    "a certificate of the client from an unknown authority": (
        lambda kafka: client_certificate(kafka, "unknown"),
        "has it expired, was it issued by an authority that the broker trusts?",
    ),
    "TLS without the login that is wanted": (
        lambda kafka: replace(kafka.mutual, addresses=kafka.scram.addresses),
        "if it wants a user and a password, set security_protocol to SASL_SSL",
    ),
    "plain text without the login that is wanted": (
        lambda kafka: KafkaConnection(kafka.password.addresses),
        "if it wants a user and a password, set security_protocol to SASL_PLAINTEXT",
    ),
    "a login that nobody wants": (
        lambda kafka: replace(kafka.password, addresses=kafka.plain.addresses),
        "takes no user and password; set security_protocol to PLAINTEXT",
    ),
    "TLS to a plain port": (
        lambda kafka: replace(kafka.mutual, addresses=kafka.plain.addresses),
        "if it speaks no TLS there, set security_protocol to PLAINTEXT",
    ),
    "TLS and a login to a plain port": (
        lambda kafka: replace(kafka.scram, addresses=kafka.password.addresses),
        "if it speaks no TLS there, set security_protocol to SASL_PLAINTEXT",
    ),
    "plain text to a TLS port": (
        lambda kafka: KafkaConnection(kafka.mutual.addresses),
        "speaks TLS there; set security_protocol to SSL",
    ),
    "a login in plain text to a TLS port": (
        lambda kafka: replace(kafka.password, addresses=kafka.scram.addresses),
        "speaks TLS there; set security_protocol to SASL_SSL",
    ),
}


def client_certificate(kafka: SecuredKafka, name: str) -> KafkaConnection:
    return replace(
        kafka.mutual,
        ssl_certificate_file=kafka.folder / f"{name}.pem",
        ssl_key_file=kafka.folder / f"{name}-key.pem",
    )


@pytest.mark.parametrize("case", REFUSALS)
def test_each_way_not_to_get_in_has_its_reason(kafka: SecuredKafka, case: str):
    change, said = REFUSALS[case]
    connection = change(kafka)
    with pytest.raises(StreamError) as refused:
        asyncio.run(reach(connection))
    message = str(refused.value)
    assert message.startswith(f"Kafka at {connection.addresses} ") and said in message and "\n" not in message
    assert WRONG not in message and PASSWORD not in message


def test_one_broker_of_several_is_enough(kafka: SecuredKafka):
    asyncio.run(reach(replace(kafka.scram, addresses=f"127.0.0.1:{free_port()},{kafka.scram.addresses}")))


@pytest.mark.parametrize(
    "arguments",
    [
        ("topics",),
        ("ingest", "FILE"),
        ("worker", "--metrics-port", "PORT"),
        ("alerts", "list"),
        ("alerts", "serve"),
    ],
)
def test_a_wrong_password_ends_each_command_in_one_line(
    kafka: SecuredKafka, arguments: tuple[str, ...], prefix: str, tmp_path: Path
):
    (tmp_path / "one.jsonl").write_text(json.dumps(DOCUMENT))
    made = {"FILE": str(tmp_path / "one.jsonl"), "PORT": str(free_port())}
    wrong = replace(kafka.scram, sasl_password_file=kafka.folder / "wrong")
    refused = run(wrong, *(made.get(each, each) for each in arguments), "--prefix", prefix)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr, refused.stderr
    last = refused.stderr.splitlines()[-1]
    assert last.startswith(
        f"bearwatch: error: Kafka at {wrong} refuses the user '{USER}' with the password in "
    )
    assert WRONG not in refused.stderr + refused.stdout


def test_each_client_library_gives_up_on_a_wrong_password(kafka: SecuredKafka, prefix: str):
    """kafka-python makes the topics, aiokafka appends; Faust, which nothing goes before here, starts its producer."""
    wrong = replace(kafka.scram, sasl_password_file=kafka.folder / "wrong")
    with pytest.raises(StreamError, match="refuses the user"):
        create_topics(wrong, TopicNames(prefix))
    with pytest.raises(StreamError, match="refuses the user"):
        asyncio.run(append(wrong, "alerts", b"key", b"value"))
    start = [sys.executable, "-c", START_FAUST, *connection_flags(wrong)]
    faust = subprocess.run(start, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert faust.returncode == 1
    assert "KafkaConnectionError: Unable to bootstrap" in faust.stderr


def test_a_verbose_log_shows_no_password(kafka: SecuredKafka, prefix: str, model: Path, tmp_path: Path):
    """The libraries log each request at their most talkative, and with PLAIN the login holds the password."""
    create_topics(kafka.plain, TopicNames(prefix))
    flags = [*connection_flags(kafka.password), "--prefix", prefix]
    with OneWorker(tmp_path, kafka.password.addresses, prefix, model, *flags, verbose=True) as worker:
        worker.wait_until_serving()
        assert " DEBUG aiokafka" in worker.log
        assert PASSWORD not in worker.log
    told = run(kafka.password, "topics", "--prefix", prefix, verbose=True)
    assert told.returncode == 0 and PASSWORD not in told.stderr + told.stdout, told.stderr
