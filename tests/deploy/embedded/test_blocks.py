"""The pure parts around a request's data: ClickHouse's own compressed blocks, `input()`, heads of pieces, errors at the end."""

import struct

import lz4.block  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse import formats, sql
from deploy.embedded.clickhouse.blocks import LZ4, NONE, ZSTD, Packer, _checksum, unpacked
from deploy.embedded.clickhouse.by_select import through
from deploy.embedded.clickhouse.failure import ClickHouseError, in_the_answer, refused

PACKED = {
    LZ4: lambda content: lz4.block.compress(content, store_size=False),
    ZSTD: zstandard.ZstdCompressor().compress,
    NONE: bytes,
}


def block(method: int, content: bytes) -> bytes:
    packed = PACKED[method](content)
    body: bytes = struct.pack("<BII", method, len(packed) + 9, len(content)) + packed
    return _checksum(body) + body


@given(parts=st.lists(st.binary(max_size=300), max_size=5), cut=st.integers(1, 60))
def test_blocks_of_every_method_cut_anywhere_are_read_to_the_end(parts: list[bytes], cut: int) -> None:
    sent = b"".join(block(method, part) for part in parts for method in PACKED)
    chunks = (sent[at : at + cut] for at in range(0, len(sent), cut))
    assert b"".join(unpacked(chunks)) == b"".join(part * len(PACKED) for part in parts)


@given(content=st.binary(max_size=2000))
def test_what_is_packed_is_unpacked(content: bytes) -> None:
    assert b"".join(unpacked([Packer().compress(content)])) == content


@given(content=st.binary(min_size=1, max_size=100), at=st.integers(0), bit=st.integers(0, 7))
def test_no_changed_bit_gets_through(content: bytes, at: int, bit: int) -> None:
    sent = bytearray(block(LZ4, content))
    sent[at % len(sent)] ^= 1 << bit
    with pytest.raises(ClickHouseError):
        list(unpacked([bytes(sent)]))


@given(st.binary(max_size=200))
def test_any_bytes_that_are_no_blocks_are_refused(data: bytes) -> None:
    if not data:
        assert list(unpacked([data])) == []
        return
    with pytest.raises(ClickHouseError) as refusal:
        list(unpacked([data]))
    assert refusal.value.code in (39, 40, 271)


@pytest.mark.parametrize(
    ("text", "over", "data"),
    [
        (
            b"INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV\n1,2",
            "INSERT INTO t SELECT a FROM file('/f', 'CSV', 'a Int8')",
            b"1,2",
        ),
        (
            b"insert into t select a from (select * from INPUT ( 'a Int8, b String' ) where a) format TSV 1",
            "insert into t select a from (select * from file('/f', 'TSV', 'a Int8, b String' ) where a)",
            b"1",
        ),
        (
            b"INSERT INTO t SELECT * FROM input('x Int8')",
            "INSERT INTO t SELECT * FROM file('/f', 'TSV', 'x Int8')",
            b"",
        ),
    ],
)
def test_input_becomes_the_file_of_its_data(text: bytes, over: str, data: bytes) -> None:
    found = through(text, "TSV")
    assert found is not None
    assert found.over("/f") == over
    assert text[found.data_at :] == data


@pytest.mark.parametrize(
    "text",
    [b"INSERT INTO t SELECT 'input(1)'", b"SELECT * FROM input('a Int8')", b"INSERT INTO t SELECT input FROM x", b""],
)  # fmt: skip
def test_what_does_not_call_input_is_left_alone(text: bytes) -> None:
    assert through(text, "TSV") is None


@given(st.binary())
def test_any_bytes_are_looked_through(text: bytes) -> None:
    through(b"INSERT INTO t SELECT * FROM input(" + text, "TSV")
    through(b"INSERT " + text, "TSV")


def test_types_are_separated_where_they_are() -> None:
    assert sql.comma_separated("Int8, Map(String, Array(Int8)),String") == [
        "Int8",
        "Map(String, Array(Int8))",
        "String",
    ]


def test_the_head_of_pieces_stands_once() -> None:
    pieces = [b"a\tb\n1\t2\n", b"a\tb\n3\t4\n", b"a\tb\n"]
    assert b"".join(formats.joined("TSVWithNames", pieces)) == b"a\tb\n1\t2\n3\t4\n"
    assert b"".join(formats.joined("TSV", pieces)) == b"".join(pieces)


def test_an_error_in_an_answer_has_its_length_and_tag() -> None:
    text = in_the_answer(refused("é", 395, "X"), "26.9", "abc")
    message = "Code: 395. DB::Exception: é (X) (version 26.9)\n".encode()
    mark = b"__exception__"
    assert text == b"\r\n%s\r\nabc\r\n%s%d abc\r\n%s\r\n" % (mark, message, len(message), mark)
