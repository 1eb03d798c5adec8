"""Silences in Alertmanager (API v2): an alert has at most one, found again by its comment."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from alerting.alerts import Alert
from alerting.errors import AlertingError, AlertmanagerSettingsError
from alerting.evidence.acknowledgements import Acknowledgement
from alerting.notify.credentials import Credentials
from bearwatch.core.decoding import decode_json
from bearwatch.core.http_client import NoAnswerError, fetch
from bearwatch.core.key import Key
from bearwatch.core.printable import printable

ANSWER_SECONDS = 10.0  # for a whole answer
MAX_ANSWER_BYTES = 16 * 2**20  # some ten thousand silences
REASON_BYTES = 500  # of a refusal
MARK = re.compile(r"\(bearwatch alert ([0-9a-f]+)\)$")  # at the end of a silence's comment
Decoded = TypeVar("Decoded")


class _Status(msgspec.Struct):
    state: str


class _Silence(msgspec.Struct):
    id: str
    status: _Status
    comment: str


class _Created(msgspec.Struct, rename={"silence_id": "silenceID"}):
    silence_id: str


def matchers(alert: Alert) -> list[dict[str, Any]]:
    """The matchers of a silence: the pages of the alert, now or when it becomes critical.

    The webhook's notification has been sent. A silence that covers its route would hide the resolution, and with it
    the next alert: Alertmanager does not notify again of an alert whose resolution it never sent (until
    `repeat_interval`).
    """
    labels = {**Key.parse(alert.key).labels, "kind": alert.kind, "severity": "critical"}
    return [
        {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()
    ]


class Alertmanager:
    """One Alertmanager; `url` is what stands before /api/v2. Every method raises AlertingError.

    Raises:
        AlertmanagerSettingsError: the address is not http or https, or holds a password.
    """

    def __init__(self, url: str, credentials: Credentials | None = None) -> None:
        if "@" in url:  # nothing that stands before it is repeated: it may be a password
            raise AlertmanagerSettingsError(
                f"the Alertmanager's address ***@{url.rpartition('@')[2]} holds a user or a password; give those as "
                "alertmanager_username and alertmanager_password_file"
            )
        if not url.startswith(("http://", "https://")):
            raise AlertmanagerSettingsError(
                f"{url!r} is not the address of an Alertmanager; expected http://HOST:PORT"
            )
        self._url = url.rstrip("/")
        self._credentials = credentials or Credentials()

    def silence(self, alert: Alert, answer: Acknowledgement) -> str:
        """Silence the alert until the answer ends, in place of its silence so far; gives the silence's id."""
        body: dict[str, Any] = {
            "matchers": matchers(alert),
            "startsAt": _text(answer.at),
            "endsAt": _text(answer.until),
            "createdBy": answer.by,
            "comment": f"{answer.note} (bearwatch alert {alert.id})",
        }
        if (before := self.in_force().get(alert.id)) is not None:
            body["id"] = before
        return self._decode(self._send("POST", "/silences", body), _Created).silence_id

    def in_force(self) -> dict[str, str]:
        """The ids of the silences in force, by the id of their alert; those of other programs are left out."""
        return {
            marked[1]: silence.id
            for silence in self._decode(self._send("GET", "/silences"), list[_Silence])
            if silence.status.state != "expired" and (marked := MARK.search(silence.comment))
        }

    def expire(self, silence_id: str) -> None:
        self._send("DELETE", f"/silence/{quote(silence_id, safe='')}")

    def _decode(self, answer: bytes, kind: type[Decoded]) -> Decoded:
        try:
            return decode_json(answer, kind)
        except msgspec.DecodeError as error:
            raise AlertingError(f"what answers at {self._url} is not an Alertmanager: {error}") from None

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        try:
            answer = fetch(
                f"{self._url}/api/v2{path}",
                ANSWER_SECONDS,
                MAX_ANSWER_BYTES,
                method,
                body=None if body is None else json.dumps(body).encode(),
                secret=self._credentials.authorization(),
                proxies=True,
            )
        except NoAnswerError as error:
            raise AlertingError(f"no Alertmanager answers at {self._url}: {error}") from None
        if not 200 <= answer.status < 300:
            reason = answer.body[:REASON_BYTES].decode(errors="replace").strip()
            raise AlertingError(
                f"Alertmanager at {self._url} rejects the request ({answer.status}): "
                f"{printable(self._credentials.masked(reason))}"
            )
        return answer.body


def _text(time: datetime) -> str:
    return time.isoformat()
