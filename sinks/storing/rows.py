"""Rows as an insert takes them: which of ClickHouse's formats, and the bytes. Pure.

Events go as columns where that is compiled (columns.py, objects.py; docs/decisions/0070 and 0076). Everything else goes as the
file of Avro that it nearly is, and so do events where no compiler was: Python takes longer for columns than the server for the
Avro. Which way rows went cannot be seen in the tables, and a block that goes one way and is repeated the other adds nothing
(tests/sinks/storing/test_columns.py).
"""

from collections.abc import Sequence

import msgspec

from schemas.compiled import is_compiled
from schemas.wire.codec import DEFINITIONS, HEADER, RESOLVED_EVENT, body_of
from sinks.storing import columns, objects, paths
from sinks.storing.container import container

IS_COMPILED = all(map(is_compiled, (columns, objects, paths)))
BY_COLUMNS = frozenset([RESOLVED_EVENT] if IS_COMPILED else [])  # schema ids


class Rows(msgspec.Struct, frozen=True):
    """`format` is ClickHouse's name of it."""

    format: str
    data: bytes


def rows_of(schema_id: int, values: Sequence[bytes], by_columns: frozenset[int] = BY_COLUMNS) -> Rows:
    """Of records with the wire format's header, all of this schema."""
    if (
        schema_id in by_columns and values
    ):  # columns without rows are refused, unless they stand as in the table
        try:
            return Rows("Native", columns.native(DEFINITIONS[schema_id], values, HEADER.size))
        except columns.Unreadable:
            pass  # ClickHouse's reader of Avro says of which row that is, and what becomes of it
    return Rows("Avro", container(schema_id, [body_of(value) for value in values]))
