"""How long and how many message ids are remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.identity.node_state import STATE_BYTES_MAX
from processors.resolver.duplicates import PREFIX, DuplicateLimits, Duplicates
from runtime.environment.settings import ProcessorSettings, SettingsError, load

DAY = 86_400_000
KEY, OTHER = b"main|a:d1", b"main|a:d2"

hashes = st.binary(min_size=8, max_size=8)


def remember(
    state: dict[bytes, bytes], *events: tuple[bytes, int], days: int = 7, most: int = 1000
) -> Duplicates:
    """One chunk: (hash, time of receipt in ms)."""
    chunk = Duplicates(state, DuplicateLimits(days, most))
    for message, received_at in events:
        if not chunk.seen(KEY, message):
            chunk.remember(KEY, message, received_at)
    chunk.save()
    return chunk


def known(state: dict[bytes, bytes], *messages: bytes) -> list[bool]:
    chunk = Duplicates(state, DuplicateLimits(7, 1000))
    return [chunk.seen(KEY, message) for message in messages]


def name(number: int) -> bytes:
    return number.to_bytes(8, "big")


@given(st.lists(st.tuples(hashes, st.integers(0, 7 * DAY)), max_size=50), st.integers(0, 50))
def test_what_was_remembered_is_seen_in_this_chunk_and_the_next(events, cut):
    state: dict[bytes, bytes] = {}
    remember(state, *events[:cut])
    remember(state, *events[cut:])
    assert all(known(state, *(message for message, _ in events)))


def test_an_id_is_known_under_its_own_routing_id_only():
    state: dict[bytes, bytes] = {}
    remember(state, (name(1), 0))
    assert not Duplicates(state, DuplicateLimits(7, 1000)).seen(OTHER, name(1))


def test_ids_older_than_the_window_go_when_newer_ones_come():
    state: dict[bytes, bytes] = {}
    remember(state, (name(1), 0), (name(2), DAY))
    remember(state, (name(3), 7 * DAY + 1000))
    assert known(state, name(1), name(2), name(3)) == [False, True, True]


def test_the_oldest_by_receipt_go_first_when_there_are_too_many():
    state: dict[bytes, bytes] = {}
    remember(state, (name(1), 5000), (name(2), 9000), (name(3), 1000), (name(4), 7000), most=2)
    assert known(state, name(1), name(2), name(3), name(4)) == [False, True, False, True]


def test_a_key_that_fills_a_whole_chunk_stays_within_its_number():
    state: dict[bytes, bytes] = {}
    remember(state, *((name(number), number * 1000) for number in range(500)), most=100)
    assert known(state, name(399), name(400), name(499)) == [False, True, True]
    assert len(state[PREFIX + KEY]) == 1 + 100 * 12


def test_looking_writes_nothing():
    state: dict[bytes, bytes] = {}
    chunk = Duplicates(state, DuplicateLimits(7, 1000))
    chunk.seen(KEY, name(1))
    chunk.save()
    assert state == {}


def test_a_value_at_the_largest_setting_stays_far_below_what_kafka_takes():
    environ = {"STITCHLINE_HASH_KEY": "0" * 32, "PROCESSOR_DUPLICATE_IDS_PER_KEY_MAX": "20000"}
    most = load(ProcessorSettings, environ).duplicate_ids_per_key_max
    state: dict[bytes, bytes] = {}
    chunk = Duplicates(state, DuplicateLimits(7, most))
    chunk.seen(KEY, name(1))
    for number in range(most + 10):
        chunk.remember(KEY, name(number), number)
    chunk.save()
    assert len(state[PREFIX + KEY]) == 1 + most * 12 < STATE_BYTES_MAX
    with pytest.raises(SettingsError):
        load(ProcessorSettings, environ | {"PROCESSOR_DUPLICATE_IDS_PER_KEY_MAX": str(most + 1)})
