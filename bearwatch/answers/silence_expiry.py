"""Ends the silence of an alert that is over, so that the pages of the next one go out."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from alerting.errors import AlertingError
from alerting.evidence.history import AlertHistory
from alerting.notify.silences import Alertmanager

# Prometheus holds an alert for some minutes after its end (`keep_firing_for`, two by default); ended sooner, the
# silence would let out a page about what is over. A key cools down for longer than this before it can ring again.
AFTER_END = timedelta(minutes=10)
EVERY_SECONDS = 10.0
log = logging.getLogger("bearwatch.alerts")


async def expire_silences_until_cancelled(alertmanager: Alertmanager, history: AlertHistory) -> None:
    """Until cancelled; an Alertmanager that does not answer is asked again. `history` changes meanwhile."""
    answered = True
    while True:
        try:
            await expire_silences(alertmanager, history, datetime.now(UTC))
            answered = True
        except AlertingError as error:
            if answered:
                log.warning("silences of alerts that are over cannot be ended: %s; trying on", error)
            answered = False
        await asyncio.sleep(EVERY_SECONDS)


async def expire_silences(alertmanager: Alertmanager, history: AlertHistory, now: datetime) -> None:
    """Raises AlertingError."""
    for alert_id, silence in (await asyncio.to_thread(alertmanager.in_force)).items():
        over = history.resolved_since(alert_id)
        if over is not None and now - over >= AFTER_END:
            await asyncio.to_thread(alertmanager.expire, silence)
            log.info("silence %s ended: alert %s is over", silence, alert_id)
