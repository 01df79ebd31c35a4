"""Sources as configuration, as documents and as state."""

import msgspec
import pytest

from schemas.access.tokens import applies_in, tokens_in
from schemas.configuration.changes import differences
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState, refuse_taken_keys

FILE = {
    "sources": [
        {"id": "shop", "write_keys": ["k1", "k2"]},
        {"id": "blog", "write_keys": ["k3"], "unsigned_links": True},
    ]
}


def state_of(document: object) -> ControlState:
    return ControlState().updated(parse_file(document).items())


def test_a_source_is_found_by_each_of_its_keys() -> None:
    state = state_of(FILE)
    found = [state.source_of(key) for key in ("k1", "k2", "k3", "k4")]
    assert [source.id if source else None for source in found] == ["shop", "shop", "blog", None]


def test_write_keys_are_not_written_anywhere() -> None:
    assert all(b"k1" not in document for document in parse_file(FILE).values())


def test_the_newest_document_counts_and_null_deletes() -> None:
    state = state_of(FILE)
    newer = state.updated(parse_file({"sources": [{"id": "shop", "write_keys": ["k9"]}]}).items())
    assert newer.source_of("k1") is None
    assert newer.source_of("k9")
    newest = newer.updated([("source/shop", None)])
    assert newest.source_of("k9") is None
    assert [source.id for source in newest.sources] == ["blog"]
    assert state.source_of("k1"), "a state itself never changes"


def test_a_state_comes_back_from_its_documents() -> None:
    state = ControlState(state_of(FILE).documents)
    assert state.source_of("k3") == state.source("blog")


def test_a_document_that_cannot_be_read_is_passed_over_and_named() -> None:
    document = parse_file({"sources": [{"id": "late", "write_keys": ["k9"]}]})["source/late"]
    state = state_of(FILE).updated([("source/shop", b"{"), ("source/late", document)])
    assert state.source_of("k1")
    assert state.source_of("k9")
    assert list(state.unreadable) == ["source/shop"]
    assert state.documents["source/shop"] == b"{"
    assert list(state.updated([]).unreadable) == ["source/shop"]
    for mended in ([("source/shop", None)], parse_file(FILE).items()):
        assert not state.updated(mended).unreadable
    assert state.updated([("source/shop", None)]).source_of("k1") is None


@pytest.mark.parametrize(
    "document",
    [b"[]", b'{"id":"\xff"}', b'{"a":' * 5_000 + b"1" + b"}" * 5_000],
    ids=["another shape", "not UTF-8", "nested too deeply"],
)
def test_an_unreadable_document_never_keeps_a_state_from_being_made(document: bytes) -> None:
    state = ControlState({**state_of(FILE).documents, "source/shop": document})
    assert state.source_of("k3")
    assert state.documents["source/shop"] == document
    assert list(state.unreadable) == ["source/shop"]
    mended = state_of(FILE).documents["source/shop"]
    (change,) = differences(state, state.updated([("source/shop", mended)]), {"source/shop": mended})
    assert (change.what, change.role, bool(change.unreadable)) == ("changed", "admin", True)


def test_a_document_of_a_later_release_is_kept_and_ignored() -> None:
    assert ControlState().updated([("later/x", b"{}")]).documents == {"later/x": b"{}"}


def test_a_write_key_of_another_source_is_refused_by_both_names_and_never_by_the_key() -> None:
    taking = parse_file({"sources": [{"id": "new", "write_keys": ["k0", "k3"], "workspace": "other"}]})
    with pytest.raises(ValueError, match=r"source new .* source blog") as refusal:
        refuse_taken_keys(state_of(FILE), taking)
    assert "k3" not in str(refusal.value)


@pytest.mark.parametrize(
    "sources",
    [
        [{"id": "shop", "write_keys": ["k1", "k5"]}],  # its own
        [{"id": "new", "write_keys": ["k3"]}, {"id": "blog", "write_keys": ["k6"]}],  # moved on purpose
        [],
    ],
)
def test_a_key_that_no_other_source_keeps_may_be_given(sources: list[object]) -> None:
    refuse_taken_keys(state_of(FILE), parse_file({"sources": sources}))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"sources": [{"id": "A b", "write_keys": ["k"]}]}, "regex"),
        ({"sources": [{"id": "a"}]}, "write_keys"),
        ({"sources": [{"id": "a", "write_keys": []}]}, "length"),
        ({"sources": [{"id": "a", "write_keys": ["k", ""]}]}, r"regex .*write_keys\[1\]"),
        ({"sources": [{"id": "a", "write_keys": ["  "]}]}, r"regex .*write_keys\[0\]"),
        ({"sources": [{"id": "a", "write_keys": [" k"]}]}, r"regex .*write_keys\[0\]"),
        ({"sources": [{"id": "a", "write_keys": ["k\n"]}]}, r"regex .*write_keys\[0\]"),
        ({"sources": [{"id": "a\n", "write_keys": ["k"]}]}, r"regex .*id"),
        ({"sources": [{"id": "a", "write_keys": ["k"], "events_per_s_max": 0}]}, "events_per_s_max"),
        ({"sources": [{"id": "a", "write_keys": ["k"], "burst_events_max": 0}]}, "burst_events_max"),
        ({"sources": [{"id": "a", "write_keys": ["k"], "colour": 1}]}, "colour"),
        ({"rulez": []}, "rulez"),
        (
            {"sources": [{"id": "a", "write_keys": ["k"]}, {"id": "a", "write_keys": ["l"]}]},
            "source id given twice, in a",
        ),
        (
            {"sources": [{"id": "a", "write_keys": ["k"]}, {"id": "b", "write_keys": ["k"]}]},
            "write key given twice, in a, b",
        ),
        ([], "object"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(document: object, told: str) -> None:
    with pytest.raises((msgspec.ValidationError, ValueError), match=told):
        parse_file(document)


def test_an_empty_file_says_nothing() -> None:
    assert parse_file(None) == {}


PLAN = {"plans": [{"source": "shop", "spec": "block", "events": {"Read": {"required": ["article"]}}}]}


def test_a_plan_is_kept_until_it_is_replaced_or_deleted() -> None:
    state = state_of(FILE | PLAN)
    plan = state.plans["plan/shop"]
    assert (plan.spec, plan.plan, plan.events) == ("block", "accept", {"Read": {"required": ["article"]}})
    assert state.updated(parse_file(FILE).items()).plans["plan/shop"] is plan
    assert state.updated(parse_file({"plans": [{"source": "shop"}]}).items()).plans["plan/shop"].events == {}
    assert state.updated([("plan/shop", None)]).plans == {}
    assert state.plans["plan/shop"] is plan, "a state itself never changes"


def test_a_plan_that_cannot_be_read_leaves_the_last_one() -> None:
    state = state_of(PLAN).updated([("plan/shop", b'{"source": "shop", "spec": "ask"}')])
    assert state.plans["plan/shop"].spec == "block"
    assert list(state.unreadable) == ["plan/shop"]


def test_what_was_applied_before_a_bound_came_is_still_read() -> None:
    """Bounds that came later are asked of what is written, never of what stands on the topic already."""
    rule = b'{"rule":"a","trigger":{"event":{"event":"A"}},"action":{"event":{"name":"B"}},"limits":{"quota":{"max":5000000000}}}'
    slow = (
        b'{"destination":"crm","http":{"url":"https://crm.example/","headers":{"Host":"b"},"timeout_s":0.01}}'
    )
    fast = b'{"destination":"mail","smtp":{"host":"a","from":"b"},"requests_per_s_max":1e300}'
    state = ControlState({"rule/main/a": rule, "destination/main/crm": slow, "destination/main/mail": fast})
    assert state.unreadable == {}
    assert state.rules.keys() == {"rule/main/a"}
    assert state.destinations.keys() == {"destination/main/crm", "destination/main/mail"}


@pytest.mark.parametrize("document", [b"[]", b'{"\xff":1}', b'{"a":' * 5_000 + b"1" + b"}" * 5_000])
def test_a_token_that_cannot_be_read_is_none_and_keeps_nobody_from_applying(document: bytes) -> None:
    assert tokens_in({"token/jo": document}) == {}
    assert applies_in({"apply/1": document}) == []
