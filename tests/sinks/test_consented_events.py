"""What may be used for a purpose, asked of a real engine: by the view, and by segments."""

from typing import Any

import pytest
import yaml

from console.segments.segment_query import ask_members
from console.segments.segment_scope import Scope
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import inlined
from schemas.sources.sources import ConsentRules, Privacy
from schemas.wire.codec import RESOLVED_EVENT
from tests.documented import sql_of_the_documentation, yaml_of_the_documentation
from tests.sinks.stage import START_MS, Tables, event

CONSENTS = {
    # subject -> state, categories, signals
    1: ("granted", ["analytics", "marketing"], []),
    2: ("granted", ["analytics"], ["dnt"]),
    3: ("denied", ["marketing"], ["cookieless"]),
    4: ("pending", [], ["cookieless"]),
    5: ("", [], ["gpc", "cookieless"]),
    6: ("", [], []),
}


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    found = Tables(clickhouse, module_database)
    events = [
        event(subject, subject=subject, consent={"state": state, "categories": names, "signals": signals})
        for subject, (state, names, signals) in CONSENTS.items()
    ]
    found.insert("events_in", RESOLVED_EVENT, events, "t")
    return found


@pytest.mark.parametrize(("category", "subjects"), [("marketing", [1, 3]), ("analytics", [1, 2]), ("", [])])
def test_the_view_has_the_events_of_those_who_said_yes(
    tables: Tables, category: str, subjects: list[int]
) -> None:
    sql = "SELECT subject FROM consented_events(category = {category:String}) ORDER BY subject"
    found = tables.client.query(sql, {"category": category}).result_rows
    assert [row[0] for row in found] == subjects


CONDITIONS = [
    ({"path": "consent.categories", "op": "eq", "value": "marketing"}, [1, 3]),
    ({"path": "consent.categories", "op": "has_all", "value": ["analytics", "marketing"]}, [1]),
    ({"path": "consent.state", "op": "eq", "value": "granted"}, [1, 2]),
    ({"path": "consent.state", "op": "missing"}, [5, 6]),
    ({"path": "consent.signals", "op": "has_any", "value": ["gpc", "dnt"]}, [2, 5]),
]


@pytest.mark.parametrize(("condition", "subjects"), CONDITIONS)
def test_a_segment_can_ask_for_consent(
    tables: Tables, condition: dict[str, Any], subjects: list[int]
) -> None:
    where = {"did": {"event": "Product Viewed", "where": [condition]}}
    wanted = inlined(read_segment({"segment": "asked", "where": where, "people": {"known": "any"}}), {})
    found = dict(ask_members(tables.client, [wanted], START_MS + 10_000_000, Scope()))
    assert sorted(found) == subjects


def test_what_the_documentation_asks_is_answered(tables: Tables) -> None:
    by_view, by_state = (tables.rows(sql) for sql in sql_of_the_documentation("consent.md"))
    assert by_view == []  # of tracks, there are no pages
    assert sorted((state, nameless) for _, state, nameless, _ in by_state) == [
        ("", 0),
        ("", 1),
        ("denied", 1),
        ("granted", 0),
        ("pending", 1),
    ]


def test_what_the_documentation_configures_is_taken() -> None:
    sources, segments = (yaml.safe_load(text) for text in yaml_of_the_documentation("consent.md"))
    stored = ControlState(dict(parse_file(sources))).source("shop")
    assert stored is not None
    assert stored.consent == ConsentRules(categories=["analytics", "marketing"], needed="analytics")
    assert stored.privacy == Privacy()
    (segment,) = segments["segments"]
    assert read_segment(segment)
