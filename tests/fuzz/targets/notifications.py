"""What Alertmanager sends and answers, the receiver's file, files with secrets."""

import functools
import logging
import random
from datetime import UTC, datetime

import msgspec
from aiohttp import web
from generation import raw, texts, trees

from alerting.errors import AlertingError
from alerting.notify import notices
from alerting.notify.credentials import Credentials, secret
from alerting.notify.notices import Receipt
from alerting.notify.receipts import ReceiptFile
from alerting.notify.silences import Alertmanager, _Created
from alerting.notify.webhook import read_token, webhook
from stream.errors import KafkaSettingsError
from stream.kafka.connection import KafkaConnection
from targets.asked import answer
from targets.target import Target, pack, scratch, unpack, written

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOTICE = {
    "status": "firing",
    "labels": {"alertname": "Surge", "stream": "news", "topic": "Energy | Oil"},
    "annotations": {"summary": "bad news"},
    "startsAt": "2026-11-24T11:59:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus:9090/graph",
    "fingerprint": "a1b2c3",
}
NOTIFICATION = {
    "version": "4",
    "receiver": "desk",
    "alerts": [NOTICE, NOTICE],
    "truncatedAlerts": 0,
    "status": "firing",
}
TOKEN = b"secret"
TOKENS = ("Bearer secret", "Bearer secret", "Bearer secret", "bearer  secret ", "Bearer", "Basic secret", "")


class Receipts:
    """Stands for `ReceiptFile`: what is added must be writable, and readable again."""

    def add(self, receipts: list[Receipt]) -> int:
        for each in receipts:
            assert msgspec.json.decode(msgspec.json.encode(each), type=Receipt) == each
        return len(receipts)


@functools.cache
def receiver() -> web.Application:
    logging.getLogger("bearwatch.webhook").setLevel(logging.CRITICAL + 1)
    app = webhook(Receipts(), TOKEN, lambda: NOW)  # type: ignore[arg-type]
    app.freeze()
    return app


def body(rng: random.Random) -> bytes:
    token = rng.choice(TOKENS) if rng.random() < 0.97 else texts.text(rng)
    return pack(
        token.encode("utf-8", "surrogateescape" if token.isascii() else "replace"),
        raw.damaged(rng, trees.as_json(rng, trees.changed(rng, NOTIFICATION))),
    )


def check_body(given: bytes) -> bool:
    token, content = unpack(given)
    headers = {"Authorization": token.decode("utf-8", "surrogateescape")}
    found = answer(receiver(), "POST", "/", headers, content)
    assert found.status in (200, 400, 401), found.status
    return found.status == 200


def receipt_file(rng: random.Random) -> bytes:
    (sample,) = notices.receipts(
        notices.Notification(version="4", receiver="desk", alerts=(msgspec.convert(NOTICE, notices.Notice),)),
        NOW,
    )
    line, tree = msgspec.json.encode(sample) + b"\n", msgspec.json.decode(msgspec.json.encode(sample))
    other = trees.as_json(rng, trees.changed(rng, tree, 1)).replace(b"\n", b" ") + b"\n"
    return raw.damaged(rng, b"".join(rng.choices((line, other), (3, 1), k=rng.randint(0, 3))), 0.4)


def check_receipt_file(given: bytes) -> bool:
    path = written("receipts.jsonl", given)
    try:
        with ReceiptFile(path):
            kept = path.read_bytes()
    except AlertingError:
        assert path.read_bytes() == given  # what is not ours is left as it is
        return False
    assert given.startswith(kept) and (not kept or kept.endswith(b"\n"))
    return True


SILENCES = [
    {"id": "s1", "status": {"state": "active"}, "comment": "on it (bearwatch alert 0123456789abcdef)"}
]


def silences(rng: random.Random) -> bytes:
    sample = rng.choice((SILENCES, {"silenceID": "s1"}))
    return raw.damaged(rng, trees.as_json(rng, trees.changed(rng, sample)))


def check_silences(given: bytes) -> bool:
    alertmanager, accepted = Alertmanager("http://localhost:9093"), False
    alertmanager._send = lambda *_: given  # type: ignore[method-assign]
    for ask in (alertmanager.in_force, lambda: alertmanager._decode(given, _Created)):
        try:
            accepted = bool(ask()) or accepted
        except AlertingError as error:
            assert "is not an Alertmanager" in str(error)
    return accepted


PEM = b"".join(
    b"-----BEGIN %b-----\nMIIB\n-----END %b-----\n" % (kind, kind)
    for kind in (b"CERTIFICATE", b"PRIVATE KEY")
)


def secrets(rng: random.Random) -> bytes:
    return raw.damaged(
        rng, rng.choice((PEM, b" token\n", texts.text(rng).encode("utf-8", "surrogatepass"))), 0.7
    )


def check_secrets(given: bytes) -> bool:
    path, accepted = written("secret", given), 0
    tls = {
        "security_protocol": "SSL",
        "ssl_ca_file": path,
        "ssl_certificate_file": path,
        "ssl_key_file": path,
    }
    sasl = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "u",
        "sasl_password_file": path,
    }
    for read in (
        lambda: secret(path),
        lambda: read_token(path),
        lambda: Credentials(username="u", password_file=path).masked(
            Credentials(token_file=path).authorization() or ""
        ),
        lambda: KafkaConnection("k:1", **tls).client_options(),
        lambda: KafkaConnection("k:1", **sasl).client_options(),
    ):
        try:
            read()
        except (AlertingError, KafkaSettingsError) as error:
            assert str(scratch()) in str(error)
        else:
            accepted += 1
    return bool(accepted)


TARGETS = (
    Target("webhook", (webhook, notices), body, check_body, 20_000),
    Target("receipts", (ReceiptFile._read_back, ReceiptFile._open), receipt_file, check_receipt_file, 20_000),
    Target("silences", (Alertmanager.in_force, Alertmanager._decode), silences, check_silences, 60_000),
    Target("secrets", (secret, read_token, KafkaConnection.ssl_context), secrets, check_secrets, 15_000),
)
