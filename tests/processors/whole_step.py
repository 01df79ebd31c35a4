"""Everything that the three steps do with a shop's traffic, odd events and orders, and what rules of all sorts then ask for, as
digests: `python -m tests.processors.whole_step`. Run twice, it tells whether two ways of running the same sources differ, and in
which chunk first.
"""

import hashlib
import json
import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from processors.commerce.commerce_agent import Commerce
from processors.identity.identity import Identity
from processors.resolver import resolve
from processors.resolver.resolve import Resolver
from processors.rules.triggers import Triggers
from processors.worker import rules
from schemas.compiled import is_compiled
from schemas.events.call import CALL_TYPES
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_id, node_key
from schemas.identity.orders import Erase, Forget, Order, Suppress
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import COMMERCE_FACTS, EVENTS_RESOLVED, IDENTITY_FACTS
from tests.bench.rules import index_of, shop_rules
from tests.bench.shop import shop
from tests.odd_events import EITHER, ODD_EVENTS, Odd
from tests.processors.rule_documents import DOCUMENTS, TYPED
from tests.processors.rule_questions import FEW, ORDER_PATHS, PROPERTY_PATHS, TESTS, TYPED_PATHS
from tests.processors.rule_records import resolved

RANDOM_EVENTS = 300
HASH_KEY = bytes(range(16))
NOW = 1_800_000_000_000
EVENTS_A_CHUNK, CHUNKS = 150, 8

LETTERS = 'ab09-_ ="%?&/.@\\\u00e9\u20ac\U0001f600\x00'
NAMES = ("Product Viewed", "Product Added", "Order Completed", "Cart Viewed", "logout", "My own")
SCALARS = ("userId", "previousId", "groupId", "event", "name", "timestamp", "originalTimestamp", "sentAt")
OBJECTS = ("traits", "properties", "context", "integrations")
MEMBERS = (
    *("url", "search", "referrer", "email", "price", "quantity", "product_id", "products", "position", "currency", "revenue"),
    *("page", "userAgent", "campaign", "name", "source", "ip", "traits", "externalIds", "type", "id", "device", "ClickHouse"),
)  # fmt: skip


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


def _random_events(seed: int) -> Iterator[PackedEvent]:
    """What no client has in mind: each field is there or not, of any type, numbers near those at which their bytes grow."""
    rng = random.Random(seed)  # noqa: S311 - made-up traffic
    for number in range(RANDOM_EVENTS):
        anonymous = _text(rng)
        call = {name: _value(rng, 0) for name in SCALARS} | {name: _value(rng, 3) for name in OBJECTS}
        call |= {"anonymousId": anonymous} if rng.random() < 0.8 else {}
        call |= {"event": rng.choice(NAMES)} if rng.random() < 0.8 else {}
        yield PackedEvent(
            workspace="main",
            source=_text(rng),
            routing=node_key("main", "a", anonymous),
            type=rng.choice(CALL_TYPES),
            message_id=f"{seed}-{number}",
            received_at=_number(rng),
            sent_at=rng.choice(("", "2026-01-02T09:00:00.001Z", _text(rng))),
            context=b"",
            payload=msgspec.json.encode(call),
            unsigned_links=rng.random() < 0.5,
        )


def _number(rng: random.Random) -> int:
    return max(0, (1 << rng.randrange(63)) + rng.randint(-2, 2))


def _text(rng: random.Random) -> str:
    return "".join(rng.choices(LETTERS, k=rng.choice((0, 1, 5, 40, 70, 300))))


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 7)
    if kind < 7:
        moment = f"{rng.randrange(1969, 2202)}-0{rng.randrange(10)}-1{rng.randrange(10)}T09:00:00.{rng.randrange(1000):03}Z"
        number = _number(rng)
        return (None, _text(rng), moment, number, -number, number / 1000, rng.random() < 0.5)[kind]
    if kind == 7:
        return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(MEMBERS): _value(rng, depth - 1) for _ in range(rng.randrange(6))}


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
    for seed in range(4):
        yield list(_random_events(seed)), []


def _told(topic: str, outputs: Sequence[OutputRecord]) -> list[InputRecord]:
    """What a step says to another one."""
    values = [out.value for out in outputs if out.topic == topic]
    return [InputRecord(offset, NOW, None, value) for offset, value in enumerate(values)]


def _asking() -> Iterator[dict[str, Any]]:
    """A shop's rules; and one for every operator, of properties, of lists and of columns."""
    yield from shop_rules()
    asked = [(path, each) for path in PROPERTY_PATHS[::2] for each in TESTS]
    asked += [(path, each) for path in (*TYPED_PATHS, *ORDER_PATHS) for each in FEW]
    for number, (path, each) in enumerate(asked):
        where = [{"path": path, **each}, {"any": {"path": "list", "where": [{"path": "w", **each}]}}]
        trigger = {"event": {"event": "*", "where": [{"any_of": where}]}}
        yield {"rule": f"asks-{number}", "trigger": trigger, "action": {"event": {"name": "Asked"}}}


def _of_rules() -> Iterator[str]:
    """Events whose parts are hard to read."""
    index = index_of(list(_asking()))
    step = Triggers(lambda: index, hash_key=HASH_KEY, partitions=16)
    said = [*({"properties": each} for each in DOCUMENTS), *({**each} for each in TYPED)]
    for at in range(0, len(said), EVENTS_A_CHUNK):
        values = [resolved(at + number, **each) for number, each in enumerate(said[at : at + EVENTS_A_CHUNK])]
        yield _digest(
            step(3, [InputRecord(number, NOW, None, value) for number, value in enumerate(values)], {})
        )


def _digest(outputs: Sequence[OutputRecord], *states: dict[bytes, bytes]) -> str:
    told = repr([(out.topic, out.partition, out.key, out.value) for out in outputs])
    kept = repr([sorted(state.items()) for state in states])
    return hashlib.sha256((told + kept).encode()).hexdigest()


def digests() -> Iterator[str]:
    """Of the outputs and the states after each chunk."""
    shop_index = index_of(list(shop_rules()))
    triggers = Triggers(lambda: shop_index, hash_key=HASH_KEY, partitions=16)
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=16, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    ).with_rules(rules({}))
    identity = Identity(hash_key=HASH_KEY, partitions=16)
    commerce = Commerce(hash_key=HASH_KEY, partitions=16, abandoned_after_s=60)
    states: list[dict[bytes, bytes]] = [{}, {}, {}]
    for number, (events, orders) in enumerate(_chunks()):
        packs = [
            encode_pack(events[at : at + 8], orders if not at else []) for at in range(0, len(events), 8)
        ]
        records = [InputRecord(100 * number + at, NOW, None, pack) for at, pack in enumerate(packs)]
        outputs = resolver(3, records, states[0])
        facts = identity(3, _told(IDENTITY_FACTS.name, outputs), states[1])
        outputs += [*facts, *identity(3, _told(IDENTITY_FACTS.name, facts), states[1])]
        outputs += commerce(3, _told(COMMERCE_FACTS.name, outputs), states[2])
        outputs += triggers(3, _told(EVENTS_RESOLVED.name, outputs), {})
        yield _digest(outputs, *states)
    yield from _of_rules()


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"is_compiled": is_compiled(resolve), "digests": list(digests())}))
