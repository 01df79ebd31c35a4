"""One Avro object container file around bodies that nobody decoded: what ClickHouse's `Avro` format reads.

The file's layout is Avro's specification, "Object Container Files": magic, a map with the writer's schema, a sync marker,
then one block of count, size, bodies and the marker again. Pure; deliberately absent: any look into a body.
"""

import json
from collections.abc import Sequence

from schemas.wire.codec import DEFINITIONS

MAGIC = b"Obj\x01"
SYNC = bytes(range(16))  # any 16 bytes: fixed, so that equal records make an equal file


def container(schema_id: int, bodies: Sequence[bytes]) -> bytes:
    """The file that holds these bodies, all written with this schema."""
    size = sum(map(len, bodies))
    return b"".join(
        (_HEADERS[schema_id], _long(len(bodies)), _long(size), *bodies, SYNC)
    )  # each body copied once


def _long(number: int) -> bytes:
    """Avro's variable-length zig-zag form of a number that is not negative."""
    rest = number << 1
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def _text(value: bytes) -> bytes:
    return _long(len(value)) + value


def _header(definition: object) -> bytes:
    entries = {b"avro.codec": b"null", b"avro.schema": json.dumps(definition).encode()}
    meta = b"".join(_text(key) + _text(value) for key, value in entries.items())
    return MAGIC + _long(len(entries)) + meta + _long(0) + SYNC


_HEADERS = {schema_id: _header(definition) for schema_id, definition in DEFINITIONS.items()}
