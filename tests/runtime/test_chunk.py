"""Cutting what a fetch brought: the chunks chain, hold every record once, and keep to the limits."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.streams.chunk import ChunkLimits, cut, first_missing, missing
from schemas.stream import InputRecord

gaps = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), min_size=1, max_size=40)


def fetched(start: int, shape: list[tuple[int, int]]) -> list[InputRecord]:
    """Records with (offsets skipped before, size)."""
    offset = start - 1
    records = []
    for skipped, size in shape:
        offset += 1 + skipped
        records.append(InputRecord(offset, 0, None, b"x" * size))
    return records


@given(start=st.integers(0, 10), shape=gaps, behind=st.integers(1, 3), records_max=st.integers(1, 10))
def test_chunks_chain_from_start_to_end_and_hold_every_record(
    start: int, shape: list[tuple[int, int]], behind: int, records_max: int
) -> None:
    records = fetched(start, shape)
    end = records[-1].offset + behind
    chunks = list(cut(start, end, records, ChunkLimits(records_max, 100)))
    assert [chunk.start for chunk in chunks] == [start, *(chunk.end for chunk in chunks[:-1])]
    assert chunks[-1].end == end
    assert [record for chunk in chunks for record in chunk.records] == records
    assert all(1 <= len(chunk.records) <= records_max for chunk in chunks)
    assert all(chunk.start <= record.offset < chunk.end for chunk in chunks for record in chunk.records)


@given(shape=gaps)
def test_a_chunk_ends_with_the_record_that_reaches_the_limit_of_bytes(shape: list[tuple[int, int]]) -> None:
    records = fetched(0, shape)
    for chunk in cut(0, records[-1].offset + 1, records, ChunkLimits(1_000, 60)):
        assert sum(len(record.value or b"") for record in chunk.records[:-1]) < 60


def test_missing_counts_offsets_without_a_record() -> None:
    assert missing(5, 8, fetched(5, [(0, 1), (0, 1), (0, 1)])) == 0
    assert missing(5, 10, fetched(5, [(1, 1), (0, 1)])) == 3


def test_the_first_missing_offset_is_found_wherever_it_is() -> None:
    assert first_missing(5, fetched(5, [(1, 1), (0, 1)])) == 5
    assert first_missing(5, fetched(5, [(0, 1), (0, 1), (2, 1), (1, 1)])) == 7
    assert first_missing(5, fetched(5, [(0, 1), (0, 1)])) == 7
