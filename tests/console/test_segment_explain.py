"""Why somebody is in a segment, from a real engine: verdicts, what was found, which leaves decide, and when that changes."""

import json
from typing import Any

import pytest

from console.segments.segment_explain import Change, Explainer, Explanation
from console.segments.segment_next import candidates
from console.segments.segment_query import Limits
from console.segments.segment_scope import Scope
from console.segments.segment_why import MESSAGES_MAX, Verdict
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import Inlined, inlined, leaves
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer

ANN, PHONE, MANY = 900, 1, 25
DAY = 86_400_000
AT_MS = START_MS + 2 * DAY
VIEWED = [{"event": "Product Viewed"}, {"event": "Order Completed"}]


def segment(where: dict[str, Any], **fields: Any) -> Inlined:
    return inlined(read_segment({"segment": "asked", "where": where, **fields}), {})


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    """Ann's phone: MANY views, a second apart, a plan, and an order a day later."""
    found = Tables(clickhouse, module_database)
    events = [event(number, subject=PHONE, message_id=f"view-{number:02}") for number in range(MANY)]
    told = json.dumps({"plan": "pro"})
    events.append(event(30, type="identify", event="", subject=ANN, traits=told, message_id="told"))
    events.append(
        event(31, event="Order Completed", subject=PHONE, message_id="order", timestamp=START_MS + DAY)
    )
    found.insert("events_in", RESOLVED_EVENT, events, "events")
    found.insert("pointers_in", POINTER, [pointer(PHONE, ANN)], "pointers")
    found.reload(DICTIONARIES)
    return found


def explained(
    tables: Tables, where: dict[str, Any], at_ms: int = AT_MS, profile: int = ANN, **fields: Any
) -> Explanation:
    scope = Scope(subjects=f"SELECT arrayJoin([{PHONE}, {ANN}]::Array(UInt64))")
    return Explainer(tables.client, segment(where, **fields), profile, scope, Limits()).explain(at_ms)


def parts(found: Explanation) -> list[Verdict]:
    """Those of the tree, behind the verdict on the people."""
    return found.why.parts[1].parts


def test_each_leaf_says_what_was_found_and_by_which_messages(tables: Tables) -> None:
    found = explained(
        tables,
        {
            "all": [
                {"did": {"event": "Product Viewed", "count": {"gte": 3}}},
                {"trait": {"name": "plan", "op": "eq", "value": "free"}},
                {"last": {"event": "Order Completed"}},
                {"sequence": {"steps": VIEWED, "within": "2d"}},
            ]
        },
    )
    views, plan, last, both = parts(found)
    assert not found.is_member
    assert (views.is_met, views.value, len(views.messages)) == (True, "25", MESSAGES_MAX)
    assert views.messages[0] == "view-24"
    assert (plan.is_met, plan.value, plan.messages) == (False, '"pro"', ["told"])
    assert (last.is_met, last.value, last.messages) == (True, "2023-11-15 22:13:20.000", ["order"])
    assert (both.is_met, both.value) == (True, "26")
    assert views.asked == {"event": "Product Viewed", "count": {"gte": 3}}


def test_of_a_false_all_the_false_parts_decide_and_of_a_true_any_the_true_ones(tables: Tables) -> None:
    order, never = {"did": {"event": "Order Completed"}}, {"did": {"event": "Never"}}
    both = explained(tables, {"all": [order, never, {"not": never}]})
    assert [part.decides for part in parts(both)] == [False, True, False]
    either = explained(tables, {"any": [order, never, {"not": never}]})
    assert [part.decides for part in parts(either)] == [True, False, True]
    assert parts(either)[2].parts[0].decides


def test_who_is_not_there_is_told_to_be_nobody(tables: Tables) -> None:
    found = explained(tables, {"not": {"did": {"event": "Never"}}}, profile=12345)
    assert not found.is_member
    assert [(part.kind, part.is_met) for part in found.why.parts] == [("people", False), ("not", True)]


def test_a_rolling_window_lets_go_a_millisecond_past_its_length(tables: Tables) -> None:
    found = explained(tables, {"did": {"event": "Order Completed", "window": {"last": "3d"}}})
    assert found.next_change == Change(START_MS + 4 * DAY + 1, False)


def test_days_of_a_zone_end_at_its_midnight(tables: Tables) -> None:
    window = {"calendar": {"last": 1, "unit": "day"}}
    found = explained(
        tables, {"did": {"event": "Order Completed", "window": window}}, timezone="Europe/Berlin"
    )
    assert found.is_member
    assert found.next_change == Change(1_700_175_600_000, False)  # 17 November 2023, 0:00 in Berlin


def test_what_did_not_follow_is_decided_when_its_time_is_over(tables: Tables) -> None:
    absent = {"did": {"event": "Order Completed"}, "then_not": {"event": "Refunded"}, "within": "5d"}
    found = explained(tables, {"absent": absent})
    assert not found.is_member
    assert found.next_change == Change(START_MS + 6 * DAY + 1, True)


def test_an_event_of_the_future_counts_when_its_time_is_past(tables: Tables) -> None:
    found = explained(tables, {"did": {"event": "Order Completed"}}, at_ms=START_MS + DAY // 2)
    assert (found.is_member, found.next_change) == (False, Change(START_MS + DAY + 1, True))


def test_without_a_window_nothing_changes_by_itself(tables: Tables) -> None:
    assert explained(tables, {"did": {"event": "Order Completed"}}).next_change is None


def test_an_anniversary_comes_in_on_the_first_day_that_sees_it() -> None:
    wanted = segment({"trait": {"name": "born", "op": "anniversary", "value": "7d"}})
    (leaf,) = leaves(wanted)
    born, at_ms = 951_782_400_000, 1_770_000_000_000  # 29 February 2000; 2 February 2026, 2:40 UTC
    assert list(candidates(leaf, [born], at_ms)) == [1_771_718_400_000]  # 22 February: the 28th is in a week
