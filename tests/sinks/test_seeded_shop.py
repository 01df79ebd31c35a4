"""A hundred thousand events of a shop through resolver, identity and a real engine, in another order than they happened and some
of them twice: the reports say what was done.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from processors.identity.identity import Identity
from processors.resolver.resolve import Resolver
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import partition_of
from schemas.stream import InputRecord, OutputRecord, Step
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.processors.driver import HASH_KEY, RECEIVED, packed
from tests.sinks.seeded_shop import USD_CENTS_PER_EUR, Shop
from tests.sinks.stage import Tables

pytestmark = pytest.mark.timeout(300)

PEOPLE = 4_600
PARTITIONS = 4
PACK_EVENTS, CHUNK_PACKS = 50, 20
BLOCK_ROWS = 20_000

RATE = (date(2020, 1, 1), "USD", "EUR", Decimal(100) / USD_CENTS_PER_EUR)

SESSIONS = """\
SELECT touch.channel AS channel, count(), countIf(is_bounce), sum(page_views), sum(duration_ms)
FROM sessions GROUP BY channel"""
PRODUCTS = """\
SELECT product, sum(viewed), sum(added), sum(units_ordered) FROM product_counters GROUP BY product"""
ORDERS = "SELECT order_id, net_base FROM orders"
FIRST_TOUCH = """\
SELECT touch.channel AS channel, count() FROM first_touch
WHERE profile_id IN (SELECT profile_id FROM profiles WHERE user_id != '') GROUP BY channel"""


def in_packs(events: Iterable[PackedEvent]) -> Iterator[tuple[int, bytes]]:
    waiting: dict[int, list[PackedEvent]] = defaultdict(list)
    for event in events:
        partition = partition_of(event.routing, PARTITIONS)
        waiting[partition].append(event)
        if len(waiting[partition]) == PACK_EVENTS:
            yield partition, encode_pack(waiting.pop(partition))
    for partition, rest in waiting.items():
        yield partition, encode_pack(rest)


class Agent:
    """One step with its state, fed chunk by chunk; `values` are what it put on public topics."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._states: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self._offset = 0

    def run(self, messages: Iterable[tuple[int, bytes]]) -> Iterator[OutputRecord]:
        waiting: dict[int, list[InputRecord]] = defaultdict(list)
        for partition, value in messages:
            self._offset += 1
            waiting[partition].append(InputRecord(self._offset, RECEIVED, None, value))
            if len(waiting[partition]) == CHUNK_PACKS:
                yield from self._step(partition, waiting.pop(partition), self._states[partition])
        for partition, rest in waiting.items():
            yield from self._step(partition, rest, self._states[partition])


def processed(shop: Shop) -> dict[str, list[bytes]]:
    """What the processors put on each topic."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=PARTITIONS, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    )
    events = (packed(call, source=source) for source, call in shop.arrivals(seed=5))
    topics: dict[str, list[bytes]] = defaultdict(list)
    facts = []
    for out in Agent(resolver).run(in_packs(events)):
        topics[out.topic].append(out.value)
        if out.topic == "identity.facts":
            facts.append((out.partition, out.value))
    identity = Agent(Identity(hash_key=HASH_KEY, partitions=PARTITIONS))
    while facts:  # what nodes derive for others comes back as facts
        sent = list(identity.run(facts))
        facts = [(out.partition, out.value) for out in sent if out.topic == "identity.facts"]
        for out in sent:
            topics[out.topic].append(out.value)
    return topics


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(seed=11, people=PEOPLE)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str, shop: Shop) -> Tables:
    tables = Tables(clickhouse, module_database)
    topics = processed(shop)
    events = topics["events.resolved"]
    for at in range(0, len(events), BLOCK_ROWS):
        tables.insert(
            "events_in", RESOLVED_EVENT, events[at : at + BLOCK_ROWS], f"t-0-{at}-{at + BLOCK_ROWS}"
        )
    tables.insert("pointers_in", POINTER, topics["identity.pointers"], "t-1-0-1")
    tables.client.insert("exchange_rates", [RATE], ["date", "currency", "base", "rate"])
    tables.reload((*DICTIONARIES, "exchange_rate"))
    return tables


def test_each_of_a_hundred_thousand_events_is_stored_once(tables: Tables, shop: Shop) -> None:
    assert len(shop.calls) > 100_000
    assert tables.row("SELECT count(), uniqExact(message_id) FROM events") == (
        len(shop.calls),
        len(shop.calls),
    )


def test_sessions_are_those_that_were_made(tables: Tables, shop: Shop) -> None:
    found = {row[0]: row[1:] for row in tables.rows(SESSIONS)}
    assert found == {
        channel: (count, shop.bounces[channel], shop.views[channel], shop.duration_ms[channel])
        for channel, count in shop.sessions.items()
    }


def test_first_touch_of_a_person_is_what_first_brought_them_on_any_device(tables: Tables, shop: Shop) -> None:
    assert dict(tables.rows(FIRST_TOUCH)) == dict(shop.first_channels())


def test_an_order_counts_once_whoever_reported_it_and_what_came_back_is_taken_off(
    tables: Tables, shop: Shop
) -> None:
    found = {order_id: round(net * 100) for order_id, net in tables.rows(ORDERS)}
    assert found == {order_id: order.net_euro_cents for order_id, order in shop.orders.items()}


def test_reports_count_the_same_visits_and_give_away_what_orders_brought(tables: Tables, shop: Shop) -> None:
    asked = "workspace = 'main', since = '2000-01-01', until = '2100-01-01', zone = 'UTC', people = 'any'"
    visits = tables.rows(
        "SELECT value, visits, bounces, page_views, revenue FROM "  # noqa: S608 - ours
        f"visit_statistics({asked}, bots = 'include', by = 'channel', lookback = '30d')"
    )
    assert {row[0]: row[1:4] for row in visits} == {
        channel: (count, shop.bounces[channel], shop.views[channel])
        for channel, count in shop.sessions.items()
    }
    net = sum(order.net_euro_cents for order in shop.orders.values())
    assert round(sum(row[4] for row in visits) * 100) == net
    models = ", ".join(f"sum({model}_revenue)" for model in ("first", "last", "linear", "position"))
    shared = tables.row(f"SELECT {models} FROM attribution({asked}, lookback = '30d')")  # noqa: S608 - ours
    assert [round(amount * 100) for amount in shared] == [net] * 4


def test_products_are_counted_as_they_were_looked_at_added_and_ordered(tables: Tables, shop: Shop) -> None:
    found = {row[0]: tuple(map(int, row[1:])) for row in tables.rows(PRODUCTS)}
    assert found == {
        sku: (shop.viewed[sku], shop.added[sku], shop.ordered[sku]) for sku in Counter(shop.viewed)
    }


def test_what_does_not_conform_is_named_as_often_as_it_was_made(tables: Tables, shop: Shop) -> None:
    sql = "SELECT sum(events) FROM violations WHERE violation LIKE 'properties.price: left out%'"
    assert tables.row(sql) == (shop.misspelt,)
