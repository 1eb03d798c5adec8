"""Following the alerts topic: a broker that goes away and comes back is waited for, and nothing comes twice."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from alert_messages import alert, write
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from stream.kafka.follow import follow
from stream.kafka.topics import TopicNames, create_topics

TOPIC = TopicNames("t.").alerts


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.1)


def test_it_goes_on_when_the_broker_is_back(tmp_path: Path):
    asyncio.run(go_on(tmp_path))


async def go_on(folder: Path) -> None:
    ids: list[str] = []
    seen: list[int] = []  # how many messages there were each time everything was read
    with LocalKafka(folder) as kafka:
        connection = kafka.connection
        await asyncio.to_thread(create_topics, connection, TopicNames("t."))
        await asyncio.to_thread(write, connection.addresses, TOPIC, [alert(id="a")])
        following = asyncio.create_task(
            follow(connection, TOPIC, lambda message: ids.append(message.id), lambda: seen.append(len(ids)))
        )
        await until(lambda: 1 in seen)
    await asyncio.sleep(1)
    assert not following.done()
    with LocalKafka(folder) as kafka:
        assert kafka.connection == connection
        await asyncio.to_thread(write, connection.addresses, TOPIC, [alert(id="b")])
        await until(lambda: 2 in seen)
        assert ids == ["a", "b"]
        following.cancel()
        await asyncio.wait({following})
        assert following.cancelled()
