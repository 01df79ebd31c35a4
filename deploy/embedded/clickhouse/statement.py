"""From the bytes of a request to what is to run: a statement, or an INSERT and the data that follows it. Pure."""

import itertools
from collections.abc import Iterator

import msgspec

from deploy.embedded.clickhouse import blocks, sql
from deploy.embedded.clickhouse.by_select import Through, through
from deploy.embedded.clickhouse.compression import decompressed
from deploy.embedded.clickhouse.failure import refused, statement_too_long
from deploy.embedded.clickhouse.request import Request

HEAD_BYTES = 256 * 1024  # the SQL of an INSERT ends within; ClickHouse has the same limit (max_query_size)


class Statement(msgspec.Struct, frozen=True):
    """`data` is not read yet."""

    text: bytes
    insert: sql.Insert | Through | None
    data: Iterator[bytes]


def content(request: Request, raw_body: Iterator[bytes]) -> Iterator[bytes]:
    chunks = decompressed(request.content_encoding, raw_body)
    return blocks.unpacked(chunks) if request.unpacks else chunks


def split(request: Request, chunks: Iterator[bytes], statement_bytes_max: int) -> Statement:
    """The query parameter and the body are one text; the data of an INSERT stays in the iterator. Raises ClickHouseError."""
    text = bytearray(request.query.encode(errors="surrogateescape") + b"\n" if request.query else b"")
    _fill(text, chunks, HEAD_BYTES)
    fallback = request.default_format or "Values"
    found = sql.insert(bytes(text), fallback) or through(bytes(text), fallback)
    if found:
        return Statement(bytes(text), found, itertools.chain([bytes(text[found.data_at :])], chunks))
    _fill(text, chunks, statement_bytes_max + 1)
    if len(text) > statement_bytes_max:
        raise statement_too_long(statement_bytes_max)
    if not text.strip():
        raise refused("Empty query", 62, "SYNTAX_ERROR")
    return Statement(bytes(text), None, iter(()))


def over_file(insert: sql.Insert | Through, path: str) -> str:
    """The INSERT with its data in a file."""
    if isinstance(insert, Through):
        return insert.over(path)
    infile = f"FROM INFILE {sql.quoted(path)}"
    return f"{insert.statement} {infile} {insert.settings} FORMAT {insert.format}"


def _fill(text: bytearray, chunks: Iterator[bytes], size: int) -> None:
    while len(text) < size:
        chunk = next(chunks, None)
        if chunk is None:
            return
        text += chunk
