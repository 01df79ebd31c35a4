"""Whether what was sent has been taken over: how far each processor partition is, and how far each sink, asked from outside.

A processor's position is part of its state, so its changelog says it, whoever delivers, and says it only of what is committed.
A sink's is the offset that its group has committed: behind it everything is in ClickHouse. Deliberately absent: asking the
processes themselves, which a command need not reach.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, reader_config
from runtime.lag import Key
from runtime.lookup import Lookup
from runtime.peek import Peek
from runtime.streams.store import NEXT
from schemas.topics import AGENTS, Topic, changelog

T = TypeVar("T")

POLL_S = 0.2
BATCH_RECORDS = 1_000
# Each transaction ends with a position, so the last one stands a marker before the end, unless aborted records follow it.
TAIL_OFFSETS = 10_000
OF_RULES = ("triggers", "memberships", "contacts", "rules", "actions")  # the agents of `stitchline rules`


class NotAcknowledged(Exception):
    """Nobody has taken over in time what was sent; the text names who is behind."""


class Progress:
    """Each wait takes at most `timeout_s`. Raises KafkaUnavailable."""

    def __init__(self, kafka: KafkaSettings, timeout_s: float) -> None:
        self._kafka = kafka
        self._timeout_s = timeout_s
        self._lookup = Lookup(kafka)

    def ends(self, topic: Topic) -> dict[Key, int]:
        """Where the topic's partitions end now, transactions that are still open included."""
        with _answered(self._kafka):
            found = self._patiently(lambda: self._ends(topic))
            return {(topic.name, partition): end for partition, end in found.items()}

    def wait_processed(self, ends: Mapping[Key, int]) -> None:
        """Until the processors are past these offsets, by topic (without the prefix) and partition. Raises NotAcknowledged.

        A deployment may have no process of rules. One that never ran holds nothing, and what it will read first is all there: it
        is not waited for.
        """
        inputs = {topic.name: agent for agent, topic in AGENTS.items()}
        missing = {(inputs[topic], partition): end for (topic, partition), end in ends.items() if end}
        with _answered(self._kafka):
            if any(agent in OF_RULES for agent, _ in missing) and not self._patiently(self._rules_ever_ran):
                missing = {place: end for place, end in missing.items() if place[0] not in OF_RULES}
        known: dict[Key, int] = {}
        with _answered(self._kafka), self._following(missing) as news:
            self._until(
                lambda: self._drop_reached(missing, known, news()), lambda: _told("processor", missing)
            )

    def wait_stored(self, sinks: Mapping[str, tuple[str, Topic]]) -> None:
        """Until what these sinks' topics hold now is in ClickHouse. By sink, its group and its topic. Raises NotAcknowledged."""
        with _answered(self._kafka):
            missing: dict[Key, int] = {}
            for sink, (_, topic) in sinks.items():
                missing |= {(sink, place): end for (_, place), end in self.ends(topic).items()}
            self._until(lambda: self._drop_stored(missing, sinks), lambda: _told("sink", missing))

    def _until(self, holds: Callable[[], bool], complaint: Callable[[], str]) -> None:
        end = time.monotonic() + self._timeout_s
        while not self._patiently(holds):
            if time.monotonic() > end:
                raise NotAcknowledged(
                    f"not taken over within {self._timeout_s} s: {complaint()}. Everything that was sent stands: when "
                    "they run again, run the same command again (ORDER_ACK_TIMEOUT_S is how long it waits)"
                )
            time.sleep(POLL_S)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Asked again for a while: a partition has no leader for a moment, when it is new or when a broker has gone."""
        end = time.monotonic() + self._kafka.answer_timeout_s
        while True:
            try:
                return ask()
            except KafkaException:
                if time.monotonic() > end:
                    raise
            time.sleep(POLL_S)

    def _ends(self, topic: Topic) -> dict[int, int]:
        name = topic.full_name(self._kafka.topic_prefix)
        places = [(name, partition) for partition in range(self._lookup.partitions(name))]
        found = self._lookup.ends(places)
        if len(found) < len(places):  # nobody would wait for what is in the others
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        return {partition: ends.end for (_, partition), ends in found.items()}

    @contextmanager
    def _following(self, wanted: Mapping[Key, int]) -> Iterator[Callable[[], dict[Key, int]]]:
        """A function that gives the positions that have become known since it was called last."""
        names = {self._changelog(agent): agent for agent in AGENTS}
        consumer = Consumer(reader_config(self._kafka, "progress") | {"auto.offset.reset": "earliest"})
        try:
            places = [(name, place) for name, agent in names.items() for place in _of(agent, wanted)]
            consumer.assign(self._patiently(lambda: [self._tail(*place) for place in places]))
            yield lambda: _positions(consumer, names)
        finally:
            consumer.close()

    def _rules_ever_ran(self) -> bool:
        """One of its agents is told the time, and writes that down within seconds."""
        names = [self._changelog(agent) for agent in OF_RULES]
        places = [(name, place) for name in names for place in range(self._lookup.partitions(name))]
        return any(ends.end for ends in self._lookup.ends(places).values())

    def _changelog(self, agent: str) -> str:
        return changelog(self._kafka.generation, agent).full_name(self._kafka.topic_prefix)

    def _tail(self, name: str, partition: int) -> TopicPartition:
        first, end = self._lookup.earliest(name, partition), self._lookup.end(name, partition)
        return TopicPartition(name, partition, max(first, end - TAIL_OFFSETS))

    def _drop_reached(self, missing: dict[Key, int], known: dict[Key, int], news: Mapping[Key, int]) -> bool:
        known.update(news)
        for (agent, partition), end in list(missing.items()):
            name = AGENTS[agent].full_name(self._kafka.topic_prefix)
            position = known.get((agent, partition))
            if position is not None and self._is_past(name, partition, position, end):
                del missing[agent, partition]
        return not missing

    def _drop_stored(self, missing: dict[Key, int], sinks: Mapping[str, tuple[str, Topic]]) -> bool:
        for sink, (group, topic) in sinks.items():
            name = topic.full_name(self._kafka.topic_prefix)
            partitions = _of(sink, missing)
            committed = self._lookup.committed(group, name, partitions) if partitions else {}
            ranges = {(name, at): (stored, missing[sink, at]) for at, stored in committed.items()}
            for _, partition in self._passed(ranges):
                del missing[sink, partition]
        return not missing

    def _passed(self, ranges: Mapping[Key, tuple[int, int]]) -> set[Key]:
        """The places whose position is past their end, or as good as that: `_is_past` for many at once."""
        passed = {place for place, (position, end) in ranges.items() if position >= end}
        if not (behind := ranges.keys() - passed):
            return passed
        stable = self._lookup.ends(sorted(behind))
        settled = {
            place: ranges[place]
            for place in behind
            if place in stable and stable[place].stable >= ranges[place][1]
        }
        if not settled:
            return passed
        with Peek(self._kafka) as peek:
            return passed | peek.empty(settled)

    def _is_past(self, name: str, partition: int, position: int, end: int) -> bool:
        """Behind the last record there may be markers of transactions, which nobody reads. Where a transaction is open below the
        end, what stands behind its beginning may be committed already, and cannot be read yet."""
        if position >= end:
            return True
        if self._lookup.ends([(name, partition)])[name, partition].stable < end:
            return False
        with Peek(self._kafka) as peek:
            return peek.first_timestamp(name, partition, position, end) is None


def _positions(consumer: Consumer, names: Mapping[str, str]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for message in consumer.consume(BATCH_RECORDS, POLL_S):
        value = message.value()
        if message.error() is None and message.key() == NEXT and value is not None:
            found[names[message.topic() or ""], message.partition() or 0] = int.from_bytes(value, "big")
    return found


def _of(name: str, places: Mapping[Key, int]) -> list[int]:
    return sorted(partition for reader, partition in places if reader == name)


def _told(what: str, missing: Mapping[Key, int]) -> str:
    readers = sorted({reader for reader, _ in missing})
    each = [f"{reader} ({', '.join(map(str, _of(reader, missing)))})" for reader in readers]
    return f"{what} partitions {', '.join(each)}"


@contextmanager
def _answered(kafka: KafkaSettings) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise KafkaUnavailable(
            f"Kafka does not answer at {kafka.bootstrap_servers}: {error.args[0].str()}"
        ) from error
