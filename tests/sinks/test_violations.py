"""What does not conform, asked of a real engine: events that were stored, diverted and blocked."""

from typing import Any

from processors.enrichment.plans import Plans, compile_plan
from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.sources.plans import Plan
from schemas.stream import InputRecord
from schemas.wire.codec import DEAD_LETTER, RESOLVED_EVENT
from tests.documented import violations_of_the_documentation
from tests.processors.driver import HASH_KEY, packed
from tests.sinks.stage import Tables

BY_VIOLATION = (
    "SELECT source, event, violation, is_blocked, events, example, toString(day) FROM violations ORDER BY ALL"
)
DAY = "2024-05-05"  # the driver's events are received then

PRICE = "properties.products.*.price: expected an amount, found text that reads as a number"
ORDER = "properties.order_id: required and missing"
SENT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("m1", "shop", "Order Completed", {"order_id": "o", "products": [{"price": "1"}]}),
    ("m2", "shop", "Order Completed", {"products": [{}, {"price": "2"}]}),
    ("m3", "blog", "Read", {"minutes": -1}),
    ("m4", "blog", "Read", {"article": "a"}),
    ("m5", "blog", "Order Completed", {}),
    ("m6", "blog", "Written", {}),
]
WANTED = [
    ("blog", "Read", "properties.article: required by the plan and missing", True, 1, "m3", DAY),
    ("blog", "Read", "properties.minutes: the plan expects at least 0.5", True, 1, "m3", DAY),
    ("blog", "Written", "event: not in the plan", True, 1, "m6", DAY),
    ("odd", "Order Completed", ORDER, False, 1, "m5", DAY),
    ("shop", "Order Completed", ORDER, False, 1, "m2", DAY),
    ("shop", "Order Completed", PRICE, False, 2, "m2", DAY),
]


def _plans() -> Plans:
    read = {"required": ["article"], "properties": {"minutes": {"minimum": 0.5}}}
    events = {"Read": read, "Order Completed": {}}
    plan = Plan(
        source="blog", plan="block", spec="divert", divert_to="odd", unplanned="violation", events=events
    )
    return {"blog": compile_plan(plan)}


def _call(message_id: str, event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": message_id,
        "userId": "ann",
        "event": event,
        "properties": properties,
    }


def test_violations_are_counted_by_source_event_and_day(clickhouse: str, database: str) -> None:
    tables, plans = Tables(clickhouse, database), _plans()
    resolver = Resolver(hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=9)
    pack = encode_pack(
        [packed(_call(name, event, props), source=source) for name, source, event, props in SENT]
    )
    outputs = resolver.with_plans(lambda: plans)(0, [InputRecord(0, 0, None, pack)], {})
    for topic, table, schema in (
        ("events.resolved", "events_in", RESOLVED_EVENT),
        ("events.dead", "dead_letters_in", DEAD_LETTER),
    ):
        tables.insert(table, schema, [output.value for output in outputs if output.topic == topic], topic)
    assert tables.rows(BY_VIOLATION) == WANTED
    documented = tables.rows(violations_of_the_documentation().replace("today() - 7", f"toDate('{DAY}')"))
    assert documented[0] == ("shop", "Order Completed", PRICE, 2, "m2")
    assert len(documented) == len(WANTED)
    assert tables.rows("SELECT count() FROM events WHERE source = 'blog'") == [(1,)], "m4 alone is as planned"
    letter = [["main", "app", "resolve", "plan_violation", "no place; a.1.b: why"]]
    tables.client.insert(
        "dead_letters", letter, column_names=["workspace", "source", "stage", "reason", "detail"]
    )
    assert tables.rows("SELECT violation FROM violations WHERE source = 'app' ORDER BY violation") == [
        ("a.*.b: why",),
        ("no place",),
    ]
