"""Sources as configuration, as documents and as state."""

import msgspec
import pytest

from schemas.control import ControlState, parse_file

FILE = {
    "sources": [
        {"id": "shop", "write_keys": ["k1", "k2"]},
        {"id": "blog", "write_keys": ["k3"], "unsigned_links": True},
    ]
}


def state_of(document: object) -> ControlState:
    state = ControlState()
    for key, value in parse_file(document).items():
        state.apply(key, value)
    return state


def test_a_source_is_found_by_each_of_its_keys() -> None:
    state = state_of(FILE)
    found = [state.source_of(key) for key in ("k1", "k2", "k3", "k4")]
    assert [source.id if source else None for source in found] == ["shop", "shop", "blog", None]


def test_write_keys_are_not_written_anywhere() -> None:
    assert all(b"k1" not in document for document in parse_file(FILE).values())


def test_the_newest_document_counts_and_null_deletes() -> None:
    state = state_of(FILE)
    state.apply("source/shop", parse_file({"sources": [{"id": "shop", "write_keys": ["k9"]}]})["source/shop"])
    assert state.source_of("k1") is None
    assert state.source_of("k9")
    state.apply("source/shop", None)
    assert state.source_of("k9") is None
    assert [source.id for source in state.sources] == ["blog"]


def test_a_state_comes_back_from_its_documents() -> None:
    state = ControlState(state_of(FILE).documents)
    assert state.source_of("k3") == state.source("blog")


def test_a_document_that_cannot_be_read_changes_nothing() -> None:
    state = state_of(FILE)
    with pytest.raises(msgspec.DecodeError):
        state.apply("source/shop", b"{")
    assert state.source_of("k1")


def test_a_document_of_a_later_release_is_kept_and_ignored() -> None:
    state = ControlState()
    state.apply("rule/x", b"{}")
    assert state.documents == {"rule/x": b"{}"}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"sources": [{"id": "A b", "write_keys": ["k"]}]}, "regex"),
        ({"sources": [{"id": "a"}]}, "write_keys"),
        ({"sources": [{"id": "a", "write_keys": []}]}, "length"),
        ({"sources": [{"id": "a", "write_keys": ["k"], "colour": 1}]}, "colour"),
        ({"rules": []}, "rules"),
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
