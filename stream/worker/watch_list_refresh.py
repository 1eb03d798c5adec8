"""Follows the file of the watch list while a worker runs."""

import asyncio
import logging

from alerting.monitoring.metrics import Metrics
from stream.entities.watched import WatchedCompanies
from stream.errors import WatchListError

REFRESH_SECONDS = 3.0
log = logging.getLogger("bearwatch.worker")


async def follow_watch_list(watched: WatchedCompanies, metrics: Metrics) -> None:
    """Look at the file every REFRESH_SECONDS, for ever; a list that cannot be used leaves the one in use as it is."""
    metrics.watched_companies.set(len(watched.matcher.companies))
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        try:
            taken = await asyncio.to_thread(watched.refresh)
        except WatchListError as error:
            metrics.rejected_watch_lists.inc()
            log.error("the watch list stays as it was: %s", error)
            continue
        if taken:
            matcher = watched.matcher
            metrics.watched_companies.set(len(matcher.companies))
            log.info("watch list %s: %d companies", matcher.hash, len(matcher.companies))
