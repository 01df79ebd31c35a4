"""The two steps over partitioned queues in memory, driven to rest in random chunks and random order.

Kafka's promises without Kafka: order per partition, each record once.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec

from processors.identity import Identity
from processors.node_state import STATE_BYTES_MAX
from processors.resolve import RECORD_BYTES_MAX, Resolver
from schemas.codec import decode
from schemas.identifiers import EMAIL, node_id, node_key, partition_of, profile_id
from schemas.pack import PackedEvent, encode_pack
from schemas.stream import InputRecord, Step
from tests.processors.oracle import Node, Visit

HASH_KEY = bytes(range(16))
RECEIVED = 1_714_900_000_000


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


def email_key(address: str) -> bytes:
    return node_key("main", EMAIL, hashlib.sha256(address.encode()).hexdigest())


class Pipeline:
    """Resolver and Identity on `partitions` partitions each. `repeat` delivers some facts twice, as a retry would."""

    def __init__(self, partitions: int = 3, seed: int = 0, *, repeat: bool = False) -> None:
        self.partitions = partitions
        self.random = Random(seed)  # noqa: S311 - the order of a test
        self.repeat = repeat
        limits = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
        self.steps: dict[str, Step] = {
            "events.raw": Resolver(hash_key=HASH_KEY, partitions=partitions, **limits),
            "identity.facts": Identity(hash_key=HASH_KEY, partitions=partitions),
        }
        self.queues: dict[tuple[str, int], list[InputRecord]] = defaultdict(list)
        self.states: dict[tuple[str, int], dict[bytes, bytes]] = defaultdict(dict)
        self.offsets: dict[tuple[str, int], int] = defaultdict(int)
        self.records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.pointers: dict[int, dict[str, Any]] = {}
        self.sent: dict[str, int] = defaultdict(int)

    def send(self, events: Iterable[PackedEvent]) -> "Pipeline":
        """Queue events, in packs of a random size, and run until nothing is left to do."""
        waiting: dict[int, list[PackedEvent]] = defaultdict(list)
        for event in events:
            partition = partition_of(event.routing, self.partitions)
            waiting[partition].append(event)
            if self.random.random() < 0.3:
                self._put("events.raw", partition, encode_pack(waiting.pop(partition)))
        for partition, rest in waiting.items():
            self._put("events.raw", partition, encode_pack(rest))
        while ready := sorted(place for place, queue in self.queues.items() if queue):
            self._work(*self.random.choice(ready))
        return self

    def visit(self, visits: Iterable[Visit]) -> "Pipeline":
        return self.send(packed(call_of(visit)) for visit in visits)

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

    def _put(self, topic: str, partition: int, value: bytes) -> None:
        place = topic, partition
        self.queues[place].append(InputRecord(self.offsets[place], RECEIVED, None, value))
        self.offsets[place] += 1

    def _work(self, topic: str, partition: int) -> None:
        queue = self.queues[topic, partition]
        chunk = [queue.pop(0) for _ in range(min(len(queue), self.random.randint(1, 5)))]
        if self.repeat and topic == "identity.facts" and self.random.random() < 0.3:
            chunk = [record for record in chunk for _ in range(2)]
        state = self.states[topic, partition]
        outputs = self.steps[topic](partition, chunk, state)
        assert max(map(len, state.values()), default=0) <= STATE_BYTES_MAX
        for out in outputs:
            assert len(out.value) <= RECORD_BYTES_MAX
            self.sent[out.topic] += 1
            assert 0 <= out.partition < self.partitions
            assert out.partition == partition_of(out.key, self.partitions), (
                "a stock producer would choose another partition"
            )
            if out.topic == "identity.facts":
                self._put(out.topic, out.partition, out.value)
            else:
                self._keep(out.topic, decode(out.value))

    def _keep(self, topic: str, record: dict[str, Any]) -> None:
        for name in ("timestamp", "received_at", "sent_at", "original_timestamp"):
            if name in record:
                record[name] = ms(record[name])
        self.records[topic].append(record)
        if topic == "identity.pointers":
            known = self.pointers.get(record["node"])
            assert known is None or known["version"] < record["version"], "versions must grow"
            self.pointers[record["node"]] = record


def ms(moment: Any) -> int:
    """A moment as fastavro reads it, in ms since the epoch."""
    milliseconds: int = round(moment.timestamp() * 1000)
    return milliseconds
