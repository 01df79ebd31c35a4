"""Packs hold every event once, in order, on its own partition, within their limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.packing import PACK_OVERHEAD, SealedPack, seal
from schemas.events.pack import (
    Connection,
    PackedEvent,
    Seen,
    decode_pack,
    encode_event,
    encode_pack,
    join_pack,
)
from schemas.identity.identifiers import partition_of

BYTES_MAX = 2_000

EVENTS = st.builds(
    PackedEvent,
    workspace=st.text(max_size=5),
    source=st.text(max_size=5),
    routing=st.binary(min_size=1, max_size=8),
    type=st.just("track"),
    message_id=st.text(max_size=30),
    received_at=st.integers(0, 2**60),
    sent_at=st.text(max_size=30),
    context=st.binary(max_size=100),
    payload=st.binary(max_size=900),
    unsigned_links=st.booleans(),
    connection=st.none()
    | st.builds(
        Connection,
        address=st.text(max_size=45),
        is_browser=st.booleans(),
        user_agent=st.text(max_size=60),
        brands=st.text(max_size=60),
        mobile=st.text(max_size=60),
        platform=st.text(max_size=60),
    ),
    seen=st.none()
    | st.builds(
        Seen,
        state=st.sampled_from(["", "pending", "granted", "denied"]),
        signals=st.sampled_from([(), ("gpc", "dnt", "cookieless")]),
    ),
)


def packs_of(events: list[PackedEvent], partitions: int) -> list[SealedPack]:
    places = [partition_of(event.routing, partitions) for event in events]
    return seal(places, list(map(encode_event, events)), BYTES_MAX)


@given(st.lists(EVENTS, max_size=30), st.integers(1, 16))
def test_packs_hold_every_event_once_in_order_on_its_partition(
    events: list[PackedEvent], partitions: int
) -> None:
    packs = packs_of(events, partitions)
    assert sorted(place for pack in packs for place in pack.members) == list(range(len(events)))
    for pack in packs:
        assert pack.members == sorted(pack.members)
        assert decode_pack(pack.value).events == [events[place] for place in pack.members]
        assert {partition_of(events[place].routing, partitions) for place in pack.members} == {pack.partition}
        assert len(pack.value) - PACK_OVERHEAD <= pack.weight < len(pack.value)
        assert len(pack.value) <= BYTES_MAX or len(pack.members) == 1
    for partition in range(partitions):
        firsts = [pack.members[0] for pack in packs if pack.partition == partition]
        assert firsts == sorted(firsts)


@given(st.lists(EVENTS, max_size=5))
def test_events_encoded_one_by_one_make_the_same_pack(events: list[PackedEvent]) -> None:
    assert join_pack(list(map(encode_event, events))) == encode_pack(events)


@pytest.mark.parametrize("size", [0, 15, 16, 65_535, 65_536])
def test_a_pack_of_any_size_is_the_same(size: int) -> None:
    event = PackedEvent(
        workspace="main",
        source="web",
        routing=b"main|a:1",
        type="track",
        message_id="m",
        received_at=0,
        sent_at="",
        context=b"",
        payload=b"{}",
        unsigned_links=False,
    )
    assert join_pack([encode_event(event)] * size) == encode_pack([event] * size)


def test_an_event_over_the_limit_gets_a_pack_of_its_own() -> None:
    event = PackedEvent(
        workspace="main",
        source="s",
        routing=b"r",
        type="track",
        message_id="m",
        received_at=1,
        sent_at="",
        context=b"",
        payload=b"x" * 3_000,
        unsigned_links=False,
    )
    packs = packs_of([event] * 3, 4)
    assert [pack.members for pack in packs] == [[0], [1], [2]]
