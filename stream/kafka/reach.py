"""Whether a Kafka can be reached and lets us in, and if not, why: the client libraries do not report the reason.

aiokafka and kafka-python retry whatever the reason is and end with "unable to bootstrap". So one connection is made
before theirs, and its error is reported at once.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection

CONNECT_SECONDS = 8.0  # then the broker counts as unreachable
ATTEMPT_SECONDS = 4.0  # to connect, to log in, and for each answer
CLOSE_SECONDS = 0.5  # for TLS and the socket to close; also the pause after an attempt without an answer
TLS_ALERT = (
    0x15  # the first byte of a TLS alert, read as the first of four bytes that give an answer's length
)
# The alerts that a client without a certificate, or with a wrong one, gets; TLS 1.2 names them otherwise than TLS 1.3.
CERTIFICATE_ALERTS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")


async def reach(connection: KafkaConnection, within_seconds: float = CONNECT_SECONDS) -> None:
    """Connect, log in and ask one question, at the first address that allows it.

    Where nobody answers it is tried again; a refusal is final.

    Raises:
        KafkaSettingsError: a file cannot be used.
        StreamError: no address can be used; the message says why.
    """
    options = connection.client_options()
    deadline = time.monotonic() + within_seconds
    while True:
        refusals = []
        for address in options["bootstrap_servers"]:
            try:
                with _silent(logging.getLogger("aiokafka")):  # it reports each attempt, we report the result
                    return await _ask(address, options)
            except (KafkaError, OSError, ValueError, OverflowError) as error:
                if (refusal := _refusal(error, connection)) is not None:
                    refusals.append(f"Kafka at {address} {refusal}")
        if refusals:
            raise StreamError(refusals[0])
        if time.monotonic() >= deadline:
            raise StreamError(
                f"no Kafka broker answers at {connection}; is it running, is the address right?"
            )


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def _ask(address: str, options: dict[str, object]) -> None:
    host, _, port = address.rpartition(":")
    rest = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    limit = int(ATTEMPT_SECONDS * 1000)
    made = AIOKafkaConnection(host.strip("[]"), int(port), request_timeout_ms=limit, **rest)
    try:
        await made.connect()
        await made.send(MetadataRequest([]))  # a broker that wants a login answers nothing before it
    finally:
        await asyncio.wait({made.close()}, timeout=CLOSE_SECONDS)


def _refusal(error: Exception, connection: KafkaConnection) -> str | None:
    """What an answer of the broker means; None where nobody answered."""
    cause = error.__cause__ if isinstance(error, KafkaConnectionError) else error
    match cause:
        case SaslAuthenticationFailed():
            return (
                f"refuses the user {connection.sasl_username!r} with the password in "
                f"{connection.sasl_password_file}: {cause.args[0]}"
            )
        case UnsupportedSaslMechanismError():
            return f"does not offer sasl_mechanism {connection.sasl_mechanism}; choose another one"
        case IllegalSaslStateError():
            protocol = "SSL" if connection.uses_tls else "PLAINTEXT"
            return f"takes no user and password; set security_protocol to {protocol}"
        case ssl.SSLCertVerificationError():
            return (
                f"has a certificate that is not trusted: {cause.verify_message}; {_remedy(cause, connection)}"
            )
        case ssl.SSLError() if any(word in str(cause.reason) for word in CERTIFICATE_ALERTS):
            if connection.ssl_certificate_file is None:
                return "wants a certificate from its clients; set ssl_certificate_file and ssl_key_file"
            return (
                f"refuses the certificate in {connection.ssl_certificate_file} ({cause.reason}): has it expired, was "
                "it issued by an authority that the broker trusts?"
            )
        case ssl.SSLError() | ConnectionResetError() if connection.uses_tls:
            protocol = "SASL_PLAINTEXT" if connection.uses_sasl else "PLAINTEXT"
            return f"breaks the TLS handshake off; if it speaks no TLS there, set security_protocol to {protocol}"
        case asyncio.IncompleteReadError() if (cause.expected or 0) >> 24 == TLS_ALERT:
            protocol = "SASL_SSL" if connection.uses_sasl else "SSL"
            return f"speaks TLS there; set security_protocol to {protocol}"
        case asyncio.IncompleteReadError() | ConnectionResetError() | KafkaError():
            protocol = "SASL_SSL" if connection.uses_tls else "SASL_PLAINTEXT"
            hint = f"if it wants a user and a password, set security_protocol to {protocol}"
            return (
                f"ends the connection without an answer; {'is it a Kafka?' if connection.uses_sasl else hint}"
            )
    return None


def _remedy(error: ssl.SSLCertVerificationError, connection: KafkaConnection) -> str:
    if "expired" in error.verify_message:
        return "the broker needs a new one"
    if "match" in error.verify_message:
        return "use a host name that it was issued for"
    trusted = connection.ssl_ca_file or "what the system trusts"
    return f"ssl_ca_file must hold the authority that issued it (now: {trusted})"
