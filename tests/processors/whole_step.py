"""Everything that the resolver's step does with a shop's traffic, odd events and orders, as digests: `python -m
tests.processors.whole_step`. Run twice, it tells whether two ways of running the same sources differ, and in which chunk first.
"""

import hashlib
import json
import sys
from collections.abc import Iterator

from processors import resolve
from processors.resolve import Resolver
from processors.worker import rules
from schemas.compiled import is_compiled
from schemas.identifiers import node_id, node_key
from schemas.orders import Erase, Forget, Order, Suppress
from schemas.pack import PackedEvent, encode_pack
from schemas.stream import InputRecord
from tests.bench.shop import shop
from tests.odd_events import EITHER, ODD_EVENTS, Odd

HASH_KEY = bytes(range(16))
NOW = 1_800_000_000_000
EVENTS_A_CHUNK, CHUNKS = 150, 8


def _odd(odd: Odd) -> PackedEvent:
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=node_key("main", "a", f"a-{odd.name}"),
        type="track",
        message_id=odd.message_id,
        received_at=NOW,
        sent_at="",
        context=b"",
        payload=odd.payload,
        unsigned_links=True,
    )


def _chunks() -> Iterator[tuple[list[PackedEvent], list[Order]]]:
    """A third of the events comes twice."""
    events = list(shop(EVENTS_A_CHUNK * CHUNKS))
    nodes = [node_id(event.routing, HASH_KEY) for event in events[::97]]
    until = events[-1].received_at
    for at in range(0, len(events), EVENTS_A_CHUNK):
        yield [*events[at : at + EVENTS_A_CHUNK], *events[max(0, at - EVENTS_A_CHUNK // 2) : at]], []
    yield [_odd(odd) for odd in ODD_EVENTS if odd.fate != EITHER], []
    yield (
        list(shop(EVENTS_A_CHUNK, seed=8)),
        [Forget(nodes[0], until), Erase(nodes[1], 0, until), Suppress(nodes[2])],
    )
    yield events[:EVENTS_A_CHUNK], []


def digests() -> Iterator[str]:
    """Of the outputs and the state after each chunk."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=16, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    ).with_rules(rules({}))
    state: dict[bytes, bytes] = {}
    for number, (events, orders) in enumerate(_chunks()):
        packs = [
            encode_pack(events[at : at + 8], orders if not at else []) for at in range(0, len(events), 8)
        ]
        records = [InputRecord(100 * number + at, NOW, None, pack) for at, pack in enumerate(packs)]
        outputs = resolver(3, records, state)
        told = repr([(out.topic, out.partition, out.key, out.value) for out in outputs])
        yield hashlib.sha256((told + repr(sorted(state.items()))).encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"is_compiled": is_compiled(resolve), "digests": list(digests())}))
