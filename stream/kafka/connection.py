"""How a Kafka is reached: addresses, TLS and SASL in one value, and what the client libraries are given for it."""

import re
import ssl
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from bearwatch.core.files import read_limited
from stream.errors import KafkaSettingsError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
FILE_BYTES = 2**24  # the longest list of certificate authorities has 300 kB
ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.%]+\]):([0-9]{1,5})")


@dataclass(frozen=True)
class KafkaConnection:
    """Addresses of brokers, TLS and authentication; the fields are named like the settings.

    It holds no secret: the password and the private key stay in their files, which are read when a client is made.

    Raises:
        KafkaSettingsError: an address is not HOST:PORT, or the parts do not belong together.
    """

    addresses: str  # HOST:PORT[,HOST:PORT...]
    security_protocol: str = "PLAINTEXT"  # one of PROTOCOLS, as in Kafka's own clients
    sasl_mechanism: str | None = None  # one of MECHANISMS
    sasl_username: str | None = None
    sasl_password_file: Path | None = None
    ssl_ca_file: Path | None = None  # PEM; None are the authorities that the system trusts
    ssl_certificate_file: Path | None = None  # PEM; the client's own, for mutual TLS
    ssl_key_file: Path | None = None  # PEM, not encrypted

    def __post_init__(self) -> None:
        _check_addresses(self.addresses)
        if self.security_protocol not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise KafkaSettingsError(f"security_protocol {self.security_protocol!r} is not one of {known}")
        if self.sasl_mechanism is not None and self.sasl_mechanism not in MECHANISMS:
            known = ", ".join(MECHANISMS)
            raise KafkaSettingsError(f"sasl_mechanism {self.sasl_mechanism!r} is not one of {known}")
        for part, used in (("sasl_", self.uses_sasl), ("ssl_", self.uses_tls)):
            self._check_parts(part, used)
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            raise KafkaSettingsError(
                "ssl_certificate_file and ssl_key_file belong together; give both or none"
            )

    def _check_parts(self, prefix: str, used: bool) -> None:
        for name in (each.name for each in fields(self) if each.name.startswith(prefix)):
            given = getattr(self, name) is not None
            if given and not used:
                fitting = ", ".join(
                    each for each in PROTOCOLS if prefix.rstrip("_").upper() in each.split("_")
                )
                raise KafkaSettingsError(
                    f"{name} is set, but security_protocol {self.security_protocol} does not use it; "
                    f"leave it out, or set security_protocol to one of {fitting}"
                )
            if used and not given and prefix == "sasl_":
                raise KafkaSettingsError(f"security_protocol {self.security_protocol} needs {name}")

    def __str__(self) -> str:
        return self.addresses

    @property
    def uses_tls(self) -> bool:
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        return self.security_protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def client_options(self) -> dict[str, Any]:
        """The keyword arguments that make a client of aiokafka or of kafka-python, which name them alike.

        Raises:
            KafkaSettingsError: a file cannot be used.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.addresses.split(","),
            "security_protocol": self.security_protocol,
        }
        if self.uses_tls:
            options["ssl_context"] = self.ssl_context()
        if self.uses_sasl:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.password()
        return options

    def password(self) -> str:
        """The content of `sasl_password_file` without white space around it.

        Raises:
            KafkaSettingsError: there is none.
        """
        password = _read("sasl_password_file", self.sasl_password_file)
        if not password.strip():
            raise KafkaSettingsError(f"sasl_password_file {self.sasl_password_file} is empty")
        return password.strip()

    def ssl_context(self) -> ssl.SSLContext:
        """Verifies the broker's certificate and host name, and presents the client's own certificate if there is one.

        Raises:
            KafkaSettingsError: a file is missing, is not PEM, or the key does not belong to the certificate.
        """
        if self.ssl_ca_file is not None:
            _check_pem("ssl_ca_file", self.ssl_ca_file, "CERTIFICATE")
        try:
            context = ssl.create_default_context(cafile=self.ssl_ca_file)
        except ssl.SSLError as error:
            raise KafkaSettingsError(f"ssl_ca_file {self.ssl_ca_file} cannot be used: {error}") from None
        if self.ssl_certificate_file is not None and self.ssl_key_file is not None:
            self._load_certificate(context, self.ssl_certificate_file, self.ssl_key_file)
        return context

    def _load_certificate(self, context: ssl.SSLContext, certificate: Path, key: Path) -> None:
        _check_pem("ssl_certificate_file", certificate, "CERTIFICATE")
        _check_pem("ssl_key_file", key, "PRIVATE KEY")

        def encrypted() -> NoReturn:  # without it OpenSSL would ask for the password on the terminal
            raise KafkaSettingsError(
                f"ssl_key_file {key} is encrypted; give one that is not, readable by you only"
            )

        try:
            context.load_cert_chain(certificate, key, encrypted)
        except ssl.SSLError as error:
            what = f"ssl_certificate_file {certificate} and ssl_key_file {key}"
            if error.reason == "KEY_VALUES_MISMATCH":
                raise KafkaSettingsError(
                    f"{what} do not belong together: the key is of another certificate"
                ) from None
            raise KafkaSettingsError(f"{what} cannot be used: {error}") from None


def _check_addresses(addresses: str) -> None:
    if "@" in addresses:  # nothing that stands before it is repeated: it may be a password
        raise KafkaSettingsError(
            f"broker ***@{addresses.rpartition('@')[2]} holds a user or a password; give HOST:PORT, and those as "
            "sasl_username and sasl_password_file"
        )
    for address in addresses.split(","):
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found[1]) < 65536:
            raise KafkaSettingsError(
                f"broker {address!r} is not HOST:PORT, as in kafka:9092 (several stand with commas between them)"
            )


def _read(name: str, path: Path | None) -> str:
    try:
        return read_limited(Path(path or ""), FILE_BYTES).decode(errors="replace")
    except OSError as error:
        raise KafkaSettingsError(f"{name} {path} cannot be read: {error.strerror}") from None


def _check_pem(name: str, path: Path, kind: str) -> None:
    if not re.search(rf"^-----BEGIN [A-Z ]*{kind}-----", _read(name, path), re.MULTILINE):
        raise KafkaSettingsError(f"{name} {path} is not PEM: it has no line -----BEGIN {kind}-----")
