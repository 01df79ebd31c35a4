"""A block is a function of the records and of where it was cut."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.storing.batch import Batch, Limits, Source
from sinks.storing.block import Block, Record
from sinks.storing.intent import Intent
from sinks.storing.lane import Lane

SOURCE = Source("t", 3, frozenset({1, 4}))


def limits_of(rows_max: int, bytes_max: int, age_s_max: float) -> Limits:
    return Limits(
        rows_max=rows_max, bytes_max=bytes_max, age_s_max=age_s_max, busy_rows_min=50, busy_age_s_max=3.0
    )


ROOMY = limits_of(rows_max=100, bytes_max=10_000, age_s_max=1.0)


def value(schema_id: int = 1, body: bytes = b"body") -> bytes:
    return struct.pack(">BI", 0, schema_id) + body


def record(offset: int, schema_id: int = 1, body: bytes = b"body") -> Record:
    return Record(offset, 0, value(schema_id, body))


def batch(*records: Record, limits: Limits = ROOMY, repeat: Intent | None = None, now: float = 0.0) -> Batch:
    made = Batch(SOURCE, limits, repeat)
    for item in records:
        assert made.append(item, now)
    return made


def test_a_block_is_named_by_topic_partition_start_and_end() -> None:
    block = batch(record(7), record(9)).block()
    assert (block.start, block.end, block.token) == (7, 10, "t-3-7-10")


@pytest.mark.parametrize(
    ("limits", "records"),
    [
        (limits_of(rows_max=2, bytes_max=10_000, age_s_max=9), [record(1), record(2)]),
        (limits_of(rows_max=9, bytes_max=18, age_s_max=9), [record(1), record(2)]),
        (limits_of(rows_max=2, bytes_max=10_000, age_s_max=9), [record(1), Record(2, 0, b"not ours")]),
    ],
    ids=["rows", "bytes", "refused records count as rows"],
)
def test_a_full_batch_is_ready_and_takes_no_more(limits: Limits, records: list[Record]) -> None:
    full = batch(*records, limits=limits)
    assert full.is_ready(0.0)
    assert not full.append(record(3), 0.0)
    assert full.block().end == 3


def test_a_batch_is_ready_when_its_first_record_has_waited_long_enough() -> None:
    waiting = batch(record(1), now=5.0)
    waiting.append(record(2), 5.9)
    assert not waiting.is_ready(5.9)
    assert waiting.is_ready(6.0)


def test_a_batch_that_has_many_records_by_then_waits_on_for_more_of_them() -> None:
    busy = batch(*[record(offset) for offset in range(49)])
    assert busy.is_ready(1.0)
    busy.append(record(49), 1.0)
    assert not busy.is_ready(2.9)
    assert busy.is_ready(3.0)


def test_many_records_never_make_a_batch_wait_for_less() -> None:
    patient = limits_of(rows_max=100, bytes_max=10_000, age_s_max=9.0)
    busy = batch(*[record(offset) for offset in range(50)], limits=patient)
    assert not busy.is_ready(8.9)
    assert busy.is_ready(9.0)


def test_an_empty_batch_is_never_ready() -> None:
    assert not batch().is_ready(1e9)


def test_a_batch_is_cut_where_the_schema_changes() -> None:
    first = batch(record(1))
    assert not first.append(record(2, schema_id=4), 0.0)
    assert first.is_ready(0.0)
    assert (first.block().end, first.block().schema_id) == (2, 1)


@pytest.mark.parametrize("stranger", [b"", b"\x00\x00", b"\x01\x00\x00\x00\x01x", value(99), value(2)])
def test_a_record_that_is_not_the_topics_avro_is_set_apart_and_stops_nothing(stranger: bytes) -> None:
    block = batch(record(1), Record(2, 0, stranger), record(3)).block()
    assert [item.offset for item in block.records] == [1, 3]
    assert [item.record.offset for item in block.refused] == [2]
    assert block.end == 4


def test_a_tombstone_is_passed_over_but_counts_as_read() -> None:
    block = batch(record(1), Record(2, 0, None)).block()
    assert ([item.offset for item in block.records], block.refused, block.end) == ([1], (), 3)


def test_a_repeated_range_ignores_the_limits_and_ends_where_it_ended() -> None:
    small = limits_of(rows_max=1, bytes_max=1, age_s_max=0.0)
    again = batch(record(10), record(12), limits=small, repeat=Intent(10, 16))
    assert not again.is_ready(1e9)
    assert again.append(record(15), 0.0)
    assert again.is_ready(0.0)
    assert not again.append(record(16), 0.0)
    assert again.block().token == "t-3-10-16"


@pytest.mark.parametrize("next_offset", [16, 40])
def test_a_repeated_range_whose_tail_was_compacted_away_ends_at_the_next_record(next_offset: int) -> None:
    again = batch(record(12), repeat=Intent(10, 16))
    assert not again.append(record(next_offset), 0.0)
    assert again.is_ready(0.0)
    assert again.block().token == "t-3-10-16"


def test_a_repeated_range_that_is_gone_ends_at_the_partitions_end() -> None:
    lane = Lane(SOURCE, ROOMY, Intent(10, 16))
    assert lane.next_block(0.0) is None
    lane.reached(15)
    assert lane.next_block(0.0) is None
    lane.reached(16)
    block = lane.next_block(0.0)
    assert block is not None
    assert (block.token, block.records) == ("t-3-10-16", ())


def test_a_repeated_range_is_never_cut_by_a_flush() -> None:
    lane = Lane(SOURCE, ROOMY, Intent(10, 16))
    lane.add([record(10)])
    assert lane.next_block(0.0, flush=True) is None


def test_a_repeated_range_keeps_a_record_of_another_schema_as_refused() -> None:
    block = batch(record(1), record(2, schema_id=4), repeat=Intent(1, 3)).block()
    assert [item.record.offset for item in block.refused] == [2]


def test_a_lane_gives_the_same_block_until_it_is_stored() -> None:
    lane = Lane(SOURCE, limits_of(rows_max=2, bytes_max=10_000, age_s_max=9), None)
    lane.add([record(1), record(2), record(3)])
    first = lane.next_block(0.0)
    lane.add([record(4)])
    assert lane.next_block(0.0) is first
    lane.stored()
    second = lane.next_block(0.0)
    assert second is not None
    assert [item.offset for item in second.records] == [3, 4]


records_strategy = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([1, 1, 1, 4, 99, None]), st.binary(max_size=40)), max_size=80
)


def drain(records: list[Record], limits: Limits) -> list[Block]:
    lane = Lane(SOURCE, limits)
    lane.add(records)
    blocks = []
    while (block := lane.next_block(0.0, flush=True)) is not None:
        blocks.append(block)
        lane.stored()
    return blocks


@given(records_strategy, st.integers(1, 20), st.integers(1, 400))
def test_blocks_cover_every_record_once_in_order_and_a_repeat_of_any_is_the_same_block(
    drawn: list[tuple[int, int | None, bytes]], rows_max: int, bytes_max: int
) -> None:
    records, offset = [], 0
    for gap, schema_id, body in drawn:  # gaps: the control records of transactions
        offset += gap
        records.append(Record(offset, 0, None if schema_id is None else value(schema_id, body)))
    limits = limits_of(rows_max=rows_max, bytes_max=bytes_max, age_s_max=9)
    blocks = drain(records, limits)
    assert blocks == drain(records, limits)
    stored = [item for block in blocks for item in block.records]
    refused = [item.record for block in blocks for item in block.refused]
    expected = [item for item in records if item.value is not None]
    assert sorted(stored + refused, key=lambda item: item.offset) == expected
    for block in blocks:
        lane = Lane(SOURCE, limits_of(rows_max=1, bytes_max=1, age_s_max=0), Intent(block.start, block.end))
        lane.add(item for item in records if item.offset >= block.start)
        assert lane.next_block(0.0) == block
