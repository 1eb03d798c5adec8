"""Expires the silences of resolved alerts, so that the key's next alert pages."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from alerting.errors import AlertingError
from alerting.evidence.history import AlertHistory
from alerting.notify.silences import Alertmanager

# Prometheus keeps an alert firing for some minutes after it has resolved (`keep_firing_for`, two by default); without
# the silence it would page in that time. A key's cool-down is longer than this, so its next alert is not silenced.
AFTER_RESOLVED = timedelta(minutes=10)
EVERY_SECONDS = 10.0
log = logging.getLogger("bearwatch.alerts")


async def expire_silences_until_cancelled(alertmanager: Alertmanager, history: AlertHistory) -> None:
    """Every few seconds until cancelled; `history` may change. If Alertmanager does not answer it is asked again."""
    answered = True
    while True:
        try:
            await expire_silences(alertmanager, history, datetime.now(UTC))
            answered = True
        except AlertingError as error:
            if answered:
                log.warning(
                    "silences of resolved alerts cannot be expired: %s; retried every %g s",
                    error,
                    EVERY_SECONDS,
                )
            answered = False
        await asyncio.sleep(EVERY_SECONDS)


async def expire_silences(alertmanager: Alertmanager, history: AlertHistory, now: datetime) -> None:
    """Expire the silences in force whose alert resolved at least AFTER_RESOLVED ago.

    Raises:
        AlertingError: the first one's, after all were tried: one that Alertmanager rejects holds no other back.
    """
    failures = []
    for alert_id, silence in (await asyncio.to_thread(alertmanager.in_force)).items():
        resolved = history.resolved_since(alert_id)
        if resolved is not None and now - resolved >= AFTER_RESOLVED:
            try:
                await asyncio.to_thread(alertmanager.expire, silence)
            except AlertingError as error:
                failures.append(error)
            else:
                log.info("silence %s expired: alert %s has resolved", silence, alert_id)
    if failures:
        raise failures[0]
