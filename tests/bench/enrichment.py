"""What enrichment costs: the resolver's step with and without it on a shop's mixed traffic, each part's share, and what is
kept of a visitor. State in memory, packs of 8 in chunks as one fetch brings them, settings as shipped.

The whole is the difference of two passes, taken in turns in CPU time. A part's share is what passes within it on the way of an
event, by a CPU clock around it; what that clock costs is measured too and taken off. Writing the stamps is a part, too.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from types import SimpleNamespace
from typing import Any

from processors.commerce import told_products
from processors.enrichment import enrichment
from processors.enrichment.channel import Channels
from processors.enrichment.plans import Judged
from processors.resolver import duplicates, resolve
from processors.resolver.resolve import Resolver
from processors.worker import rules
from schemas.events.pack import PackedEvent, encode_pack
from schemas.stream import InputRecord
from schemas.wire.avro import Writer
from schemas.wire.stamp_codec import put_stamps
from schemas.wire.stamps import NO_MEANING, NO_STAMPS, Stamps
from tests.bench.figures import Figure
from tests.bench.meter import PER
from tests.bench.shop import AGENTS, ARRIVALS, START, Visitor, packed, shop, visit
from tests.processors.driver import kept

HASH_KEY = bytes(range(16))
EVENTS, ROUNDS = 12_000, 9
PACK_EVENTS, PACKS_PER_CHUNK = 8, 40
SIZED_VISITORS, VISITS_OF_AN_ACTIVE_ONE = 500, 6
ALL_US_MAX, RESOLVE_RATE_MIN, RESOLVE_CPU_S_MAX = 20, 20_000, 4.5
ONE_VISIT_BYTES_MAX, ACTIVE_BYTES_MAX = 150, 400

# Where the parts are called: a function of a module, or a method, by the class under whose name a module makes its object.
PARTS: tuple[tuple[str, Any, str], ...] = (
    ("semantics and plans", resolve, "judge"),
    ("context", enrichment, "surroundings"),
    ("channel", Channels, "touch"),
    ("commerce", enrichment, "with_commerce"),
    ("visits", enrichment, "Visits.of"),
    ("visits: state", enrichment, "Visits.save"),
    ("facts of carts and products", resolve, "CommerceOutbox.add"),
)

Change = tuple[Any, str, Callable[[Any], Any]]
State = dict[bytes, bytes]
Chunks = list[list[InputRecord]]


def chunks(events: Iterable[PackedEvent]) -> Chunks:
    listed = list(events)
    packs = [encode_pack(listed[at : at + PACK_EVENTS]) for at in range(0, len(listed), PACK_EVENTS)]
    records = [InputRecord(offset, 0, None, value) for offset, value in enumerate(packs)]
    return [records[at : at + PACKS_PER_CHUNK] for at in range(0, len(records), PACKS_PER_CHUNK)]


def resolver() -> Resolver:
    """One that remembers nothing. A worker makes it once: reading the tables of user agents is no part of any event."""
    return Resolver(
        hash_key=HASH_KEY, partitions=16, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    ).with_rules(rules({}))


def passed(work: Chunks, resolver: Resolver) -> State:
    """All of it through a resolver's step; what it keeps."""
    state: State = {}
    for chunk in work:
        resolver(0, chunk, state)
    return state


def cpu_us(work: Chunks, events: int) -> float:
    fresh = resolver()
    began = time.process_time()
    passed(work, fresh)
    return (time.process_time() - began) / events * 1e6


@contextmanager
def replaced(changes: Iterable[Change]) -> Iterator[None]:
    """Names that mean something else for a while: what is made of what they mean. A compiled class cannot be changed: another one
    is derived from it."""
    before = []
    for owner, name, change in changes:
        name, _, method = name.partition(".")
        found = getattr(owner, name)
        before.append((owner, name, found))
        value = type(name, (found,), {method: change(getattr(found, method))}) if method else change(found)
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, found in reversed(before):
            setattr(owner, name, found)


def _always(part: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda _: part


NO_PARTS: tuple[Change, ...] = (
    (resolve, "judge", _always(lambda plans, event: Judged(NO_MEANING))),
    (resolve, "Enrichment.stamps", _always(lambda *given: NO_STAMPS)),
    (resolve, "CommerceOutbox.add", _always(lambda *given: None)),
)


def whole(events: int, rounds: int) -> Iterator[Figure]:
    work, complete, bare = chunks(shop(events)), list[float](), list[float]()
    passed(work, resolver())
    for _ in range(rounds):
        complete.append(cpu_us(work, events))
        with replaced(NO_PARTS):
            bare.append(cpu_us(work, events))
    us, without = statistics.median(complete), statistics.median(bare)
    steps = statistics.median(each - other for each, other in zip(complete, bare, strict=True))
    size = sum(len(record.value or b"") for chunk in work for record in chunk) / events
    yield _figure("an event as packed", size, "B")
    yield _figure("all parts together", steps, "us/event", at_most=ALL_US_MAX)
    yield _figure("resolve without them", without, "us/event")
    yield _figure("resolve complete: CPU", us * PER / 1e6, "s/100,000", at_most=RESOLVE_CPU_S_MAX)
    yield _figure("resolve complete: rate", 1e6 / us, "events/s", at_least=RESOLVE_RATE_MIN)


def shares(events: int, rounds: int) -> Iterator[Figure]:
    work = chunks(shop(events))
    clocks = {name: SimpleNamespace(ns=0, calls=0) for name, _, _ in PARTS}
    timed = [(owner, name, _timed_by(clocks[part])) for part, owner, name in PARTS]
    passed(work, resolver())
    found: dict[str, list[float]] = {name: [] for name in clocks}
    with replaced(timed):
        for _ in range(rounds):
            passed(work, resolver())
            for name, us in _taken(clocks, events).items():
                found[name].append(us)
    found["written into the record"] = [us / events for us in _written_us(work, rounds)]
    for name, values in found.items():
        yield _figure(f"of it {name}", statistics.median(values), "us/event")


def _written_us(work: Chunks, rounds: int) -> Iterator[float]:
    """Of all stamps: that is a call within C, which no clock comes between. They are written once more, and apart."""
    stamps: list[Stamps] = []

    def kept_by(part: Callable[..., Stamps]) -> Callable[..., Stamps]:
        def keeping(*given: Any) -> Stamps:
            stamps.append(part(*given))
            return stamps[-1]

        return keeping

    with replaced([(resolve, "Enrichment.stamps", kept_by)]):
        passed(work, resolver())
    for _ in range(rounds):
        began = time.thread_time_ns()
        for each in stamps:
            put_stamps(Writer(), each)
        whole = time.thread_time_ns()
        for _ in stamps:
            Writer()
        yield (2 * whole - began - time.thread_time_ns()) / 1000


def _timed_by(clock: SimpleNamespace) -> Callable[[Any], Any]:
    return lambda part: _timed(part, clock)


def _timed(part: Callable[..., Any], clock: SimpleNamespace) -> Callable[..., Any]:
    now = time.thread_time_ns  # dear, but untouched by what else runs

    @wraps(part)
    def measured(*given: Any) -> Any:
        began = now()
        found = part(*given)
        clock.ns += now() - began
        clock.calls += 1
        return found

    return measured


def _taken(clocks: Mapping[str, SimpleNamespace], events: int) -> dict[str, float]:
    """Since the last time, without what the clock itself costs."""
    empty = SimpleNamespace(ns=0, calls=0)
    nothing = _timed(lambda: None, empty)
    for _ in range(events):
        nothing()
    us = {}
    for name, clock in clocks.items():
        us[name] = max(0.0, clock.ns - clock.calls * empty.ns / empty.calls) / events / 1000
        clock.ns = clock.calls = 0
    return us


def sizes(visitors: int) -> Iterator[Figure]:
    """Keys and values of the resolver's state, per device; what is known of products is one value for each of them."""
    for name, visits, at_most in (
        ("a device of one visit", 1, ONE_VISIT_BYTES_MAX),
        ("an active device", VISITS_OF_AN_ACTIVE_ONE, ACTIVE_BYTES_MAX),
    ):
        state = passed(chunks(_visits(visitors, visits)), resolver())
        ids = sum(map(len, kept(state, duplicates.PREFIX).values()))
        products = {key: value for key, value in state.items() if key.startswith(told_products.PREFIX)}
        rest = _bytes(state) - _bytes(products) - ids
        yield _figure(f"{len(products)} products, for each of them", _bytes(products) / len(products), "B")
        yield _figure(f"state of {name}", rest / visitors, "B", at_most=at_most)
        yield _figure(f"its window of duplicates, {visits} visits", ids / visitors, "B")


def _visits(visitors: int, visits: int) -> Iterator[PackedEvent]:
    """A day apart from each other, each brought by something else; who comes more often is known."""
    rng = random.Random(7)  # noqa: S311 - made-up traffic
    for day in range(visits):
        for number in range(visitors):
            user = f"user-{number}" if visits > 1 else ""
            visitor = Visitor(
                number, AGENTS[0].format(120, 0), user, ARRIVALS[(number + day) % len(ARRIVALS)]
            )
            calls = (call for call in visit(visitor, rng) if "anonymousId" in call)
            for place, call in enumerate(calls):
                moment = START + timedelta(days=day, seconds=20 * place, milliseconds=number)
                yield packed(call, f"ajs-next-{day}-{number}-{place}", moment)


def _bytes(state: State) -> int:
    return sum(len(key) + len(value) for key, value in state.items())


def _figure(
    name: str, value: float, unit: str, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    rounded = round(value, 1) if value < 100 else round(value)
    return Figure(stage="enrichment", name=name, value=rounded, unit=unit, at_most=at_most, at_least=at_least)


def run(events: int = EVENTS, rounds: int = ROUNDS) -> list[Figure]:
    return [*whole(events, rounds), *shares(events, rounds), *sizes(SIZED_VISITORS)]
