"""A chunk's view of the state is a mapping like any other, and tells exactly what it changed."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from runtime.streams.state import ChunkState

keys = st.sampled_from([b"", b"a", b"ab", b"b", b"\xff"])
contents = st.dictionaries(keys, st.binary(max_size=2))
edits = st.lists(st.tuples(keys, st.none() | st.binary(max_size=2)))


class Committed:
    """The committed state as a dict; counts how often each key is read."""

    def __init__(self, content: dict[bytes, bytes]) -> None:
        self.content = content
        self.reads: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        self.reads.append(key)
        return self.content.get(key)

    def ordered_keys(self) -> Iterator[bytes]:
        return iter(sorted(self.content))


@given(content=contents, edits=edits)
def test_it_behaves_like_a_dict_and_leaves_the_committed_state_alone(
    content: dict[bytes, bytes], edits: list[tuple[bytes, bytes | None]]
) -> None:
    committed = Committed(dict(content))
    state, model = ChunkState(committed), dict(content)
    for key, value in edits:
        assert (key in state, state.get(key)) == (key in model, model.get(key))
        if value is not None:
            state[key] = model[key] = value
        else:
            assert state.pop(key, None) == model.pop(key, None)
    assert list(state.items()) == sorted(model.items())
    assert len(state) == len(model)
    assert committed.content == content
    assert len(committed.reads) == len(set(committed.reads))


@given(content=contents, edits=edits)
def test_its_changes_make_the_new_state_of_the_old(
    content: dict[bytes, bytes], edits: list[tuple[bytes, bytes | None]]
) -> None:
    state = ChunkState(Committed(content))
    for key, value in edits:
        if value is not None:
            state[key] = value
        else:
            state.pop(key, None)
    after = {**content, **state.changes()}
    assert {key: value for key, value in after.items() if value is not None} == dict(state)
    assert state.changes().keys() <= {key for key, _ in edits}
