"""One state value for all that is kept of a visitor, and state of before, which had a key for each."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.enrichment import Rules
from processors.resolver.resolve import Resolver
from processors.resolver.visitor_values import MIXED, PREFIX, SECTIONS, UNITED, VisitorValues, joined, parted
from schemas.events.pack import encode_pack
from schemas.stream import InputRecord, OutputRecord
from tests.processors.driver import HASH_KEY, RECEIVED, kept, packed

State = dict[bytes, bytes]
IDS, LINKS, VISITS = SECTIONS
NODE, OTHER = b"\x00" * 8, b"\x01" * 8
CALLS: list[dict[str, Any]] = [
    {"type": "page", "anonymousId": "d1", "messageId": "m1", "timestamp": RECEIVED},
    {"type": "identify", "anonymousId": "d1", "userId": "ann", "messageId": "m2", "timestamp": RECEIVED + 1},
    {"type": "identify", "userId": "ann", "traits": {"email": "ann@shop.example"}, "messageId": "m3"},
    {"type": "page", "anonymousId": "d2", "messageId": "m4", "timestamp": RECEIVED + 2},
]


def run(state: State, *calls: dict[str, Any]) -> list[OutputRecord]:
    """One chunk."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=100
    ).with_rules(Rules())
    return resolver(0, [InputRecord(0, RECEIVED, None, encode_pack([packed(call) for call in calls]))], state)


def as_before(state: State) -> State:
    """The same with a key for each section, as earlier releases wrote it."""
    others = {key: value for key, value in state.items() if key[:1] != PREFIX}
    return others | {key: value for section in SECTIONS for key, value in kept(state, section).items()}


def older(state: State) -> list[bytes]:
    return [key for key in state if key[:1] in SECTIONS]


@given(st.tuples(*[st.binary(max_size=90)] * 3))
def test_what_was_joined_is_parted_again(sections):
    assert parted(joined(list(sections))) == list(sections)


@pytest.mark.parametrize("value", [b"\x01", b"\x01\x00\x00\x00", b"\x01\x02\x00\x01\x00ab"])
def test_a_value_that_was_cut_short_is_no_visitors(value):
    with pytest.raises(ValueError, match="ends"):
        parted(value)


def test_each_keeper_reads_what_it_wrote_and_what_is_taken_away_is_gone():
    state: State = {}
    values = VisitorValues(state)
    values[IDS + NODE], values[VISITS + NODE], values[LINKS + OTHER] = b"ids", b"visits", b"links"
    assert values.get(LINKS + NODE) is None
    values.save()
    assert sorted(state) == [PREFIX, PREFIX + NODE, PREFIX + OTHER]
    values = VisitorValues(state)
    assert (values.get(IDS + NODE), values.get(VISITS + NODE)) == (b"ids", b"visits")
    assert values.pop(LINKS + OTHER, None) == b"links"
    assert values.pop(LINKS + NODE, None) is None
    values.save()
    assert sorted(state) == [PREFIX, PREFIX + NODE]


def test_looking_writes_nothing():
    state: State = {}
    values = VisitorValues(state)
    assert values.get(IDS + NODE) is None
    values.save()
    assert state == {}


@pytest.mark.parametrize("cut", range(len(CALLS) + 1))
def test_after_an_upgrade_the_same_calls_give_the_same_outputs_and_leave_the_same_state(cut):
    now: State = {}
    run(now, *CALLS[:cut])
    before = as_before(now)
    rest = [*CALLS[cut:], *CALLS]  # every call comes again: a client's repeat is known across the upgrade
    assert run(before, *rest) == run(now, *rest)
    assert [kept(before | _united(before), section) for section in SECTIONS] == [
        kept(now, section) for section in SECTIONS
    ]


def _united(state: State) -> State:
    """Visitors who have not changed since the upgrade, as they will be."""
    nodes = {key[1:] for key in older(state)}
    return {PREFIX + node: joined([state.get(section + node, b"") for section in SECTIONS]) for node in nodes}


def test_a_visitor_who_changes_is_moved_and_others_stay_where_they_are():
    state: State = {}
    run(state, *CALLS)
    state = as_before(state)
    there = older(state)
    run(state, {"type": "page", "anonymousId": "d1", "messageId": "m9", "timestamp": RECEIVED + 5})
    moved = {key[1:] for key in state if key[:1] == PREFIX} - {b""}
    assert len(moved) == 1
    assert older(state) == [key for key in there if key[1:] not in moved]
    assert state[PREFIX] == MIXED


def test_a_partition_that_never_had_the_older_keys_is_not_asked_for_them():
    asked: list[bytes] = []

    class Asked(State):
        def get(self, key: bytes, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    state = Asked()
    run(state, CALLS[0])
    assert state[PREFIX] == UNITED
    asked.clear()
    run(state, CALLS[3])
    assert not [key for key in asked if key[:1] in SECTIONS]


def test_a_value_of_another_version_counts_as_none():
    assert parted(b"\xff" + joined([b"ids", b"links", b"visits"])[1:]) == [b"", b"", b""]
