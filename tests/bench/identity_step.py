"""Identity's step without anything around it: facts a second with state in memory, and how many bytes an identifier keeps.

The facts are those that the resolver's step makes of events, so a figure holds for what clients send.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from processors.identity.identity import Identity
from processors.resolver.resolve import Resolver
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_key
from schemas.stream import InputRecord
from schemas.topics import IDENTITY_FACTS
from tests.bench.figures import Figure

HASH_KEY = bytes(range(16))
NOW = 1_767_348_000_000
IDS = 50_000
SIZED_IDS = 5_000
PACK = 100
PACKS_PER_CHUNK = 20
LINKED_BYTES_MAX = 300
ONE_PARTITION = 1

Call = dict[str, object]


def device(number: int) -> str:
    return f"6f1c1c5e-7a37-4d5a-9d6b-{number:012d}"


def visit(number: int) -> Call:
    """One page view of somebody who never says who they are."""
    return {"type": "page", "anonymousId": device(number)}


def known_visit(number: int) -> Call:
    return {"type": "page", "anonymousId": device(number), "userId": f"user-{number}"}


def login(number: int) -> Call:
    return {"type": "identify", "anonymousId": device(number), "userId": f"user-{number}"}


def address(number: int) -> Call:
    return {
        "type": "identify",
        "userId": f"user-{number}",
        "traits": {"email": f"person.{number}@example.com"},
    }


def packed(number: int, call: Call) -> PackedEvent:
    routing = node_key("main", "a", str(call.get("anonymousId", number)))
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=routing,
        type=str(call["type"]),
        message_id=f"m-{call['type']}-{number}",
        received_at=NOW + number,
        sent_at="",
        context=b"",
        payload=msgspec.json.encode(call),
        unsigned_links=True,
    )


class Steps:
    """Both steps on one partition; `nodes` is identity's state, `sent` the resolver's."""

    def __init__(self) -> None:
        self.nodes: dict[bytes, bytes] = {}
        self.sent: dict[bytes, bytes] = {}
        self.identity_s = 0.0
        self._resolver = Resolver(
            hash_key=HASH_KEY,
            partitions=ONE_PARTITION,
            duplicate_window_days=7,
            duplicate_ids_per_key_max=1_000,
        )
        self._identity = Identity(hash_key=HASH_KEY, partitions=ONE_PARTITION)

    def run(self, calls: Sequence[Call]) -> None:
        """Until identity has nothing more to say."""
        events = [packed(number, call) for number, call in enumerate(calls)]
        packs = [encode_pack(events[at : at + PACK]) for at in range(0, len(events), PACK)]
        facts = []
        for chunk in _chunks(packs):
            outputs = self._resolver(0, chunk, self.sent)
            facts += [out.value for out in outputs if out.topic == IDENTITY_FACTS.name]
        began = time.process_time()
        while facts:
            rounds = [self._identity(0, chunk, self.nodes) for chunk in _chunks(facts)]
            facts = [out.value for outputs in rounds for out in outputs if out.topic == IDENTITY_FACTS.name]
        self.identity_s += time.process_time() - began


def _chunks(values: Sequence[bytes | None]) -> Iterator[list[InputRecord]]:
    records = [InputRecord(offset, NOW, None, value) for offset, value in enumerate(values)]
    for at in range(0, len(records), PACKS_PER_CHUNK):
        yield records[at : at + PACKS_PER_CHUNK]


def rate(ids: int) -> Figure:
    """A fact for each of so many devices, then one for each of as many addresses."""
    steps = Steps()
    steps.run([login(number) for number in range(ids)])
    steps.run([address(number) for number in range(ids)])
    return _figure(
        "identity's step alone, a new id with each fact", round(2 * ids / steps.identity_s), "facts/s"
    )


def sizes(ids: int) -> Iterator[Figure]:
    """Keys and values of state, per identifier."""
    kinds: dict[str, tuple[Callable[[int], Call], float | None]] = {
        "a one-visit anonymous id": (visit, 0),
        "an anonymous id with a link": (known_visit, LINKED_BYTES_MAX),
        "an anonymous id with a link and its time": (login, None),
        "an e-mail with its user": (address, None),
    }
    for name, (call, at_most) in kinds.items():
        steps = Steps()
        steps.run([call(number) for number in range(ids)])
        links = {key: value for key, value in steps.sent.items() if key.startswith(b"s")}
        yield _figure(f"state of identity: {name}", _bytes(steps.nodes) / ids, "B", at_most)
        yield _figure(f"links that the resolver knows: {name}", _bytes(links) / ids, "B")


def _bytes(state: dict[bytes, bytes]) -> int:
    return sum(len(key) + len(value) for key, value in state.items())


def _figure(name: str, value: float, unit: str, at_most: float | None = None) -> Figure:
    return Figure(stage="identity", name=name, value=round(value), unit=unit, at_most=at_most)


def run(ids: int = IDS, sized: int = SIZED_IDS) -> list[Figure]:
    return [rate(ids), *sizes(sized)]
