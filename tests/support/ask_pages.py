"""GET requests to the evidence pages, without a port that a test would have to find."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from alerting.evidence.server import Evidence


def ask(evidence: Evidence, *paths: str) -> list[tuple[int, str, dict[str, str]]]:
    """Status, body and headers of each path; redirects are not followed."""

    async def send() -> list[tuple[int, str, dict[str, str]]]:
        async with TestClient(TestServer(evidence.app())) as client:
            answers = [await client.get(path, allow_redirects=False) for path in paths]
            return [(each.status, await each.text(), dict(each.headers)) for each in answers]

    return asyncio.run(send())
