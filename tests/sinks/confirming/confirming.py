"""Stage `confirm` between a real broker and a real engine: candidates to put on its topic, and firings to read behind it."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import msgspec
from confluent_kafka import Consumer, TopicPartition

from runtime.control import write_control
from runtime.kafka import group_name, reader_config
from schemas.actions.action_work import Firing, decode_work
from schemas.contacts.contact_addresses import contact_node
from schemas.contacts.contact_lists import ContactList
from schemas.events.rule_event import RuleEvent, encode_rule_event
from schemas.rules.rule_candidates import VERSION, Candidate, encode_rule_candidate, firing_id
from schemas.rules.rules import Rule, rule_key
from schemas.topics import ACTIONS_WORK, EVENTS_DEAD, EVENTS_RAW
from schemas.wire.codec import CONTACT, FIRING, POINTER, RESOLVED_EVENT, decode
from sinks.confirming.confirm import ConfirmThread
from sinks.confirming.confirm_waits import PROCESSORS, RULES
from sinks.storing.tables import DICTIONARIES
from tests import engines
from tests.sinks.fired import firing
from tests.sinks.stage import PATIENCE_S, Tables, Topics, contact, event, pointer

HASH_KEY = "00112233445566778899aabbccddeeff"
RULE_VERSION = "0123456789abcdef"
ACTION = {"webhook": {"destination": "crm"}}
NOW = int(time.time() * 1000)  # noqa: TID251 - candidates expire by the stage's clock
SECOND = 1_000
_numbers = count(1)


def number() -> int:
    """Of a node or an event that no other test has."""
    return 10_000 + next(_numbers)


def rule(**said: Any) -> Rule:
    """One of its own, for an event; `said` in its place, as a configuration writes it."""
    known = {"rule": f"r{next(_numbers)}", "trigger": {"event": {"event": "Seen"}}, "action": ACTION}
    return msgspec.convert(known | said, Rule)


def candidate(of: Rule, subject: int, said: Mapping[str, Any] | None = None, **fields: Any) -> Candidate:
    """What the subject did a second ago matched the rule."""
    event = RuleEvent(
        **({"type": "track", "message_id": "m", "timestamp": "", "source": "shop"} | dict(said or {}))
    )
    known: dict[str, Any] = {
        "version": VERSION,
        "workspace": "main",
        "rule": msgspec.json.encode(of),
        "rule_version": RULE_VERSION,
        "occurrence": f"0-{next(_numbers)}-0",
        "person": subject,
        "subject": subject,
        "at": NOW - SECOND,
        "seen_at": NOW - SECOND,
        "event": encode_rule_event(event),
        "message_id": f"m{next(_numbers)}",
    }
    return Candidate(**(known | fields))


def id_of(one: Candidate, person: int = 0) -> str:
    name = msgspec.json.decode(one.rule, type=Rule).rule
    return firing_id(one.workspace, name, one.rule_version, one.occurrence, person)


def environ_of(topics: Topics, tables: Tables) -> dict[str, str]:
    kafka, clickhouse = topics.settings, tables.settings
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "STITCHLINE_TOPIC_PREFIX": kafka.topic_prefix,
        "STITCHLINE_PARTITIONS": str(kafka.partitions),
        "STITCHLINE_HASH_KEY": HASH_KEY,
        "CLICKHOUSE_URL": clickhouse.url,
        "STITCHLINE_DATABASE": clickhouse.database,
        "SINK_SESSION_TIMEOUT_S": "6",
        "SINK_INSTANCE_ID": "confirming",
    }


class Reader:
    """Everything that is committed on a topic, as it comes. `group`: in whose name what was read is done with."""

    def __init__(self, topics: Topics, topic: str, group: str = "") -> None:
        name = topics.settings.topic_prefix + topic
        config = reader_config(topics.settings, f"test-{uuid.uuid4().hex}")
        self._consumer = Consumer(config | ({"group.id": group} if group else {}))
        self._is_done: Callable[[], object] = self._commit if group else lambda: None
        self._committed: list[int] = []
        self._consumer.assign([TopicPartition(name, place, 0) for place in range(topics.settings.partitions)])

    def read(self) -> Iterator[tuple[int, bytes]]:
        """(partition, value) of what has come."""
        for message in self._consumer.consume(1_000, 0.1):
            if message.error() is None:
                yield message.partition() or 0, message.value() or b""
        self._is_done()

    def _commit(self) -> None:
        reached = [each for each in self._consumer.position(self._consumer.assignment()) if each.offset >= 0]
        offsets = [each.offset for each in reached]
        if offsets != self._committed:
            self._consumer.commit(offsets=reached, asynchronous=False)
            self._committed = offsets

    def close(self) -> None:
        self._consumer.close()


class Confirming:
    """Topics and tables around the stage. Firings are kept as they came, with the partition they came on; what was read of them,
    agent `actions` has passed."""

    def __init__(self, topics: Topics, tables: Tables) -> None:
        self.topics = topics
        self.tables = tables
        self.came: list[tuple[int, Firing]] = []
        self._work = Reader(topics, ACTIONS_WORK.name, group_name(topics.settings, RULES))
        self._dead = Reader(topics, EVENTS_DEAD.name)
        self.letters: list[dict[str, Any]] = []

    def apply(self, *rules: Rule, lists: tuple[ContactList, ...] = (), gone: tuple[str, ...] = ()) -> None:
        documents: dict[str, bytes | None] = {each.key: msgspec.json.encode(each) for each in rules}
        documents |= {each.key: msgspec.json.encode(each) for each in lists}
        documents |= {rule_key("main", name): None for name in gone}
        write_control(self.topics.settings, documents, uuid.uuid4().hex, writer="control-test")

    def send(self, *candidates: Candidate) -> None:
        self.topics.send("rules.candidates", [encode_rule_candidate(each) for each in candidates])

    def firings(self) -> list[Firing]:
        for partition, value in self._work.read():
            self.came += [(partition, item) for item in decode_work(value).items if isinstance(item, Firing)]
        return [firing for _, firing in self.came]

    def of(self, *ids: str) -> list[Firing]:
        """Those of these ids, in this order, once they are all there."""
        self.wait(lambda: set(ids) <= {firing.id for firing in self.firings()})
        found = {firing.id: firing for _, firing in self.came}
        return [found[each] for each in ids]

    def after(self, *candidates: Candidate) -> list[Firing]:
        """What became of them."""
        self.send(*candidates)
        return self.of(*(each.recheck or id_of(each) for each in candidates))

    @contextmanager
    def held(self) -> Iterator[None]:
        """What comes meanwhile is confirmed at the end: an event is not resolved yet that was sent before."""
        settings = self.topics.settings
        self.topics.send(EVENTS_RAW.name, [b"an event"])
        yield
        config = reader_config(settings, "") | {"group.id": group_name(settings, PROCESSORS)}
        consumer = Consumer(config)
        name = settings.topic_prefix + EVENTS_RAW.name
        places = [TopicPartition(name, place) for place in range(settings.partitions)]
        ends = [consumer.get_watermark_offsets(place, timeout=30)[1] for place in places]
        done = [TopicPartition(name, place, end) for place, end in enumerate(ends)]
        consumer.commit(offsets=done, asynchronous=False)
        consumer.close()

    def dead(self) -> list[dict[str, Any]]:
        self.letters += [decode(value) for _, value in self._dead.read()]
        return self.letters

    def wait(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"not within {PATIENCE_S} s; {len(self.came)} firings came"

    def close(self) -> None:
        self._work.close()
        self._dead.close()

    # What ClickHouse knows:

    def happened(self, subject: int, **fields: Any) -> None:
        of = number()
        value = event(of, **({"subject": subject, "timestamp": NOW - SECOND, "anonymous_id": ""} | fields))
        self.tables.insert("events_in", RESOLVED_EVENT, [value], f"events-{of}")

    def fired(self, of: Rule, subject: int, profile: int, state: str = "sending", ago: int = 600) -> int:
        """The rule was let through, or not, for the subject as the profile, so many seconds ago. When."""
        number_of, at = number(), NOW - ago * SECOND
        fields = {"rule": of.rule, "subject": subject, "profile": profile, "state": state, "at": at}
        value = firing(number_of, occurred_at=at, **fields)
        self.tables.insert("firings_in", FIRING, [value], f"firings-{number_of}")
        return at

    def is_called(self, node: int, kind: str, value: str) -> None:
        named = [{"node": node, "kind": kind, "value": value}]
        self.happened(node, event="Called", identifiers=named, timestamp=NOW - 3_600 * SECOND)

    def states(self, subject: int, traits: Mapping[str, Any], ago: int = 3_600, **fields: Any) -> None:
        text = msgspec.json.encode(traits).decode()
        timestamp = NOW - ago * SECOND
        self.happened(subject, type="identify", event="", traits=text, timestamp=timestamp, **fields)

    def merge(self, node: int, into: int) -> None:
        self.tables.insert("pointers_in", POINTER, [pointer(node, into)], f"pointers-{node}")
        self.tables.reload(DICTIONARIES)

    def enters(self, profile: int, segment: str) -> None:
        row = ["main", segment, profile, 1, "v", "enter", "data", 1, 1]
        columns = ["workspace", "segment", "profile", "seq", "version", "change", "reason", "run", "attempt"]
        self.tables.client.insert("segment_changes", [row], column_names=columns)

    def opts_out(self, name: str, channel: Any, address: str) -> None:
        node = contact_node("main", channel, address, bytes.fromhex(HASH_KEY))
        value = contact(node, list=name, kind="opt_out", channel=channel, address=address)
        self.tables.insert("contacts_in", CONTACT, [value], f"contacts-{name}-{node}")


@contextmanager
def confirming(environ: Mapping[str, str]) -> Iterator[ConfirmThread]:
    stop = threading.Event()
    thread = ConfirmThread(environ, stop)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(60)
    assert not thread.has_failed


@contextmanager
def confirming_beside(kafka: str, tables: Tables, prefix: str) -> Iterator[Confirming]:
    """The stage with topics of its own, which go with it."""
    topics = Topics(kafka, prefix)
    found = Confirming(topics, tables)
    with confirming(environ_of(topics, tables)):
        yield found
    found.close()
    engines.delete_topics(kafka, prefix)
