"""Events per second of the resolver's core on packs of 100 realistic events, with state in memory.

Run `python -m tests.bench.steps [--profile]`.
"""

import argparse
import cProfile
import pstats
import random
import sys
import time
from collections.abc import Iterator

import msgspec

from processors.identity.identity import Identity
from processors.resolver.resolve import Resolver
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_key
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import IDENTITY_FACTS

HASH_KEY = bytes(range(16))
NOW = 1_714_900_000_000
EVENTS_PER_PACK, PACKS_PER_CHUNK = 100, 20


def event(number: int, visitor: int, rng: random.Random) -> PackedEvent:
    """A shop's traffic: mostly page and track calls, 40 % of visitors known, 2 % identify calls."""
    anonymous = f"6f1c1c5e-7a37-4d5a-9d6b-{visitor:012d}"
    kind = "identify" if rng.random() < 0.02 else rng.choice(("page", "track", "track"))
    call = {
        "type": kind,
        "event": "Product Viewed",
        "anonymousId": anonymous,
        "messageId": f"ajs-next-{NOW}-{number:012d}",
        "timestamp": "2024-05-05T10:00:00.123Z",
        "sentAt": "2024-05-05T10:00:01.456Z",
        "properties": {
            "product_id": "p-1234",
            "name": "Blue chair",
            "price": 49.9,
            "currency": "EUR",
            "position": 3,
        },
        "context": {
            "page": {
                "url": f"https://shop.example/chairs/{number}?utm_source=mail",
                "path": "/chairs",
                "title": "Chair",
            },
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36",
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
            "library": {"name": "analytics.js", "version": "npm:next-1.66.0"},
        },
        "integrations": {},
    }
    if visitor % 5 < 2:
        call["userId"] = f"user-{visitor}"
    if kind == "identify":
        call["traits"] = {"email": f"person.{visitor}@example.com", "plan": "pro"}
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=node_key("main", "a", anonymous),
        type=kind,
        message_id=str(call["messageId"]),
        received_at=NOW + number,
        sent_at="",
        context=b"",
        payload=msgspec.json.encode(call),
        unsigned_links=True,
    )


def chunks(events: int, visitors: int) -> list[list[InputRecord]]:
    rng = random.Random(7)  # noqa: S311 - made-up traffic
    packs = [
        encode_pack([event(start + i, rng.randrange(visitors), rng) for i in range(EVENTS_PER_PACK)])
        for start in range(0, events, EVENTS_PER_PACK)
    ]
    records = [InputRecord(offset, NOW, None, value) for offset, value in enumerate(packs)]
    return [records[at : at + PACKS_PER_CHUNK] for at in range(0, len(records), PACKS_PER_CHUNK)]


def measure(events: int, visitors: int) -> Iterator[str]:
    """One line of figures per step."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=16, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    )
    identity = Identity(hash_key=HASH_KEY, partitions=16)
    work = chunks(events, visitors)
    state: dict[bytes, bytes] = {}
    outputs: list[OutputRecord] = []
    size = sum(len(record.value or b"") for chunk in work for record in chunk) // events
    began = time.process_time()
    for chunk in work:
        outputs += resolver(0, chunk, state)
    took = time.process_time() - began
    yield f"resolve: {events / took:,.0f} events/s, {took / events * 1e6:.1f} us and {size} B an event"
    stored = sum(len(value) for value in state.values())
    yield f"state of resolve: {len(state):,} keys, {stored / len(state):.0f} B a key"
    facts = [
        InputRecord(n, NOW, None, out.value)
        for n, out in enumerate(outputs)
        if out.topic == IDENTITY_FACTS.name
    ]
    nodes: dict[bytes, bytes] = {}
    began = time.process_time()
    for at in range(0, len(facts), 200):
        identity(0, facts[at : at + 200], nodes)
    took = time.process_time() - began
    yield f"identity: {len(facts)} packs of facts about {len(nodes):,} nodes, {took / len(nodes) * 1e6:.0f} us a node"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--visitors", type=int, default=6_000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if options.profile:
        with cProfile.Profile() as profile:
            lines = list(measure(options.events, options.visitors))
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    else:
        lines = list(measure(options.events, options.visitors))
    sys.stdout.write("\n".join([*lines, ""]))
