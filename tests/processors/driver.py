"""The two steps over partitioned queues in memory, driven to rest in random chunks and random order.

Kafka's promises without Kafka: order per partition, each record once. Orders go to all the partitions that they concern, at any
moment; when all is at rest, what a command does after an order is done: erased events leave the store, and facts later than a
`forget` are stated again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import msgspec

from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from processors.identity.facts import Fact, encode_facts, encode_orders, facts_of
from processors.identity.identity import Identity
from processors.identity.node_state import STATE_BYTES_MAX
from processors.resolver.resolve import RECORD_BYTES_MAX, Resolver
from processors.resolver.visitor_values import PREFIX, SECTIONS, parted
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import EMAIL, node_id, node_key, partition_of, profile_id
from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress, Unlink
from schemas.stream import InputRecord, OutputRecord, Step
from schemas.wire.codec import decode
from tests.processors.oracle import Node, Ruling, Visit

HASH_KEY = bytes(range(16))
RECEIVED = 1_714_900_000_000


def kept(state: Mapping[bytes, bytes], section: bytes) -> dict[bytes, bytes]:
    """What a resolver's state has of one keeper, under the key that the keeper knows."""
    found = {key[1:]: parted(value) for key, value in state.items() if key[:1] == PREFIX and key != PREFIX}
    place = SECTIONS.index(section)
    return {section + node: sections[place] for node, sections in found.items() if sections[place]}


def packed(call: dict[str, Any], **fields: Any) -> PackedEvent:
    """As the collector packs it; `fields` replace what it would have put there."""
    anonymous, user = call.get("anonymousId"), call.get("userId")
    routing = node_key("main", "a", anonymous) if anonymous else node_key("main", "u", str(user))
    known = {
        "workspace": "main",
        "source": "shop",
        "routing": routing,
        "type": call.get("type", ""),
        "message_id": call.get("messageId", ""),
        "received_at": RECEIVED,
        "sent_at": "",
        "context": b"",
        "payload": msgspec.json.encode(call),
        "unsigned_links": True,
    }
    return PackedEvent(**(known | fields))


def call_of(visit: Visit) -> dict[str, Any]:
    """The JSON that a client would send for a visit."""
    query = "&".join(f"{name}={value}" for name, value in visit.params)
    context: dict[str, Any] = {"page": {"url": f"https://shop.example/?x=1&{query}"}}
    if visit.external:
        context["externalIds"] = [{"type": kind, "id": value} for kind, value in visit.external]
    call: dict[str, Any] = {
        "type": {"logout": "track"}.get(visit.kind, visit.kind),
        "messageId": visit.id,
        "timestamp": visit.time,
        "userId": visit.user or None,
        "anonymousId": visit.device or None,
        "previousId": visit.previous or None,
        "event": "Logged Out" if visit.kind == "logout" else "Seen",
        "context": context,
    }
    if visit.email and visit.kind == "identify":
        call["traits"] = {"email": visit.email}
    elif visit.email:
        context["traits"] = {"email": visit.email}
    return call


def key_of(node: Node) -> bytes:
    kind, value = node
    return (
        node_key("main", "x", f"{kind[2:]}:{value}")
        if kind.startswith("x:")
        else node_key("main", kind, value)
    )


def profile_of_node(node: Node) -> str:
    return profile_id(node_id(key_of(node), HASH_KEY))


def id_of(node: Node) -> int:
    return node_id(key_of(node), HASH_KEY)


def order_of(ruling: Ruling) -> Order:
    node, target = id_of(ruling.node), id_of(ruling.target) if ruling.target else EVERY_TARGET
    match ruling.kind:
        case "unlink":
            return Unlink(node, target)
        case "forget":
            return Forget(node, ruling.until, target)
        case "erase":
            return Erase(node, ruling.since, ruling.until)
    return Suppress(node)


def facts_stated(event: PackedEvent) -> list[Fact]:
    """What an event that was stored states, as it can be worked out again at any time."""
    parsed = parse(event)
    assert isinstance(parsed, ParsedEvent)
    about = mentions(parsed, event.message_id)
    return facts_of(parsed, about) if about else []


def email_key(address: str) -> bytes:
    return node_key("main", EMAIL, hashlib.sha256(address.encode()).hexdigest())


class Pipeline:
    """Resolver and Identity on `partitions` partitions each. `repeat` delivers some facts twice, as a retry would."""

    def __init__(self, partitions: int = 3, seed: int = 0, *, repeat: bool = False) -> None:
        self.partitions = partitions
        self.random = Random(seed)  # noqa: S311 - the order of a test
        self.repeat = repeat
        limits: dict[str, Any] = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
        self.steps: dict[str, Step] = {
            "events.raw": Resolver(hash_key=HASH_KEY, partitions=partitions, **limits),
            "identity.facts": Identity(hash_key=HASH_KEY, partitions=partitions),
        }
        self.queues: dict[tuple[str, int], list[InputRecord]] = defaultdict(list)
        self.states: dict[tuple[str, int], dict[bytes, bytes]] = defaultdict(dict)
        self.positions: dict[tuple[str, int], int] = defaultdict(int)
        self.events: dict[str, PackedEvent] = {}
        self.records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.values: dict[str, list[bytes]] = defaultdict(list)  # the same as bytes
        self.pointers: dict[int, dict[str, Any]] = {}
        self.sent: dict[str, int] = defaultdict(int)

    def send(self, events: Iterable[PackedEvent | Ruling]) -> "Pipeline":
        """Queue events, in packs of a random size, and orders between them, and run until nothing is left to do."""
        waiting: dict[int, list[PackedEvent]] = defaultdict(list)
        rulings = []
        for event in events:
            if isinstance(event, Ruling):
                self._order(event, waiting)
                rulings.append(event)
            else:
                self._pack(event, waiting)
            if rulings and self.random.random() < 0.2:
                self._step()
        for partition, rest in waiting.items():
            self._put("events.raw", partition, encode_pack(rest))
        self._rest()
        if rulings:
            self._follow(rulings)
        return self

    def visit(self, visits: Iterable[Visit | Ruling]) -> "Pipeline":
        return self.send(one if isinstance(one, Ruling) else packed(call_of(one)) for one in visits)

    def profiles(self) -> dict[str, str]:
        """message id -> profile of now, the way ClickHouse computes it."""
        return {
            event["message_id"]: self.profile(event["subject"], event["timestamp"]) for event in self.resolved
        }

    def profile(self, node: int, time: int) -> str:
        pointer = self.pointers.get(node)
        for segment in pointer["segments"] if pointer else ():
            if ms(segment["valid_from"]) <= time < ms(segment["valid_to"]):
                node = segment["owner"]
        while node in self.pointers and self.pointers[node]["owner"] != node:
            node = self.pointers[node]["owner"]
        return profile_id(node)

    @property
    def resolved(self) -> list[dict[str, Any]]:
        return self.records["events.resolved"]

    def ledger(self) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for entry in self.records["ledger"]:
            sums[entry["outcome"]] += entry["events"]
        return dict(sums)

    def _pack(self, event: PackedEvent, waiting: dict[int, list[PackedEvent]]) -> None:
        partition = partition_of(event.routing, self.partitions)
        self.events[event.message_id] = event
        waiting[partition].append(event)
        if self.random.random() < 0.3:
            self._put("events.raw", partition, encode_pack(waiting.pop(partition)))

    def _order(self, ruling: Ruling, waiting: dict[int, list[PackedEvent]]) -> None:
        order = order_of(ruling)
        if not isinstance(order, Unlink):
            for partition in range(self.partitions):
                self._put("events.raw", partition, encode_pack(waiting.pop(partition, []), [order]))
        if not isinstance(order, Erase):
            partition = partition_of(key_of(ruling.node), self.partitions)
            self._put("identity.facts", partition, encode_orders([order]))

    def _follow(self, rulings: list[Ruling]) -> None:
        """What is done with the store once an order is known everywhere."""
        orders = [order_of(ruling) for ruling in rulings]
        erased = [order for order in orders if isinstance(order, Erase)]
        self.records["events.resolved"] = [
            event for event in self.resolved if not any(_erases(order, event) for order in erased)
        ]
        for event in self.resolved:
            for fact in facts_stated(self.events[event["message_id"]]):
                if any(isinstance(order, Forget) and _is_later(order, fact) for order in orders):
                    for value in encode_facts([fact], []):
                        self._put("identity.facts", partition_of(fact.node, self.partitions), value)
        self._rest()

    def _rest(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """One chunk of one partition that has something to do; False when none has."""
        ready = sorted(place for place, queue in self.queues.items() if len(queue) > self.positions[place])
        if ready:
            self._work(*self.random.choice(ready))
        return bool(ready)

    def _put(self, topic: str, partition: int, value: bytes) -> None:
        place = topic, partition
        self.queues[place].append(InputRecord(len(self.queues[place]), RECEIVED, None, value))

    def _work(self, topic: str, partition: int) -> None:
        place = topic, partition
        chunk = self._chunk(place)
        outputs = self.steps[topic](partition, chunk, self.states[place])
        self.positions[place] = chunk[-1].offset + 1
        assert max(map(len, self.states[place].values()), default=0) <= STATE_BYTES_MAX
        self._publish(outputs)

    def _chunk(self, place: tuple[str, int]) -> list[InputRecord]:
        at = self.positions[place]
        chunk = self.queues[place][at : at + self.random.randint(1, 5)]
        if self.repeat and place[0] == "identity.facts" and self.random.random() < 0.3:
            return [record for record in chunk for _ in range(2)]
        return chunk

    def _publish(self, outputs: list[OutputRecord]) -> None:
        for out in outputs:
            assert len(out.value) <= RECORD_BYTES_MAX
            self.sent[out.topic] += 1
            assert 0 <= out.partition < self.partitions
            # A change stands beside its node's pointer; of all others a stock producer would choose the same partition.
            routed = out.key[:16] if out.topic == "profile.changes" else out.key
            assert out.partition == partition_of(routed, self.partitions)
            if out.topic == "identity.facts":
                self._put(out.topic, out.partition, out.value)
            else:
                self.values[out.topic].append(out.value)
                self._keep(out.topic, decode(out.value))

    def _keep(self, topic: str, record: dict[str, Any]) -> None:
        for name in ("timestamp", "received_at", "sent_at", "original_timestamp"):
            if name in record:
                record[name] = ms(record[name])
        self.records[topic].append(record)
        if topic == "identity.pointers":
            self._point(record)

    def _point(self, record: dict[str, Any]) -> None:
        known = self.pointers.get(record["node"])
        assert known is None or known["version"] < record["version"], "versions must grow"
        self.pointers[record["node"]] = record


def _erases(order: Erase, event: dict[str, Any]) -> bool:
    return bool(order.node == event["subject"] and order.since <= event["timestamp"] <= order.until)


def _is_later(order: Forget, fact: Fact) -> bool:
    """Whether a fact may have been folded into an earlier one that is forgotten."""
    concerned = order.target in (EVERY_TARGET, node_id(fact.target, HASH_KEY))
    return concerned and order.node == node_id(fact.node, HASH_KEY) and fact.time > order.until


def ms(moment: Any) -> int:
    """A moment as fastavro reads it, in ms since the epoch."""
    milliseconds: int = round(moment.timestamp() * 1000)
    return milliseconds
