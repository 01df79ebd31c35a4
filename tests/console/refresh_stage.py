"""A small shop whose segments are refreshed: tables, topics, definitions, and a refresher that can die after any of its steps."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, TopicPartition

from console.refreshing.membership import Change
from console.refreshing.refresh import Report, Rules, Tools, run_once
from console.refreshing.refresh_log import KafkaRunLog, RunLog
from console.refreshing.refresh_plan import Attempt, Defined, Key, defined_by
from console.refreshing.refresh_tables import RefreshTables
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import key_of
from schemas.segments.segments import Segment
from schemas.wire.codec import POINTER, RESOLVED_EVENT, decode
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, Topics, event, pointer

HOUR_MS = 3_600_000
EFFECTS = ("command", "insert")
READ_S = 60.0
EMPTIED = (
    *("events", "subjects", "identifiers", "traits", "group_traits"),
    *("identity_pointers", "identity_pointer_log"),
    *("segment_runs", "segment_changes", "segment_versions", "segment_owners", "segment_forgotten"),
    *("segment_touched", "segment_subjects", "lists"),
)


def segment(name: str, where: Mapping[str, Any], **more: Any) -> Segment:
    """Of people whom nobody knows too, unless it says otherwise."""
    return read_segment({"segment": name, "people": {"known": "any"}, "where": where, **more})


def defined(*segments: Segment) -> dict[Key, Defined]:
    return defined_by({key_of(each.workspace, each.segment): each for each in segments}, "UTC")


VIEWED = {"event": "Product Viewed"}
LATELY = segment("lately", {"did": VIEWED | {"window": {"last": "1h"}}})
TWICE = segment("twice", {"did": VIEWED | {"count": {"gte": 2}}})
NEVER = segment("never", {"not": {"did": VIEWED | {"window": {"last": "2h"}}}})
ALL = (LATELY, TWICE, NEVER)
RULES = Rules(full_hour=-1, full_share_max=1.0)  # everybody is looked at when it is said


_serials = count()


class MemoryRunLog:
    """What Kafka would keep."""

    def __init__(self) -> None:
        self.claimed: Attempt | None = None
        self.done = 0
        self.told: list[Change] = []

    def take_over(self) -> None:
        pass

    def read(self) -> tuple[Attempt | None, int]:
        return self.claimed, self.done

    def claim(self, attempt: Attempt) -> None:
        self.claimed = attempt

    def tell(self, attempt: Attempt, changes: Iterable[Change]) -> int:
        new = list(changes)
        self.told += new
        self.done = attempt.run
        return len(new)


class Shop:
    """Events arrive with offsets of one raw partition, in the order in which they are given."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.memory = MemoryRunLog()
        self._arrived = 0
        self._versions = 0
        self._serial = next(_serials)  # its blocks are not those of another shop on the same tables

    def view(self, who: int, *at_ms: int, **fields: Any) -> None:
        """Views by this subject, so long after the beginning."""
        first = self._arrived + 1
        self._arrived += len(at_ms)
        events = [self._event(who, number, at, fields) for number, at in enumerate(at_ms, first)]
        self.tables.insert("events_in", RESOLVED_EVENT, events, f"{self._serial}-events-{first}")

    def _event(self, who: int, number: int, at_ms: int, fields: dict[str, Any]) -> bytes:
        record = {
            "message_id": f"m{number}",
            "timestamp": START_MS + at_ms,
            "subject": who,
            "anonymous_id": f"d{who}",
            "identifiers": [{"node": who, "kind": "a", "value": f"d{who}"}],
            "raw_offset": number,
        }
        return event(number, **(record | fields))

    def point(self, node: int, owner: int, **fields: Any) -> None:
        self._versions += 1
        value = pointer(node, owner, self._versions, **fields)
        self.tables.insert("pointers_in", POINTER, [value], f"{self._serial}-pointer-{self._versions}")
        self.tables.reload(DICTIONARIES)

    def stored(self) -> dict[int, int]:
        return {0: self._arrived + 1}

    def tools(self, **rules: Any) -> Tools:
        tables = RefreshTables(self.tables.client, self.tables.settings.database)
        return Tools(tables, self.memory, self.stored, msgspec.structs.replace(RULES, **rules))

    def refresh(self, at_ms: int, *segments: Segment, is_full: bool = False, **rules: Any) -> Report:
        return run_once(self.tools(**rules), defined(*(segments or ALL)), START_MS + at_ms, is_full=is_full)

    def empty(self) -> None:
        """For the next one on the same tables."""
        for table in EMPTIED:
            self.tables.client.command(f"TRUNCATE TABLE {table}")
        self.tables.reload(DICTIONARIES)

    def row(self, name: str, who: int) -> dict[str, Any]:
        """Of segment_members; times since the beginning."""
        answer = self.tables.client.query(
            "SELECT * FROM segment_members WHERE segment = {name:String} AND profile = {who:UInt64}",
            parameters={"name": name, "who": who},
        )
        [found] = answer.named_results()
        return {
            key: _since_start(value) if isinstance(value, datetime) else value for key, value in found.items()
        }

    def news(self) -> list[tuple[str, int, str, str]]:
        """(segment, profile, change, reason) of what was told since this was asked last."""
        told, self.memory.told = self.memory.told, []
        return sorted((each.segment, each.profile, each.change, each.reason) for each in told)

    def members(self, name: str) -> set[int]:
        rows = self.tables.rows("SELECT segment, profile FROM segment_members WHERE left_at IS NULL")
        return {profile for segment, profile in rows if segment == name}


def _since_start(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000) - START_MS


class Died(BaseException):
    """The process is gone."""


class Fate:
    """Counts what a refresher does to the world in a run that it begins itself; after the step of this number it is gone."""

    def __init__(self, last: int = 1 << 30) -> None:
        self.last = last
        self.steps: list[str] = []
        self.is_begun = False

    def done(self, step: str) -> None:
        if not self.is_begun:
            return
        self.steps.append(step)
        if len(self.steps) > self.last:
            self.end()

    def end(self) -> None:
        raise Died


class MortalClient:
    """ClickHouse's client as a refresh uses it."""

    def __init__(self, client: Client, fate: Fate) -> None:
        self._client = client
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._client, name)
        if name not in EFFECTS:
            return asked

        def effect(*arguments: Any, **named: Any) -> Any:
            answer = asked(*arguments, **named)
            self._fate.done(f"{name} {arguments[0][:40]}")
            return answer

        return effect


class MortalLog:
    """Kafka's, which may also die amid the changes of a transaction."""

    def __init__(self, log: RunLog, fate: Fate) -> None:
        self._log = log
        self._fate = fate

    def take_over(self) -> None:
        self._log.take_over()

    def read(self) -> tuple[Attempt | None, int]:
        return self._log.read()

    def claim(self, attempt: Attempt) -> None:
        self._log.claim(attempt)
        self._fate.is_begun = self._fate.is_begun or attempt.attempt == 1
        self._fate.done("claim")

    def tell(self, attempt: Attempt, changes: Iterable[Change]) -> int:
        told = self._log.tell(attempt, self._counted(changes))
        self._fate.done("tell")
        return told

    def _counted(self, changes: Iterable[Change]) -> Iterator[Change]:
        for place, change in enumerate(changes):
            yield change
            if not place:
                self._fate.done("told one")


def mortal(shop: Shop, log: KafkaRunLog, fate: Fate) -> Tools:
    tools = mortal_tools(shop.tables.client, shop.tables.settings.database, log, fate)
    return msgspec.structs.replace(tools, stored=shop.stored)


def mortal_tools(client: Client, database: str, log: KafkaRunLog, fate: Fate) -> Tools:
    """With an earlier mark than any event's: all that is there may have arrived since."""
    dying: Any = MortalClient(client, fate)
    return Tools(RefreshTables(dying, database), MortalLog(log, fate), dict, RULES)


def read_changes(topics: Topics) -> list[dict[str, Any]]:
    """All that is committed on segments.membership, each partition in its order."""
    name = f"{topics.settings.topic_prefix}segments.membership"
    consumer = Consumer(
        {
            "bootstrap.servers": topics.settings.bootstrap_servers,
            "group.id": f"{topics.settings.topic_prefix}reader",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        return list(_read(consumer, name, topics.settings.partitions))
    finally:
        consumer.close()


def _read(consumer: Consumer, name: str, partitions: int) -> Iterator[dict[str, Any]]:
    consumer.assign([TopicPartition(name, place, 0) for place in range(partitions)])
    ended = 0
    while ended < partitions:
        message = consumer.poll(READ_S)
        assert message is not None, "the topic has an end"
        if message.error() is None:
            yield decode(message.value() or b"")
        else:
            ended += 1
