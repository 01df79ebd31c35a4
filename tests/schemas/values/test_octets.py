"""What stands in octets.py, and the C that stands in its place where its users are compiled, against the libraries and against
Python. (That whole steps do the same compiled and interpreted is tests/processors/test_compiled_steps.py's.)"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from murmurhash2 import murmurhash2
from siphashc import siphash

from processors.events.addresses import IDENTITY_PARAMETERS, may_name_people
from processors.resolver.duplicates import DuplicateLimits, Duplicates
from schemas.events.network import may_hold_address
from schemas.events.pack import PackedEvent
from schemas.identity.identifiers import (
    KAFKA_SEED,
    NODE_ID_MASK,
    node_id,
    partition_hash,
    partition_of,
    profile_key,
)
from schemas.values import octets
from schemas.wire.avro import ROOM, Writer

TEXTS = st.text(max_size=300)


@given(content=st.binary(max_size=70))
@example(content=bytes(range(256)))
def test_partitions_are_those_of_kafkas_clients(content: bytes) -> None:
    found = murmurhash2(content, KAFKA_SEED)
    assert octets.murmur2(content, KAFKA_SEED) == found
    assert partition_hash(content) == found & 0x7FFFFFFF
    assert partition_of(content, 7) == (found & 0x7FFFFFFF) % 7


@given(content=st.binary(max_size=70), key=st.binary(min_size=16, max_size=16))
@example(content=bytes(range(248, 256)) * 8, key=b"\xff" * 16)
def test_a_node_id_is_siphash_under_the_deployments_key(content: bytes, key: bytes) -> None:
    assert node_id(content, key) == siphash(key, content) & NODE_ID_MASK


def test_a_key_of_siphash_has_sixteen_bytes() -> None:
    for size in (0, 15, 17):
        with pytest.raises(ValueError, match="16"):
            node_id(b"main|a:1", b"k" * size)


@given(value=st.integers(0, 2**63 - 1))
def test_a_node_id_has_eight_bytes(value: int) -> None:
    assert octets.eight(value) == value.to_bytes(8, "big")
    assert profile_key(value) == f"{value:016x}".encode()


@given(parts=st.lists(st.one_of(TEXTS, st.binary(max_size=300)), max_size=40))
@example(parts=["x" * ROOM, b"y" * (3 * ROOM), "z"])
@example(parts=["\u00e9" * (ROOM // 2), "\U0001f600" * ROOM])
def test_a_records_buffer_grows(parts: list[str | bytes]) -> None:
    record, expected = Writer(), b""
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        record.raw(encoded)
        record.text(part) if isinstance(part, str) else record.sized(part)
        size, head = 2 * len(encoded), bytearray()
        while size > 0x7F:
            head.append(size & 0x7F | 0x80)
            size >>= 7
        expected += encoded + bytes([*head, size]) + encoded
    assert record.written() == expected


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        Writer().text("\ud83d")
    with pytest.raises(UnicodeEncodeError):
        octets.size_of("\ud83d")


@given(content=st.binary(max_size=60), wanted=st.binary(min_size=1, max_size=4))
def test_what_is_found_in_bytes(content: bytes, wanted: bytes) -> None:
    assert octets.holds(content, wanted, 0) == (wanted in content)
    assert octets.holds(bytearray(content), wanted, 0) == (wanted in content)
    assert octets.place_of(content, wanted[0], 1) == content.find(wanted[:1], 1)


@pytest.mark.parametrize("name", IDENTITY_PARAMETERS)
def test_names_of_people_are_seen_wherever_they_end(name: str) -> None:
    for address in (f"?{name}=", f"?a=b&{name.upper()}=c", f"?{name}%3Dx", f"?a={'b' * 300}#{name}=1"):
        assert may_name_people(f'{{"url":"{address}"}}'.encode())
    assert not may_name_people(f"x{name}=1".encode())
    assert not may_name_people(b"=" + name.encode())
    assert not may_name_people(b"")


def test_an_address_is_seen_in_both_texts() -> None:
    def packed(payload: bytes, context: bytes) -> PackedEvent:
        return PackedEvent(
            workspace="main",
            source="shop",
            routing=b"",
            type="page",
            message_id="1",
            received_at=1,
            sent_at="",
            context=context,
            payload=payload,
            unsigned_links=True,
        )

    assert may_hold_address(packed(b'{"ip":1}', b""))
    assert may_hold_address(packed(b"{}", b'{"ip":1}'))
    assert may_hold_address(packed(b'ppip"ip"', b""))
    assert not may_hold_address(packed(b'{"ipv4":"ip', b'"ip'))
    assert not may_hold_address(packed(b"", b"p"))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2**32 + 5), st.binary(min_size=8, max_size=8)), max_size=12))
def test_ids_of_messages_stand_in_order_of_their_seconds(told: list[tuple[int, bytes]]) -> None:
    state: dict[bytes, bytes] = {}
    kept = Duplicates(state, DuplicateLimits(60_000, 1_000))
    for second, message in told:
        kept.seen(b"visitor!", message)
        kept.remember(b"visitor!", message, second * 1000)
    kept.save()
    expected = sorted(((min(second, 2**32 - 1), place) for place, (second, _) in enumerate(told)))
    value = b"\x01" + b"".join(second.to_bytes(4, "big") + told[place][1] for second, place in expected)
    assert state == ({b"dvisitor!": value} if told else {})
