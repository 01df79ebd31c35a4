"""The profile hint on a resolved event: right whenever its answer is known where the event passes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.identity.facts import ASSERTED, BOUNDARY, CLAIMED, Fact
from processors.identity.known import NOBODY, KnownFacts
from processors.identity.known import PREFIX as KNOWN
from processors.identity.timeline import owners
from processors.resolver.hints import root
from processors.resolver.resolve import Resolver
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_id, node_key, partition_of, profile_id
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, email_key, kept, packed

State = dict[bytes, bytes]
ANN, BOB, MAIL = node_key("main", "u", "ann"), node_key("main", "u", "bob"), email_key("ann@x.io")
DEVICE, CONTACT = node_key("main", "a", "d1"), node_key("main", "x", "contact_id:7")


def number(node: bytes) -> int:
    return node_id(node, HASH_KEY)


def resolve(
    events: list[PackedEvent], state: State | None = None, known: Mapping[bytes, bytes] | None = None
) -> list[OutputRecord]:
    """What a chunk of one pack leaves on events.resolved; `known`: whom nodes point to."""
    pointers = {number(node): number(owner) for node, owner in (known or {}).items()}
    resolver = Resolver(
        hash_key=HASH_KEY,
        partitions=4,
        duplicate_window_days=7,
        duplicate_ids_per_key_max=1_000,
        owners=pointers.get,
    )
    records = [InputRecord(0, RECEIVED, None, encode_pack(events))]
    outputs = resolver(0, records, {} if state is None else state)
    return [out for out in outputs if out.topic == "events.resolved"]


def hints(
    events: list[PackedEvent], state: State | None = None, known: Mapping[bytes, bytes] | None = None
) -> list[str]:
    return [decode(out.value)["profile_id"] for out in resolve(events, state, known)]


def at(second: int, kind: str = "page", device: str = "d1", **call: Any) -> PackedEvent:
    call |= {"type": kind, "timestamp": 1_714_000_000 + second, "messageId": f"{device}-{second}"}
    return packed(call | ({"anonymousId": device} if device else {}))


def login(second: int, user: str, device: str = "d1") -> PackedEvent:
    return at(second, "identify", device, userId=user)


def logout(second: int) -> PackedEvent:
    return at(second, "track", event="Logged Out")


def link(second: int, query: str) -> PackedEvent:
    return at(second, context={"page": {"url": f"https://shop.example/?{query}"}})


STORIES = [
    ("nobody knows the device", [at(1)], DEVICE),
    ("the event's own user id", [at(1, userId="ann")], ANN),
    ("a device that comes back after a login", [login(1, "ann"), at(2)], ANN),
    ("a late event from before the login", [login(5, "ann"), at(2)], ANN),
    ("after a logout", [login(1, "ann"), logout(2), at(3)], DEVICE),
    ("a late event from before the logout", [login(1, "ann"), logout(5), at(3)], ANN),
    ("between a logout and the next login", [login(1, "ann"), logout(3), login(9, "bob"), at(5)], BOB),
    ("the second person on a device", [login(1, "ann"), login(5, "bob"), at(6)], BOB),
    ("a late event of the first person", [login(1, "ann"), login(5, "bob"), at(3)], ANN),
    ("the first person, back again", [login(1, "ann"), login(5, "bob"), login(7, "ann"), at(8)], ANN),
    ("a late login changes nothing later", [login(2, "bob"), login(5, "ann"), login(1, "bob"), at(6)], ANN),
    ("a link that it opens itself", [link(1, "contact_id=7")], CONTACT),
    ("a link that it opened before", [link(1, "contact_id=7"), at(2)], CONTACT),
    ("a link, against a login", [login(1, "ann"), link(2, "contact_id=7"), at(3)], ANN),
]


@pytest.mark.parametrize("chunks", [1, 2])
@pytest.mark.parametrize(("sentence", "events", "owner"), STORIES, ids=[line[0] for line in STORIES])
def test_a_device_is_its_owners_as_far_as_its_own_events_have_told(sentence, events, owner, chunks):
    state: State = {}
    if chunks == 2:
        hints(events[:-1], state)
        events = events[-1:]
    assert hints(events, state)[-1] == profile_id(number(owner))


POINTERS = [
    ("an e-mail's user", [at(1, "identify", "", traits={"email": "ann@x.io"})], {MAIL: ANN}, ANN),
    ("a device's e-mail's user", [at(1, "identify", traits={"email": "ann@x.io"}), at(2)], {MAIL: ANN}, ANN),
    ("the user that took another's place", [at(1, userId="bob")], {BOB: ANN}, ANN),
    ("a link's contact's e-mail's user", [link(1, "contact_id=7")], {CONTACT: MAIL, MAIL: ANN}, ANN),
    ("what other events said of a device", [at(1)], {DEVICE: ANN}, ANN),
    ("its own events, against them", [login(1, "bob"), at(2)], {DEVICE: ANN}, BOB),
    ("a link that was taken back", [login(1, "ann"), at(2)], {DEVICE: DEVICE}, DEVICE),
    ("as far as is known", [link(1, "contact_id=7")], {CONTACT: MAIL}, MAIL),
]


@pytest.mark.parametrize(
    ("sentence", "events", "known", "owner"), POINTERS, ids=[line[0] for line in POINTERS]
)
def test_pointers_that_are_known_lead_to_the_root(sentence, events, known, owner):
    assert hints(events, known=known)[-1] == profile_id(number(owner))


def test_pointers_of_different_ages_that_lead_in_a_circle_end_somewhere():
    assert root(1, {1: 2, 2: 1}.get) in (1, 2)


def test_a_hint_changes_neither_key_nor_partition_nor_anything_else_of_the_record():
    events = [login(1, "ann"), at(2), logout(3), at(4)]
    plain, knowing = resolve(events), resolve(events, known={ANN: BOB})
    for one, other in zip(plain, knowing, strict=True):
        subject = profile_id(decode(one.value)["subject"]).encode()
        assert one.key == other.key == subject
        assert one.partition == other.partition == partition_of(subject, 4)
        assert decode(one.value) | {"profile_id": ""} == decode(other.value) | {"profile_id": ""}
    assert [decode(out.value)["profile_id"] for out in knowing] == [
        profile_id(number(node)) for node in (BOB, BOB, DEVICE, DEVICE)
    ]


def test_the_same_records_on_the_same_state_give_the_same_hints():
    events = [login(2, "ann"), at(1), logout(3), at(4), login(5, "bob"), at(6)]
    assert hints(events, {}) == hints(events, {})


def test_an_event_that_is_refused_has_told_nothing():
    state: State = {}
    properties = {"a": "x" * 500_000}
    assert resolve([at(1, userId="ann", properties=properties)], state) == []
    assert hints([at(2)], state) == [profile_id(number(DEVICE))]


def test_a_device_with_one_link_takes_less_than_a_hundred_bytes():
    state: State = {}
    resolve([login(1, "ann"), at(2)], state)
    assert {len(value) for value in kept(state, KNOWN).values()} == {26}


TARGETS = st.sampled_from([ANN, BOB, MAIL, CONTACT, BOUNDARY])
CLAIMS = st.lists(st.tuples(TARGETS, st.sampled_from([ASSERTED, CLAIMED])), max_size=8)


@given(CLAIMS, st.integers(0, 3))
def test_the_present_owner_is_the_timelines(claims, after):
    """Events in order, at different times, however often somebody comes back."""
    known = KnownFacts({}, HASH_KEY)
    times = range(10, 10 + len(claims))
    facts = [
        Fact(DEVICE, target, time, ASSERTED if target == BOUNDARY else strength, True)
        for (target, strength), time in zip(claims, times, strict=True)
    ]
    known.news(facts)
    found = known.owner_at(number(DEVICE), times.stop + after, [])
    wanted = owners(DEVICE, [(fact.time, fact.target, fact.strength) for fact in facts])[-1][1]
    assert found == (NOBODY if wanted == DEVICE else number(wanted))


@given(
    st.lists(st.tuples(TARGETS, st.integers(10, 99)), max_size=4, unique_by=(lambda c: c[0], lambda c: c[1])),
    st.integers(0, 110),
)
def test_any_moment_of_a_device_that_nobody_came_back_to_is_the_timelines(claims, time):
    """In whatever order its links came to be known."""
    known = KnownFacts({}, HASH_KEY)
    known.news([Fact(DEVICE, target, moment, ASSERTED, True) for target, moment in claims])
    segments = owners(DEVICE, [(moment, target, ASSERTED) for target, moment in claims])
    wanted = next(owner for start, owner in reversed(segments) if start <= time)
    assert known.owner_at(number(DEVICE), time, []) == (NOBODY if wanted == DEVICE else number(wanted))
