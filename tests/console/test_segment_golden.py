"""Whole queries as people read them: each source of rows once, and the whole of a typical one. The expected texts are the files
of segment_golden/; whoever changes a query reads there what became of it.
"""

from pathlib import Path
from typing import Any

import pytest

from console.segments.segment_compiler import compile_members
from console.segments.segment_scope import Scope
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_sql import plain
from schemas.segments.segment_tree import Inlined, inlined

FOLDER = Path(__file__).parent / "segment_golden"
AT_MS = 1_767_225_600_000  # 2026

ORDERED = {"event": "Order Completed"}
LAPSED = {
    "all": [
        {"did": {**ORDERED, "count": {"gte": 2}, "window": {"last": "90d"}}},
        {"not": {"did": {**ORDERED, "window": {"last": "30d"}}}},
        {"trait": {"name": "plan", "op": "in", "value": ["pro", "team"]}},
    ]
}
OTHER_SOURCES = {
    "any": [
        {"id": {"has": "email"}},
        {"id": {"lacks": "external:crm"}},
        {"in_list": "vip"},
        {"profile": {"first_seen": {"last": "7d"}}},
        {"group": {"where": [{"name": "seats", "op": "gte", "value": 5}]}},
    ]
}
CHAIN = {
    "sequence": {
        "steps": [{"event": "Viewed"}, ORDERED],
        "within": "2d",
        "without": {"event": "Refunded"},
        "same": "sku",
    }
}
ABSENT = {"absent": {"did": {"event": "Viewed"}, "then_not": ORDERED, "within": "1d"}}
VALUES = {
    "did": {
        **ORDERED,
        "sum": {"path": "revenue", "gte": 99.5},
        "where": [
            {"any": {"path": "products", "where": [{"path": "category", "op": "eq", "value": "shoes"}]}},
            {"path": "gift.note", "op": "contains", "value": "birthday"},
        ],
    }
}
THEN = Scope(known_at_ms=AT_MS, identity="then")
PARTED = Scope(database="stitchline", subjects="SELECT 1", profiles="SELECT 2", part=(1, 4))


def segment(where: dict[str, Any], **fields: Any) -> Inlined:
    return inlined(read_segment({"segment": "asked", "where": where, **fields}), {})


QUERIES = {
    "lapsed": ([segment(LAPSED)], Scope()),
    "nobody_did": ([segment({"not": {"did": ORDERED}})], Scope()),
    "other_sources": ([segment(OTHER_SOURCES)], Scope()),
    "chain": ([segment(CHAIN)], Scope()),
    "absent": ([segment(ABSENT)], Scope()),
    "values": ([segment(VALUES)], Scope()),
    "then": ([segment({"did": ORDERED}, people={"known": "any"})], THEN),
    "two_in_parts": ([segment({"did": ORDERED}), segment(LAPSED, people={"bots": "include"})], PARTED),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reads_as_expected(name: str) -> None:
    wanted, scope = QUERIES[name]
    assert plain(compile_members(wanted, AT_MS, scope)) == (FOLDER / f"{name}.sql").read_text()


def test_a_value_stands_in_no_text_that_is_sent() -> None:
    trait = {"trait": {"name": "plan", "op": "eq", "value": "x' OR 1 = 1 --"}}
    query = compile_members([segment(trait)], AT_MS, Scope())
    assert "OR 1 = 1" not in query.sql
    assert "x' OR 1 = 1 --" in query.parameters.values()


def test_equal_conditions_of_two_segments_are_one_column() -> None:
    one = compile_members([segment({"did": ORDERED})], AT_MS, Scope())
    two = compile_members([segment({"did": ORDERED}), segment({"all": [{"did": ORDERED}]})], AT_MS, Scope())
    assert one.sql.count("countIf") == two.sql.count("countIf") == 1
    assert one.parameters == two.parameters
