"""Identifiers as people type them: what each form means, and what is refused rather than guessed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.identifiers.ids import (
    AmbiguousId,
    Id,
    NoSuchId,
    NotAnId,
    WrongHashKey,
    find,
    hash_key_at_hand,
    key_of,
    read,
)
from schemas.identity.identifiers import hash_email, node_id, profile_id
from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import Tables, event

KEY = bytes(range(16))
CARRIED = [
    ("u", "42"), ("a", "42"), ("u", "ann"), ("a", "6f1c"), ("e", "ann@example.org"), ("x", "contact_id:7"),
    ("x", "crm:7"), ("x", "crm:9"),
]  # fmt: skip
ANN_HASH = hash_email("ann@example.org")


def node_of(kind: str, value: str, workspace: str = "main") -> int:
    return node_id(key_of(workspace, kind, value), KEY)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stage = Tables(clickhouse, module_database)
    identifiers = [{"node": node_of(kind, value), "kind": kind, "value": value} for kind, value in CARRIED]
    stage.insert("events_in", RESOLVED_EVENT, [event(1, identifiers=identifiers)], "t1")
    elsewhere = [{"node": node_of("u", "carl", "second"), "kind": "u", "value": "carl"}]
    stage.insert("events_in", RESOLVED_EVENT, [event(2, workspace="second", identifiers=elsewhere)], "t2")
    yield stage
    stage.client.close()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("u:42", ("u", "42")),
        (" a:6f1c ", ("a", "6f1c")),
        ("e: Ann@Example.org", ("e", "ann@example.org")),
        (f"e:{ANN_HASH.upper()}", ("e", ANN_HASH)),
        ("x:contact_id:7", ("x", "contact_id:7")),
        ("u:a:b", ("u", "a:b")),
        ("ann@example.org", None),
        ("contact_id:7", None),
        ("42", None),
    ],
)
def test_a_typed_identifier_names_its_kind_and_anything_else_is_a_bare_value(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize("text", ["u:", "e:nobody", "x:7", "x:contact_id:", "a:  "])
def test_a_typed_identifier_without_a_usable_value_is_refused(text):
    with pytest.raises(NotAnId):
        read(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("u:42", ("u", "42")),
        ("a:42", ("a", "42")),
        ("ann", ("u", "ann")),
        ("6f1c", ("a", "6f1c")),
        ("Ann@Example.ORG", ("e", "ann@example.org")),
        ("e:Ann@Example.ORG", ("e", "ann@example.org")),
        (f"e:{ANN_HASH}", ("e", "ann@example.org")),
        ("contact_id:7", ("x", "contact_id:7")),
        ("9", ("x", "crm:9")),
        (profile_id(node_of("u", "ann")), ("u", "ann")),
    ],
)
def test_every_form_finds_the_identifier_that_events_carry(tables, text, meant):
    kind, value = meant
    assert find(tables.client, "main", text) == Id("main", kind, value, node_of(kind, value))


@pytest.mark.parametrize(
    ("text", "choices"), [("42", ["a:42", "u:42"]), ("7", ["x:contact_id:7", "x:crm:7"])]
)
def test_an_ambiguous_value_is_refused_with_its_choices(tables, text, choices):
    with pytest.raises(AmbiguousId) as refused:
        find(tables.client, "main", text)
    assert all(choice in str(refused.value) for choice in choices)


def test_an_identifier_of_another_workspace_is_not_found(tables):
    with pytest.raises(NoSuchId):
        find(tables.client, "main", "carl")
    assert find(tables.client, "second", "carl").node == node_of("u", "carl", "second")


@pytest.mark.parametrize("text", ["u:null", "x:crm:0", "a:undefined"])
def test_a_blocked_value_is_refused_as_such(tables, text):
    with pytest.raises(NotAnId, match="blocked"):
        find(tables.client, "main", text, KEY)


def test_what_no_event_carries_is_named_with_the_hash_key_alone(tables):
    with pytest.raises(NoSuchId, match="STITCHLINE_HASH_KEY"):
        find(tables.client, "main", "e:new@example.org")
    found = find(tables.client, "main", "e:new@example.org", KEY)
    assert found.node == node_of("e", "new@example.org")
    assert found.key == f"main|e:{hash_email('new@example.org')}".encode()


@pytest.mark.parametrize("text", ["u:ann", "u:never-seen"])
def test_a_foreign_hash_key_is_refused(tables, text):
    with pytest.raises(WrongHashKey):
        find(tables.client, "main", text, bytes(16))


def test_the_hash_key_is_the_variable_else_that_of_the_folder(tmp_path: Path):
    assert hash_key_at_hand({}, tmp_path) is None
    (tmp_path / "hash.key").write_text(KEY.hex())
    assert hash_key_at_hand({}, tmp_path) == KEY
    assert hash_key_at_hand({"STITCHLINE_HASH_KEY": "ff" * 16}, tmp_path) == b"\xff" * 16
    with pytest.raises(WrongHashKey):
        hash_key_at_hand({"STITCHLINE_HASH_KEY": "short"}, tmp_path)
