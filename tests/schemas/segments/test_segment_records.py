"""Segments of configuration files as documents, and which ones may go."""

from typing import Any

import msgspec
import pytest

from schemas.configuration.configuration_file import parse_file, section
from schemas.control import ControlState
from schemas.segments.segment_records import SEGMENT_BYTES_MAX, refuse_broken_uses, segment_records
from schemas.segments.segment_tree import BadSegment

LIST = {"in_list": "l"}
A = {"segment": "a", "where": {"not": {"in_segment": "b"}}}
B = {"segment": "b", "where": LIST}
GONE = {"segment": "b", "deleted": True}


def state_of(*entries: Any) -> ControlState:
    return ControlState().updated(segment_records(entries).items())


def apply(state: ControlState, *entries: Any) -> ControlState:
    """As `stitchline apply` does, Kafka left out."""
    records = segment_records(entries)
    after = state.updated(records.items())
    refuse_broken_uses(state.segments, after.segments, records)
    return after


def test_segments_of_a_file_become_documents_by_workspace_and_name() -> None:
    document = {"segments": [A, B | {"workspace": "second"}]}
    assert parse_file(document) == {}
    assert list(segment_records(section(document, "segments"))) == ["segment/main/a", "segment/second/b"]
    assert section(None, "segments") == []


def test_a_segment_is_kept_until_it_is_replaced_or_deleted() -> None:
    state = apply(ControlState(), B)
    assert state.segments["segment/main/b"].where.in_list == "l"
    assert apply(state).segments["segment/main/b"] is state.segments["segment/main/b"]
    assert apply(state, B | {"where": {"in_list": "m"}}).segments["segment/main/b"].where.in_list == "m"
    assert apply(state, GONE).segments == {}
    assert "segment/main/b" not in apply(state, GONE).documents
    assert state.segments["segment/main/b"].where.in_list == "l", "a state itself never changes"


def test_a_segment_that_cannot_be_read_leaves_the_last_one() -> None:
    state = state_of(B).updated([("segment/main/b", b'{"segment": "b", "where": {"will_do": {}}}')])
    assert state.segments["segment/main/b"].where.in_list == "l"
    assert list(state.unreadable) == ["segment/main/b"]


def test_a_segment_that_uses_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadSegment, match="in_segment names b"):
        apply(ControlState(), A)
    assert len(apply(ControlState(), A, B).segments) == 2
    assert len(apply(state_of(B), A).segments) == 2


def test_a_segment_that_another_one_uses_is_not_deleted() -> None:
    state = apply(ControlState(), A, B)
    with pytest.raises(
        BadSegment, match="segment b cannot be deleted, a uses it: take in_segment: b out there"
    ):
        apply(state, GONE)
    with pytest.raises(BadSegment, match="a and c use it"):
        apply(apply(state, {"segment": "c", "where": {"in_segment": "b"}}), GONE)
    assert apply(state, GONE, {"segment": "a", "deleted": True}).segments == {}
    assert list(apply(state, GONE, A | {"where": LIST}).segments) == ["segment/main/a"]


def test_a_segment_of_another_workspace_is_nobodys_here() -> None:
    state = apply(ControlState(), A, B, B | {"workspace": "second"})
    assert len(apply(state, GONE | {"workspace": "second"}).segments) == 2


def test_an_edit_that_makes_a_user_of_the_segment_too_large_is_refused() -> None:
    state = apply(ControlState(), A, B)
    with pytest.raises(BadSegment, match="segment a: more than 64 conditions"):
        apply(
            apply(state, A | {"where": {"any": [{"in_segment": "b"}] * 3}}),
            B | {"where": {"any": [LIST] * 22}},
        )
    with pytest.raises(BadSegment, match="circle"):
        apply(state, B | {"where": {"in_segment": "a"}})


def test_what_was_broken_before_keeps_nobody_from_mending_something_else() -> None:
    state = state_of(A)
    assert len(apply(state, {"segment": "c", "where": LIST}).segments) == 2
    assert len(apply(state, B).segments) == 2


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([B, B], "main/b stands twice"),
        ([B, GONE], "main/b stands twice"),
        ([GONE | {"deleted": False}], "says nothing"),
        ([GONE | {"where": LIST}], "where"),
        ([{"segment": "b", "deleted": "yes"}], "bool"),
        (["b"], "expected a segment"),
    ],
)
def test_wrong_entries_are_refused(entries: list[Any], told: str) -> None:
    with pytest.raises((BadSegment, msgspec.ValidationError), match=told):
        segment_records(entries)


def test_a_definition_that_kafka_would_not_take_is_refused() -> None:
    test = {"path": "p", "op": "in", "value": ["x" * 1_000] * 200}
    large = {"segment": "a", "where": {"all": [{"did": {"event": "A", "where": [test]}}] * 5}}
    with pytest.raises(BadSegment, match=f"at most {SEGMENT_BYTES_MAX}: upload its longest lists"):
        segment_records([large])
