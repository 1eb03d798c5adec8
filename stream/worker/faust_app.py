"""The one module that imports Faust, which carries messages to the agents and reports rebalances."""

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.transport.drivers import aiokafka as driver
from mode.services import WaitResults

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.readable_fetches import read_anything
from stream.settings import WorkerSettings
from stream.worker.fetches import FetchLog
from stream.worker.in_flight import MESSAGES_AT_ONCE, InFlight

Consume = Callable[[AsyncIterator[Any]], Awaitable[None]]
Partitions = set[TopicPartition]
Offsets = Callable[[], Mapping[TopicPartition, int]]

# Faust's consumer polls this many records at once and its streams buffer as many: a few batches of each agent.
POLL_RECORDS = 2000
COMMIT_SECONDS = 1.0
FULL_SECONDS = 0.02  # until it is asked again whether less is in flight
REFUSAL_SECONDS = 1.0  # until it is asked again whether Kafka refuses
METADATA_SECONDS = 5.0  # partitions that are added to an input topic are assigned within about this time


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


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's, with three differences.

    It reads committed records only, and whatever they hold. It notes for each from which offset on it has looked. It
    fetches no more while too much is in flight.
    """

    _positions: Mapping[TopicPartition, int]
    _in_flight: InFlight

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust knows it for its own transactions only
        self._in_flight = InFlight()
        self.app.member = consumer
        return read_anything(consumer)

    async def seek_to_committed(self) -> Mapping[TopicPartition, int]:
        return await self.call_thread(self._seek_to_committed)  # type: ignore[no-any-return]

    async def _seek_to_committed(self) -> Mapping[TopicPartition, int | None]:
        consumer, fetches = self._ensure_consumer(), self.app.fetches
        seek = fetches.seeking()
        assignment = _assignment(consumer)
        committed: Mapping[TopicPartition, int | None] = await consumer.seek_to_committed()
        if without := [each for each, offset in committed.items() if not offset]:
            await consumer.seek_to_beginning(*without)  # aiokafka leaves them where they stand
        fetches.sought(seek, assignment, {each: offset or 0 for each, offset in committed.items()})
        self._in_flight.sought()
        return committed

    async def getmany(self, active_partitions: Any, timeout: float) -> Any:
        self._positions = self.app.positions()  # here: the event loop of the tasks that change them
        return await super().getmany(active_partitions, timeout)

    async def _fetch_records(
        self, consumer: AIOKafkaConsumer, active_partitions: Any, timeout: float, max_records: int
    ) -> Any:
        self._in_flight.committed(self._positions)
        if self._in_flight.full:
            await asyncio.sleep(FULL_SECONDS)
        noted: dict[TopicPartition, list[Any]] = defaultdict(list)
        for _ in range(0, max_records, MESSAGES_AT_ONCE):
            if self._in_flight.full:
                break
            found = await super()._fetch_records(consumer, active_partitions, timeout, MESSAGES_AT_ONCE)
            for partition, records in self._noted(consumer, found).items():
                noted[partition] += records
            if not found:
                break
            timeout = 0  # what else has come
        return noted

    def _noted(self, consumer: AIOKafkaConsumer, found: Mapping[TopicPartition, list[Any]]) -> dict[Any, Any]:
        """Without a wait after the fetch: seeks and rebalances happen on this thread as well."""
        assignment, fetches = _assignment(consumer), self.app.fetches
        if not fetches.holds(assignment):
            for partition, records in found.items():
                if consumer._subscription.is_assigned(partition):
                    consumer._fetcher.seek_to(partition, records[0].offset)
            return {}
        for partition, records in found.items():
            self._in_flight.fetched(partition, records)
        noted = {partition: fetches.fetched(partition, records) for partition, records in found.items()}
        states = {each: assignment.state_value(each) for each in assignment.tps}
        fetches.reached({each: state.position for each, state in states.items() if state.has_valid_position})
        return noted


def _assignment(consumer: AIOKafkaConsumer) -> Any:
    """aiokafka's own note of what is assigned at the moment: another object after each rebalance."""
    subscription = consumer._subscription.subscription
    return None if subscription is None else subscription.assignment


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Faust's, with four differences.

    What is committed is what the app says, not what was acknowledged: with control records between the records,
    Faust's own search for consecutive acknowledgements may stand still for ever.

    Messages carry `fetched_from` (see `stream.kafka.positions`).

    A message for which there is room is delivered at once. Faust makes four tasks for every message, to wait for the
    delivery, a rebalance, a stop and a crash at a time; that was a third of its own time. They are needed only when
    the delivery has to wait.
    """

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: Any, record: tuple[int, Any]) -> Any:
        fetched_from, found = record
        message = super()._to_message(tp, found)
        message.fetched_from = fetched_from
        return message

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        return iter(())  # nothing is acknowledged

    def _filter_committable_offsets(self, tps: Any) -> dict[Any, int]:
        committable: Mapping[TopicPartition, int] = self.app.committable()
        return {each: offset for each, offset in committable.items() if self._should_commit(each, offset)}

    async def verify_all_partitions_active(self) -> None:
        """Nothing: `stream.worker.health` sees what stands still, and Faust's own look fails on a partition whose
        position aiokafka does not know yet."""

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
    """Faust's, but for the folders: it has no tables to keep, and the working directory may be read-only.

    Attributes:
        committable: gives the offsets to commit, the next one of each partition; called once a second.
        positions: gives the next offset of each partition by the last commit, whoever makes it.
        member: aiokafka's consumer, once there is one; it is the member of the group.
    """

    def __init__(self, *arguments: Any, committable: Offsets, positions: Offsets, **options: Any) -> None:
        self.committable = committable
        self.positions = positions
        self.fetches = FetchLog()
        self.member: AIOKafkaConsumer | None = None
        super().__init__(*arguments, **options)

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
    committable: Offsets,
    positions: Offsets,
    on_failure: Callable[[BaseException], None],
) -> App:
    """An app with one agent per topic, at least once, no tables, no web server, no topics of its own.

    Nothing is acknowledged: the app commits what `committable` gives. `on_failure` is called with anything an agent
    raises: Faust would log it, restart the agent and lose what was in its hands.
    """
    app = App(
        settings.group,
        committable=committable,
        positions=positions,
        broker=[f"kafka://{address}" for address in settings.connection.addresses.split(",")],
        broker_credentials=credentials(settings.connection),
        autodiscover=False,
        web_enabled=False,
        store="memory://",
        processing_guarantee="at_least_once",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=int(METADATA_SECONDS * 1000),
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

    # By default, signals hold their receivers weakly.
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
    """Wait until Faust gives up, which it otherwise reports to its own command line only.

    Raises:
        BaseException: what it gave up for.
    """
    await app.wait_until_stopped()
    if app.crash_reason is not None:
        raise app.crash_reason


async def refusal_of(app: App) -> None:
    """Wait until Kafka refuses the worker as a member of its group, which aiokafka says only to who asks for records:
    Faust asks for none before a partition is assigned, and would wait for ever.

    Raises:
        StreamError: with Kafka's reason.
    """
    while True:
        await asyncio.sleep(REFUSAL_SECONDS)
        coordinator = None if app.member is None else app.member._coordinator
        if coordinator is not None and (error := coordinator._pending_exception) is not None:
            raise StreamError(
                f"Kafka does not take this worker into the group {app.conf.id}: {error!r}. Is another program its "
                "member, may this user use it, does the broker allow this session_timeout_seconds?"
            )


def _attach(app: App, topic: str, consume: Consume, on_failure: Callable[[BaseException], None]) -> None:
    channel = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(channel, name=topic)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        try:
            await consume(stream.noack().events())
        except Exception as error:
            on_failure(error)
