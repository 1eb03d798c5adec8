"""Authentication to Alertmanager, or to a proxy in front of it: a bearer token, or a user and a password."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from alerting.errors import AlertingError, AlertmanagerSettingsError
from bearwatch.core.files import read_limited

HIDDEN = "***"
SECRET_BYTES = 2**16


@dataclass(frozen=True)
class Credentials:
    """The files of the secrets; they are read for each request, so that a changed file is used at once.

    Raises:
        AlertmanagerSettingsError: the parts do not belong together.
    """

    token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.username is None) != (self.password_file is None):
            raise AlertmanagerSettingsError(
                "alertmanager_username and alertmanager_password_file belong together; give both or none"
            )
        if self.token_file is not None and self.username is not None:
            raise AlertmanagerSettingsError("give alertmanager_token_file or alertmanager_username, not both")
        if ":" in (self.username or ""):
            raise AlertmanagerSettingsError("alertmanager_username must not hold a colon (RFC 7617)")

    def authorization(self) -> str | None:
        """The value of the header `Authorization`; None without authentication.

        Raises:
            AlertingError: a file cannot be read or is empty.
        """
        if self.token_file is not None:
            return f"Bearer {secret(self.token_file)}"
        if self.password_file is not None:
            return f"Basic {self._basic(secret(self.password_file))}"
        return None

    def masked(self, text: str) -> str:
        """The text without the secrets, which a server may repeat in its answer."""
        for file in (self.token_file, self.password_file):
            if file is not None:
                found = secret(file)
                text = text.replace(found, HIDDEN).replace(self._basic(found), HIDDEN)
        return text

    def _basic(self, password: str) -> str:
        return b64encode(f"{self.username}:{password}".encode()).decode()


def secret(path: Path) -> str:
    """The secret in a file, without white space around it.

    Raises:
        AlertingError: the file cannot be read, is empty, or holds more than one line of text.
    """
    try:
        found = read_limited(path, SECRET_BYTES).decode().strip()
    except OSError as error:
        raise AlertingError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AlertingError(f"{path} is not a text file") from None
    if not found.isprintable() or not found.isascii():
        raise AlertingError(f"{path} must hold one line of ASCII text")
    if not found:
        raise AlertingError(f"{path} is empty; it must hold the secret")
    return found
