"""What is committed of records that are done in any order: nothing that is undone is skipped, and nothing done is repeated."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.sending.sender_offsets import METADATA_CHARS_MAX, Bookmark, Window, bookmark_of


def read_again(mark: Bookmark, offsets: list[int]) -> list[int]:
    """What is still to be done of these by the one who reads the bookmark."""
    window = Window(bookmark_of(mark.floor, mark.metadata))
    return [offset for offset in offsets if offset >= window.next and window.take(offset, 0)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_after_a_crash_exactly_what_was_not_done_is_done_again(data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.sets(st.integers(0, 300), max_size=60)))
    window = Window(Bookmark(0, 0))
    for _ in range(3):
        taken = [offset for offset in offsets if offset >= window.next and window.take(offset, 0)]
        left = data.draw(st.lists(st.sampled_from(taken), unique=True)) if taken else []
        for offset in taken:
            if offset not in left:
                window.done(offset)
        mark = window.bookmark()
        assert read_again(mark, offsets) == sorted(left)
        window, offsets = Window(bookmark_of(mark.floor, mark.metadata)), sorted(left)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8_000), st.integers(1, 10**6))
def test_more_holes_than_there_is_room_for_are_done_again_and_no_undone_one_is_skipped(
    holes: int, step: int
) -> None:
    window = Window(Bookmark(0, 0))
    undone = [number * step * 2 for number in range(holes)]
    for offset in undone:
        window.take(offset, 0)
        if step > 1:
            window.take(offset + 1, 0)
            window.done(offset + 1)
    mark = window.bookmark()
    assert len(mark.metadata) <= METADATA_CHARS_MAX + 2
    again = Window(bookmark_of(mark.floor, mark.metadata))
    assert all(again.take(offset, 0) for offset in undone)


def test_a_commit_before_all_holes_are_read_again_keeps_them() -> None:
    window = Window(Bookmark(10, 50, (10, 20, 30)))
    assert window.take(10, 0)
    window.done(10)
    assert not window.take(11, 0)
    assert window.bookmark() == Bookmark(20, 50, (20, 30))


def test_metadata_of_others_says_nothing() -> None:
    for text in ("", "x", "1:", "1:?", "1:gA==", "2:AAAA"):
        assert bookmark_of(7, text) == Bookmark(7, 7)


def test_the_oldest_record_that_is_not_done_is_known() -> None:
    window = Window(Bookmark(0, 0))
    window.take(0, 100)
    window.take(1, 200)
    found = [(window.is_busy, window.oldest_ms)]
    window.done(0)
    found.append((window.is_busy, window.oldest_ms))
    window.done(1)
    found.append((window.is_busy, window.oldest_ms))
    assert found == [(True, 100), (True, 200), (False, None)]
