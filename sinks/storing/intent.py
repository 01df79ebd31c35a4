"""The intent: what a sink is about to insert, written into the metadata of a Kafka commit before it does. Pure.

The committed offset is the range's start, the metadata holds its end: whoever takes the partition over repeats exactly this range
under the same token, and ClickHouse drops what it already has. A commit without metadata says that all before it is stored.
"""

import msgspec

VERSION = 1


class UnknownIntent(ValueError):
    """Metadata that this release cannot read: another release wrote it, and it must finish its range."""


class Intent(msgspec.Struct, frozen=True):
    """Offsets [start, end) of one partition."""

    start: int
    end: int


class _Metadata(msgspec.Struct, frozen=True):
    version: int
    end: int
    token: str


_decode = msgspec.json.Decoder(_Metadata).decode


def metadata_of(end: int, token: str) -> str:
    """The token is there for people who read it; it follows from topic, partition, start and end."""
    return msgspec.json.encode(_Metadata(VERSION, end, token)).decode()


def intent_of(offset: int, metadata: str | None) -> Intent | None:
    """What a committed offset and its metadata say. Raises UnknownIntent."""
    if not metadata:
        return None
    try:
        found = _decode(metadata)
    except msgspec.DecodeError as error:
        raise UnknownIntent(f"metadata of committed offset {offset} cannot be read: {error}") from None
    if found.version != VERSION or found.end <= offset:
        raise UnknownIntent(
            f"metadata of committed offset {offset} is of version {found.version}, this release writes {VERSION}"
        )
    return Intent(offset, found.end)
