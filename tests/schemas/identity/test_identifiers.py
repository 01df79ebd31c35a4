"""Node keys, node ids and partitions."""

import pytest
from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity.identifiers import (
    EMAIL,
    external_ids,
    hash_email,
    node_id,
    node_key,
    normalise_email,
    partition_of,
    profile_id,
    text,
)

KEY = bytes(range(16))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (" u-1 ", "u-1"),
        (None, ""),
        ("", ""),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_a_scalar_is_read_as_an_identifier(sent: object, read: str) -> None:
    assert text(sent) == read


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (" Ann@Shop.Example ", "ann@shop.example"),
        ("ann", ""),
        ("a@b", ""),
        ("a b@c.d", ""),
        (7, ""),
        (None, ""),
        ("a@b@c.d", ""),
        ("a@.b.c", "a@.b.c"),
        ("a@b..c", "a@b..c"),
        ("a@.b", ""),
        ("a@b.", ""),
        ("a@b..", "a@b.."),
    ],
)
def test_an_email_is_normalised_or_absent(sent: object, read: str) -> None:
    assert normalise_email(sent) == read


@given(st.text("a.@ ", max_size=12))
def test_an_email_has_something_before_the_sign_and_on_both_sides_of_a_dot_behind_it(sent: str) -> None:
    address = sent.strip()
    name, sign, domain = address.partition("@")
    is_one = bool(name and sign and "." in domain[1:-1] and not {"@", " "} & set(name + domain))
    assert normalise_email(sent) == (address if is_one else "")


@pytest.mark.parametrize("piece", ["a", ".", ".a", "@", "@.", "a@a."])
def test_a_text_without_end_is_looked_at_once_for_an_email(piece: str) -> None:
    """Work that grew with the square of the text would not end within a test's time."""
    assert normalise_email(f"x@a{piece * 200_000}@") == ""


def test_external_ids_are_read_as_the_spec_says() -> None:
    entries = [
        {"type": "contact_id", "id": 7, "collection": "users", "encoding": "none"},
        {"type": "crm", "id": "c1"},
        {"type": "account", "id": "x", "collection": "accounts"},
        {"type": "hashed", "id": "x", "encoding": "sha1"},
        {"type": "", "id": "x"},
        "no object",
    ]
    assert external_ids({"externalIds": entries}) == [("contact_id", "7"), ("crm", "c1")]
    assert external_ids({"externalIds": "no list"}) == []
    assert external_ids({}) == []


@given(st.binary(max_size=80), st.integers(1, 64))
def test_a_partition_is_the_one_that_kafkas_own_clients_choose(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions


@given(st.binary(max_size=80))
def test_a_node_id_fits_a_signed_64_bit_integer(key: bytes) -> None:
    assert 0 <= node_id(key, KEY) < 2**63


def test_a_node_id_depends_on_the_secret() -> None:
    assert node_id(b"main|a:1", KEY) != node_id(b"main|a:1", bytes(16))


def test_a_profile_id_is_sixteen_hex_digits() -> None:
    assert profile_id(255) == "00000000000000ff"


def test_an_email_node_holds_the_hash_only() -> None:
    key = node_key("main", EMAIL, hash_email("ann@shop.example"))
    assert b"ann" not in key
