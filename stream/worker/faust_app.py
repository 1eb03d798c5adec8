"""The one module that imports Faust: it carries messages to the agents and tells of rebalances."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any

import faust
from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from mode.services import WaitResults

from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings

Consume = Callable[[AsyncIterator[Any]], Awaitable[None]]
Partitions = set[TopicPartition]

# Faust's consumer polls this many records at once and its streams buffer as many: a few batches of each agent.
POLL_RECORDS = 2000
COMMIT_SECONDS = 1.0


class Delivery:
    """A coroutine that has begun: `done`, or awaited to go on from its first wait (an eager task of Python 3.12)."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._coroutine = coroutine
        self.done = False
        try:
            self._waits_for = coroutine.send(None)
        except StopIteration:
            self.done = True

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            while True:
                try:
                    yield self._waits_for
                except BaseException as error:  # cancelled; what it does about it may wait as well
                    self._waits_for = self._coroutine.throw(error)
                else:
                    self._waits_for = self._coroutine.send(None)
        except StopIteration:
            return


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Faust's, but a message for which there is room is delivered at once.

    Faust makes four tasks for every message, to wait for the delivery, a rebalance, a stop and a crash at a time; that
    was a third of its own time. They are needed only when the delivery has to wait.
    """

    async def wait_first(self, *waits: Any, timeout: Any = None) -> WaitResults:
        if len(waits) == 2 and isinstance(waits[0], Coroutine):
            arrival, rebalance = waits
            try:
                delivery = Delivery(arrival)
            except BaseException:
                rebalance.close()
                raise
            if delivery.done:
                rebalance.close()
                return WaitResults([arrival], [None], False)
            waits = (delivery, rebalance)
        return await super().wait_first(*waits, timeout=timeout)


class Transport(driver.Transport):  # type: ignore[misc]
    Consumer = Consumer


class App(faust.App):  # type: ignore[misc]
    """Faust's, but for the folders: it has no tables to keep, and the working directory may be read-only."""

    def _create_directories(self) -> None:
        pass

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)


class NoStatistics(faust.Monitor):  # type: ignore[misc]
    """Faust keeps statistics of every message, which take a tenth of its time; the worker has metrics of its own."""

    def on_message_in(self, *_: Any) -> None:
        pass

    def on_message_out(self, *_: Any) -> None:
        pass

    def on_stream_event_in(self, *_: Any) -> None:
        pass

    def on_stream_event_out(self, *_: Any) -> None:
        pass


def faust_app(
    settings: WorkerSettings,
    agents: Mapping[str, Consume],
    on_revoked: Callable[[Partitions], Awaitable[None]],
    on_assigned: Callable[[Partitions], Awaitable[None]],
    on_failure: Callable[[BaseException], None],
) -> App:
    """An app with one agent per topic, at least once, no tables, no web server, no topics of its own.

    An agent gets events that it acknowledges itself (`noack`). `on_failure` is told of anything an agent raises:
    Faust would log it, restart the agent and lose what was in its hands.
    """
    app = App(
        settings.group,
        broker=[f"kafka://{address}" for address in settings.connection.addresses.split(",")],
        broker_credentials=credentials(settings.connection),
        autodiscover=False,
        web_enabled=False,
        store="memory://",
        processing_guarantee="at_least_once",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 5,
        broker_request_timeout=settings.broker_timeout_seconds + settings.session_timeout_seconds,
        broker_commit_interval=COMMIT_SECONDS,
        broker_max_poll_records=POLL_RECORDS,
        stream_buffer_maxsize=POLL_RECORDS,
        stream_wait_empty=False,
        Monitor=NoStatistics,
    )
    for topic, consume in agents.items():
        _attach(app, topic, consume, on_failure)

    async def revoked(_: faust.App, revoked: Iterable[Any], **__: Any) -> None:
        await on_revoked({TopicPartition(tp.topic, tp.partition) for tp in revoked})

    async def assigned(_: faust.App, assigned: Iterable[Any], **__: Any) -> None:
        await on_assigned({TopicPartition(tp.topic, tp.partition) for tp in assigned})

    # Signals hold their receivers weakly unless told otherwise.
    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_partitions_assigned.connect(assigned, weak=False)
    return app


def credentials(connection: KafkaConnection) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """What Faust calls the TLS and SASL part of a connection; None for PLAINTEXT.

    Raises:
        KafkaSettingsError: a file cannot be used.
    """
    context = connection.ssl_context() if connection.uses_tls else None
    if connection.uses_sasl:
        return faust.SASLCredentials(
            mechanism=connection.sasl_mechanism,
            username=connection.sasl_username,
            password=connection.password(),
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)


async def crash_of(app: App) -> None:
    """Wait until Faust gives up, which it otherwise tells its own command line only.

    Raises:
        BaseException: what it gave up for.
    """
    await app.wait_until_stopped()
    if app.crash_reason is not None:
        raise app.crash_reason


def _attach(app: App, topic: str, consume: Consume, on_failure: Callable[[BaseException], None]) -> None:
    channel = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(channel, name=topic)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        try:
            await consume(stream.noack().events())
        except Exception as error:
            on_failure(error)
