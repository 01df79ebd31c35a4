"""What is kept in memory before the store is never anything but what stands in the store."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from runtime.streams.recent import ENTRY_BYTES, Recent

keys = st.sampled_from([b"", b"a", b"ab", b"b", b"\xff"])
chunks = st.lists(st.dictionaries(keys, st.none() | st.binary(max_size=2)))


class Below:
    """The committed state as a dict; counts what is read of it."""

    def __init__(self) -> None:
        self.content: dict[bytes, bytes] = {}
        self.reads = 0

    def get(self, key: bytes) -> bytes | None:
        self.reads += 1
        return self.content.get(key)

    def ordered_keys(self) -> Iterator[bytes]:
        return iter(sorted(self.content))

    def write(self, changes: dict[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self.content.pop(key, None)
            else:
                self.content[key] = value


@given(chunks=chunks, entries_max=st.integers(0, 6))
def test_it_says_what_the_store_says_whatever_it_may_keep(
    chunks: list[dict[bytes, bytes | None]], entries_max: int
) -> None:
    store = Below()
    recent = Recent(store, entries_max * ENTRY_BYTES)
    for changes in chunks:
        store.write(changes)
        recent.written(changes)
        for key in (b"", b"a", b"ab", b"b", b"\xff"):
            assert recent.get(key) == store.content.get(key)
        assert list(recent.ordered_keys()) == sorted(store.content)


def test_a_value_is_found_without_the_store_until_so_many_bytes_came_behind_it() -> None:
    store = Below()
    recent = Recent(store, 20 * ENTRY_BYTES)
    for number in range(100):
        changes: dict[bytes, bytes | None] = {b"%d" % number: b"value"}
        store.write(changes)
        recent.written(changes)
    assert recent.get(b"99") == b"value"
    assert recent.get(b"91") == b"value"
    assert store.reads == 0
    assert recent.get(b"0") == b"value"
    assert store.reads == 1


def test_with_no_bytes_everything_is_asked_of_the_store() -> None:
    store = Below()
    recent = Recent(store, 0)
    store.write({b"a": b"1"})
    recent.written({b"a": b"1"})
    assert recent.get(b"a") == b"1"
    assert store.reads == 1
