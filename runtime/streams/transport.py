"""Faust's transport with our reading: one Faust event per chunk, no offset trusted, nothing lost in a rebalance.

Faust keeps group membership, topics, agents and the delivery of events to them. What is replaced:
- Reading: not one loop over all partitions, but `seek` and `take` per partition, called by the lane that owns it. Faust's loop
  drops what it had delivered when a rebalance ends; a lane reads nothing while the worker is rebalancing.
- Positions: `perform_seek` does nothing. Parts say where to read; a group's offset is committed for lag displays only.
- aiokafka's settings: read committed, no automatic offset reset (a jump must be an error), partitions by range, so that
  agents with equal partition counts get equal partitions.

What of Faust and aiokafka is overridden or private is listed and tested: tests/runtime/faust_contract.py, docs/faust.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar, cast

import aiokafka  # type: ignore[import-untyped]  # ships no types
import aiokafka.helpers  # type: ignore[import-untyped]
import faust
import msgspec
import structlog
from aiokafka.coordinator.assignors.range import (  # type: ignore[import-untyped]
    RangePartitionAssignor,
)
from aiokafka.errors import (  # type: ignore[import-untyped]
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP as FaustTP
from faust.types import ConsumerMessage

from runtime.environment.kafka_access import KafkaAccess, has_sasl, has_tls
from runtime.streams.group import TP, PositionLost, Taken
from schemas.stream import InputRecord

log = structlog.get_logger()

SCHEME = "stitchline"
COMMIT_S = 5.0
REBALANCE_POLL_S = 0.02
T = TypeVar("T")


class Gathering(msgspec.Struct, frozen=True):
    """A fetch is answered when it brings so many bytes, all partitions together, or after so long; an attribute of the app."""

    bytes_min: int
    wait_ms_max: int


def aiokafka_access(access: KafkaAccess) -> dict[str, Any]:
    """aiokafka's settings of security. Raises OSError or ssl.SSLError for a file that cannot be used."""
    wanted: dict[str, Any] = {"security_protocol": access.security_protocol}
    if has_sasl(access):
        wanted |= {
            "sasl_mechanism": access.sasl_mechanism,
            "sasl_plain_username": access.sasl_username,
            "sasl_plain_password": access.sasl_password,
        }
    if has_tls(access):
        wanted["ssl_context"] = aiokafka.helpers.create_ssl_context(
            cafile=access.ssl_ca_file or None,
            certfile=access.ssl_certificate_file or None,
            keyfile=access.ssl_key_file or None,
            password=access.ssl_key_password or None,
        )
    return wanted


class ChunkSchema(faust.Schema[Any, Any]):
    """The value of an event is what `deliver` was given; there is nothing to decode."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, message.headers, message)

        return decode


class ReaderThread(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer, in its thread. The methods here run in that thread's loop."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        gathering: Gathering = cast(Any, self.app).gathering
        access: dict[str, Any] = cast(Any, self.app).access
        return aiokafka.AIOKafkaConsumer(
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_records=None,
            # Heartbeats say that the process lives; that it makes progress is for others to watch.
            max_poll_interval_ms=86_400_000,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            # The broker gathers, so that a transaction is worth its price. One request serves all partitions: one that
            # becomes free waits as long at most.
            fetch_min_bytes=gathering.bytes_min,
            fetch_max_wait_ms=gathering.wait_ms_max,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            **access,
        )

    async def seek_to(self, tp: TP, position: int) -> None:
        consumer = self._ensure_consumer()
        if tp in consumer.assignment():
            consumer.seek(_native(tp), position)

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        """The next records; None when there were none in time. Raises PositionLost."""
        consumer = self._ensure_consumer()
        try:
            fetched = await consumer.getmany(_native(tp), timeout_ms=int(timeout_s * 1000))
        except ConsumerStoppedError:
            return None
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            raise PositionLost(str(error)) from error
        if not (records := fetched.get(tp)):
            return None
        # No other task has run since the records were taken, so this is the position behind exactly these.
        return Taken([_input(record) for record in records], await consumer.position(_native(tp)))

    def unsettled(self) -> str:
        """Why the group is not at rest, "" when it is; for any thread.

        A heartbeat that is not answered within the session makes the coordinator unknown; one that is refused, a rejoin needed.
        """
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is None:
            return "it was not asked for yet"
        if coordinator.coordinator_id is None:
            return "its coordinator is not known"
        if coordinator._rejoin_needed_fut.done():
            return "it has to be joined again"
        heartbeats = coordinator._heartbeat_task
        return "no heartbeats are sent" if heartbeats is None or heartbeats.done() else ""

    async def commit_positions(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        if mine := {_native(tp): position for tp, position in positions.items() if tp in assigned}:
            await consumer.commit(mine)


class ChunkConsumer(driver.Consumer):
    """Set `positions` to what the lag display shall be told."""

    _thread: ReaderThread
    positions: Callable[[], Mapping[TP, int]] | None = None
    _told: Mapping[TP, int] | None = None

    def _new_consumer_thread(self) -> ReaderThread:
        return ReaderThread(self, loop=self.loop, beacon=self.beacon)

    def unsettled(self) -> str:
        """Why the group is not at rest, "" when it is; for any thread."""
        return self._thread.unsettled()

    @property
    def reader_loop(self) -> asyncio.AbstractEventLoop:
        """Where fetches and heartbeats run."""
        return self._thread.thread_loop

    async def seek_to(self, tp: TP, position: int) -> None:
        await self._in_thread(self._thread.seek_to(tp, position))

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        """Read on; not before a rebalance has ended, because Faust empties its queues then. Raises PositionLost."""
        # Faust has a flag for this and no event.
        while self.app.rebalancing or not self.flow_active:  # noqa: ASYNC110
            await asyncio.sleep(REBALANCE_POLL_S)
        return await self._in_thread(self._thread.take(tp, timeout_s))

    async def deliver(self, tp: TP, value: Any, offset: int) -> None:
        """Give one event to the agents of the topic."""
        message = ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=offset,
            timestamp=0.0,
            timestamp_type=0,
            headers=None,
            key=None,
            value=value,
            checksum=None,
            tp=FaustTP(*tp),
            generation_id=self.app.consumer_generation_id,
        )
        await self.callback(message)

    async def _drain_messages(self, fetcher: Any) -> None:
        while not (self.should_stop or fetcher.should_stop):
            await fetcher.sleep(1.0)

    async def perform_seek(self) -> None:
        pass

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        positions = {} if self.positions is None else dict(self.positions())
        if not positions or positions == self._told or self.app.rebalancing:
            return False
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._in_thread(self._thread.commit_positions(positions))
        except (KafkaError, TimeoutError) as error:
            log.info("lag display not updated", cause=str(error))
            return False
        self._told = positions
        return True

    def verify_event_path(self, now: float, tp: FaustTP) -> None:
        """Judges by Faust's own acks and fetches, which are not used."""

    async def _in_thread(self, call: Coroutine[Any, Any, T]) -> T:
        # Not call_thread(): two workers serve its queue, so two idle partitions would block all others.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._thread.thread_loop))


class Transport(driver.Transport):
    Consumer = ChunkConsumer


def register() -> None:
    """Make Faust know the URL scheme; called by whoever builds an app."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:{Transport.__name__}"


def consumer_of(app: faust.App) -> ChunkConsumer:
    return cast(ChunkConsumer, app.consumer)


def _input(record: Any) -> InputRecord:
    return InputRecord(record.offset, record.timestamp, record.key, record.value)


def _native(tp: TP) -> aiokafka.TopicPartition:
    return aiokafka.TopicPartition(tp.topic, tp.partition)
