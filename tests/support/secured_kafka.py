"""A local Kafka that also listens with SASL and TLS, with certificates and a user of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import HOST, free_port
from stream.kafka.connection import KafkaConnection

USER, PASSWORD = "desk", "correct horse"
PROPERTIES = """
listener.security.protocol.map={protocols}
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={security}.plain.PlainLoginModule required {users};
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={security}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={security}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
listener.name.expired.ssl.keystore.location={folder}/broker-expired.pem
"""


@dataclass(frozen=True)
class SecuredKafka:
    """How each listener is reached as it wants to be."""

    plain: KafkaConnection
    scram: KafkaConnection  # SASL_SSL, SCRAM-SHA-512
    mutual: KafkaConnection  # SSL, which wants the client's certificate
    password: KafkaConnection  # SASL_PLAINTEXT, PLAIN
    expired: KafkaConnection  # SSL, with a certificate of yesterday
    folder: Path  # of the PEM files; `other-ca.pem`, `expired.pem`, `other-key.pem` do not fit


@contextmanager
def secured_kafka(folder: Path) -> Iterator[SecuredKafka]:
    write_certificates(folder)
    password_file = folder / "password"
    password_file.write_text(PASSWORD + "\n")
    ports = {name: free_port() for name in ("SASL_SSL", "SSL", "SASL_PLAINTEXT", "EXPIRED")}
    flags = [
        part
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for part in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
    ]
    protocols = {
        "PLAINTEXT": "PLAINTEXT",
        "CONTROLLER": "PLAINTEXT",
        **{name: name for name in ports},
        "EXPIRED": "SSL",
    }
    properties = PROPERTIES.format(
        folder=folder,
        protocols=",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        security="org.apache.kafka.common.security",
        users=f'user_{USER}="{PASSWORD}"',
    )
    at = {name: f"{HOST}:{port}" for name, port in ports.items()}
    scram = KafkaConnection(
        at["SASL_SSL"],
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=USER,
        sasl_password_file=password_file,
        ssl_ca_file=folder / "ca.pem",
    )
    trusting = KafkaConnection(at["SSL"], security_protocol="SSL", ssl_ca_file=folder / "ca.pem")
    with LocalKafka(folder / "kafka", listeners=ports, properties=properties, format_flags=flags) as kafka:
        yield SecuredKafka(
            plain=kafka.connection,
            scram=scram,
            mutual=replace(
                trusting, ssl_certificate_file=folder / "client.pem", ssl_key_file=folder / "client-key.pem"
            ),
            password=replace(
                scram,
                addresses=at["SASL_PLAINTEXT"],
                security_protocol="SASL_PLAINTEXT",
                sasl_mechanism="PLAIN",
                ssl_ca_file=None,
            ),
            expired=replace(trusting, addresses=at["EXPIRED"]),
            folder=folder,
        )


def write_certificates(folder: Path) -> None:
    """An authority, the broker's and the client's certificates, and some that do not fit."""
    authority, other = trustme.CA(), trustme.CA()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other-ca.pem")
    for name, issued in {
        "broker": authority.issue_cert(HOST),
        "broker-expired": authority.issue_cert(HOST, not_after=yesterday),
        "client": authority.issue_cert("desk@example.org"),
        "expired": authority.issue_cert("desk@example.org", not_after=yesterday),
        "unknown": other.issue_cert("desk@example.org"),
    }.items():
        key = load_pem_private_key(issued.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
        (folder / f"{name}-key.pem").write_bytes(key)
        # Kafka's PEM key stores hold the key and the chain in one file, clients' certificates the chain alone.
        (folder / f"{name}.pem").write_bytes(key + chain if name.startswith("broker") else chain)
