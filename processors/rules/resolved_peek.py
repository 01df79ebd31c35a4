"""What stands in front of a resolved event, read from its bytes without decoding it: enough to know whether any rule asks for it.

All versions of the record begin alike. Nearly all events end here, so this is what an event that no rule names costs. Pure.
"""

from schemas.wire.codec import HEADER, SCHEMAS, header, schema_id_of

_HEADERS = frozenset(header(schema.id) for schema in SCHEMAS if schema.subject == "resolved_event")
_SIZE = HEADER.size


class UnreadableEvent(ValueError):
    """Bytes that are no resolved event of any version."""


Peeked = tuple[
    bytes, int
]  # workspace, type, event and name as they stand in the record; where what follows begins


def peek(value: bytes) -> Peeked:
    """Raises UnreadableEvent, schemas.wire.codec.UnknownSchema."""
    if value[:_SIZE] not in _HEADERS:
        schema_id_of(value)
        raise UnreadableEvent("another topic's schema")
    try:
        workspace = _after_text(value, _SIZE)
        titles = _after_text(value, _after_text(value, workspace))  # behind source and message id
        end = _after_text(value, _after_text(value, _after_text(value, titles)))
    except IndexError as error:
        raise UnreadableEvent("it ends too soon") from error
    if end > len(value):
        raise UnreadableEvent("it ends too soon")
    return value[_SIZE:workspace] + value[titles:end], end


def texts_of(key: bytes) -> tuple[str, str, str, str]:
    """Workspace, type, event and name. Raises UnreadableEvent."""
    found, at = [], 0
    try:
        for _ in range(4):
            size, start = long_at(key, at)
            at = start + size
            found.append(key[start:at].decode())
    except (IndexError, UnicodeDecodeError) as error:
        raise UnreadableEvent("its names are no text") from error
    return found[0], found[1], found[2], found[3]


def begins_visit(value: bytes, at: int) -> bool:
    """Whether the event is the first of its session, whose id ends with the millisecond of its beginning. `at`: as peeked."""
    try:
        time, at = long_at(value, at)
        for _ in range(3):
            at = _after_long(value, at)
        for _ in range(4):
            at = _after_text(value, at)
        at = _after_text(value, _after_long(value, at))  # behind subject and profile id
        size, start = long_at(value, at)
    except IndexError as error:
        raise UnreadableEvent("it ends too soon") from error
    return size > 0 and value[start : start + size].endswith(b"-%x" % time)


def long_at(value: bytes, at: int) -> tuple[int, int]:
    """The number, and where it ends. Raises IndexError."""
    byte = value[at]
    at += 1
    found, shift = byte & 0x7F, 7
    while byte > 0x7F:
        byte = value[at]
        at += 1
        found |= (byte & 0x7F) << shift
        shift += 7
    return (found >> 1) ^ -(found & 1), at


def _after_long(value: bytes, at: int) -> int:
    while value[at] > 0x7F:
        at += 1
    return at + 1


def _after_text(value: bytes, at: int) -> int:
    byte = value[at]
    if byte <= 0x7F:  # nearly always: a length below 64
        return at + 1 + (byte >> 1)
    size, at = long_at(value, at)
    return at + size
