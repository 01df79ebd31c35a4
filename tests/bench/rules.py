"""What matching rules costs: agent `triggers` on a shop's mixed traffic, state in memory, CPU time of one thread.

Two hundred rules as a shop has them, of which most ask for events that the traffic has not; two events of five are named by some
rule, and filters decide. Beside it the two ends: no rule asks for anything, and one asks for everything.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from processors.resolver.resolve import Resolver
from processors.rules.resolved_peek import begins_visit, peek, texts_of
from processors.rules.rule_index import RuleIndex, indexed
from processors.rules.triggers import Triggers
from processors.worker import rules as enrichment
from schemas.control import ControlState
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import EVENTS_RESOLVED, RULES_FACTS
from tests.bench import firings
from tests.bench.enrichment import HASH_KEY, chunks
from tests.bench.figures import Figure
from tests.bench.shop import shop

EVENTS, ROUNDS, PARTITIONS = 20_000, 7, 16
CHUNK_RECORDS = 500
RATE_MIN = 10_000
SHOP_RULES, OTHER_RULES = 40, 160

_FILTERS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"path": "value", "op": "gte", "value": 100}],
    [
        {
            "any": {
                "path": "products",
                "where": [{"path": "category", "op": "starts_with", "value": "Furniture"}],
            }
        }
    ],
    [
        {"path": "page.path", "op": "matches", "value": "^/(chairs|tables)"},
        {"path": "coupon", "op": "exists"},
    ],
    [{"path": "brand", "op": "in", "value": ["Brand 1", "Brand 2", "Brand 3"]}],
)
_TRIGGERS: tuple[dict[str, Any], ...] = (
    {"event": {"event": "Product Added"}},
    {"event": {"event": "Order Completed"}},
    {"event": {"event": "Cart Viewed"}},
    {"event": {"event": ["Product Added", "Order Completed"]}},
    {"absence": {"after": {"event": "Product Added"}, "of": {"event": "Order Completed"}, "within": "1h"}},
    {"trait": {"name": "plan"}},
    {"source": {"campaigns": ["spring"]}},
    {"event": {"event": "Chairs", "type": "page"}},
)


def shop_rules() -> Iterator[dict[str, Any]]:
    for number in range(SHOP_RULES):
        trigger, where = _TRIGGERS[number % len(_TRIGGERS)], _FILTERS[number % len(_FILTERS)]
        yield _rule(f"shop-{number}", trigger, where)
    for number in range(OTHER_RULES):
        yield _rule(
            f"other-{number}", {"event": {"event": f"Event {number}"}}, _FILTERS[number % len(_FILTERS)]
        )


def _rule(name: str, trigger: dict[str, Any], where: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    action = {"webhook": {"destination": "crm"}}
    return {"rule": name, "trigger": trigger, "conditions": {"where": list(where)}, "action": action}


def index_of(documents: Iterator[dict[str, Any]] | Sequence[dict[str, Any]]) -> RuleIndex:
    stored = {f"rule/main/{each['rule']}": msgspec.json.encode(each) for each in documents}
    index, problems = indexed(ControlState(stored))
    assert not problems, problems
    return index


def resolved(events: int) -> list[bytes]:
    """What the resolver makes of the shop's traffic."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=PARTITIONS, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    ).with_rules(enrichment({}))
    state: dict[bytes, bytes] = {}
    outputs = [each for chunk in chunks(shop(events)) for each in resolver(0, chunk, state)]
    return [each.value for each in outputs if each.topic == EVENTS_RESOLVED.name]


def in_chunks(values: Sequence[bytes]) -> list[list[InputRecord]]:
    records = [InputRecord(number, 0, None, value) for number, value in enumerate(values)]
    return [records[at : at + CHUNK_RECORDS] for at in range(0, len(records), CHUNK_RECORDS)]


def passed(work: Sequence[Sequence[InputRecord]], index: RuleIndex) -> list[OutputRecord]:
    step = Triggers(lambda: index, hash_key=HASH_KEY, partitions=PARTITIONS)
    return [each for chunk in work for each in step(0, chunk, {})]


def cpu_us(work: Sequence[Sequence[InputRecord]], index: RuleIndex, rounds: int) -> float:
    passed(work, index)
    count = sum(map(len, work))
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        passed(work, index)
        taken.append((time.process_time() - began) / count * 1e6)
    return statistics.median(taken)


def figures(events: int, rounds: int) -> Iterator[Figure]:
    values = resolved(events)
    work = in_chunks(values)
    yield _figure("a resolved event", sum(map(len, values)) / len(values), "B")
    index = index_of(shop_rules())
    asked = [record.value for chunk in work for record in chunk if _is_asked(index, record.value or b"")]
    yield _figure("events that some rule names", 100 * len(asked) / len(values), "%")
    us = cpu_us(work, index, rounds)
    outputs = [each for each in passed(work, index) if each.topic == RULES_FACTS.name]
    yield _figure("200 rules: CPU", us, "us/event")
    yield _figure("200 rules: rate", 1e6 / us, "events/s", at_least=RATE_MIN)
    yield _figure("200 rules: sent", sum(len(each.value) for each in outputs) / len(values), "B/event")
    for name, documents in (
        ("no rule asks", [_rule("none", {"event": {"event": "Nothing"}})]),
        ("one rule asks for each", [_rule("all", {"event": {"event": "*"}})]),
    ):
        us = cpu_us(work, index_of(documents), rounds)
        yield _figure(f"{name}: CPU", us, "us/event")
        yield _figure(f"{name}: rate", 1e6 / us, "events/s")
    began = time.process_time()
    index_of(shop_rules())
    yield _figure("200 rules compiled", (time.process_time() - began) * 1000, "ms")


def _is_asked(index: RuleIndex, value: bytes) -> bool:
    key, at = peek(value)
    wanted, are_visits_asked = index.remember(key, texts_of(key))
    return bool(wanted.rules) or (are_visits_asked and begins_visit(value, at))


def _figure(name: str, value: float, unit: str, at_least: float | None = None) -> Figure:
    rounded = round(value, 1) if value < 100 else round(value)
    return Figure(stage="rules", name=name, value=rounded, unit=unit, at_least=at_least)


def run(events: int = EVENTS, rounds: int = ROUNDS) -> list[Figure]:
    return [*figures(events, rounds), *firings.figures()]
