"""The pages that a notification links to: the alert that fired, with its leading stories. Read-only.

GET /alerts                                      all alerts that are kept, newest first
GET /alerts/ID, /alerts/ID.json                  one alert
GET /alerts/by-key?stream=..&topic=..[&kind=..][&at=..]
                                                 redirects to the newest alert of a key (that had begun at `at`, in
                                                 seconds since the epoch): metrics carry no alert ids
GET /runbooks, /runbooks/NAME                    what each alert means and what to do
GET /healthz                                     200 while the alerts topic is read; how many records were skipped
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from aiohttp import web

from alerting.errors import AlertingError
from alerting.evidence.history import SHOWN, AlertHistory
from alerting.evidence.pages import alert_page, list_page
from alerting.evidence.runbooks import RUNBOOKS, runbook_list, runbook_page
from bearwatch.core.http_server import application
from bearwatch.core.key import DIMENSIONS
from bearwatch.core.printable import printable_json
from bearwatch.core.times import utc

KEPT = 2000  # alerts, of about 10 KB each, and MAX_BYTES at most
LISTED = 200
STALE_SECONDS = 30.0
SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")  # since the epoch
YEAR_10000 = 253_402_300_800.0
LABELS = ("stream", *DIMENSIONS, "kind")


class Evidence:
    """The alerts that the pages show, and when the `alerts` topic was last read to its end."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.history = AlertHistory(KEPT)
        self.skipped: Counter[str] = Counter()  # bad records of the topic, by reason; shown in /healthz
        self._clock = clock
        self._seen: float | None = (
            None  # of a steady clock; None before everything was read for the first time
        )

    def seen(self) -> None:
        """Note that the `alerts` topic has been read to its end."""
        self._seen = time.monotonic()

    def app(self) -> web.Application:
        """The pages as an aiohttp application."""
        return application(
            web.get("/alerts", self._list),
            web.get("/alerts/by-key", self._by_key),
            web.get("/alerts/{id}.json", self._json),
            web.get("/alerts/{id}", self._page),
            web.get("/runbooks", _runbooks),
            web.get("/runbooks/{name}", _runbook),
            web.get("/healthz", self._healthz),
        )

    async def _list(self, _: web.Request) -> web.Response:
        return _html(list_page(self.history.newest_first()[:LISTED], self._clock()))

    async def _page(self, request: web.Request) -> web.Response:
        try:
            record = self.history.find(request.match_info["id"])
        except AlertingError as error:
            return _not_found(str(error))
        return _html(alert_page(record, self._clock()))

    async def _json(self, request: web.Request) -> web.Response:
        try:
            record = self.history.find(request.match_info["id"])
        except AlertingError as error:
            return _not_found(str(error))
        return web.Response(text=printable_json(msgspec.json.encode(record)), content_type="application/json")

    async def _by_key(self, request: web.Request) -> web.Response:
        if repeated := [name for name in (*LABELS, "at") if len(request.query.getall(name, [])) > 1]:
            return _say(400, f"`{repeated[0]}` is given more than once")
        labels = {name: request.query[name] for name in LABELS if request.query.get(name)}
        if "stream" not in labels or labels.keys().isdisjoint(DIMENSIONS):
            return _say(
                400, "give stream and topic (or entity), as in /alerts/by-key?stream=news&topic=Macro"
            )
        given = request.query.get("at")
        if given is not None and not (SECONDS.fullmatch(given) and float(given) < YEAR_10000):
            return _say(400, "`at` must be a time in seconds since the epoch, before the year 10000")
        at = None if given is None else utc(float(given))
        record = self.history.newest_of(labels, at)
        if record is None:
            return _not_found("there is no alert of this key")
        return web.Response(status=302, headers={"Location": f"/alerts/{quote(record.alert.id, safe='')}"})

    async def _healthz(self, _: web.Request) -> web.Response:
        if self._seen is None:
            return _say(503, "the alerts topic is being read")
        if (silent := time.monotonic() - self._seen) > STALE_SECONDS:
            return _say(503, f"the alerts topic has not been read for {silent:.0f} s")
        skipped = (f", {count} records skipped that were {reason}" for reason, count in self.skipped.items())
        return _say(200, "".join(("ok", *skipped)))


async def _runbooks(_: web.Request) -> web.Response:
    return _html(runbook_list())


async def _runbook(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in RUNBOOKS:
        return _say(404, f"there is no runbook {name[:SHOWN]}; all are at /runbooks")
    return _html(runbook_page(name))


def _html(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html")


def _say(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")


def _not_found(reason: str) -> web.Response:
    return _say(404, f"{reason}; all are at /alerts")
