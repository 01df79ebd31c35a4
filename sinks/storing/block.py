"""A block: the records of one partition that go into ClickHouse as one insert. Pure.

A block is named by its range of offsets. The records within a range never change once they were read
(read_committed, at rest), so the name is also the insert's deduplication token: whoever inserts the range again adds nothing.
"""

import msgspec

from schemas.events.reasons import Reason


class Record(msgspec.Struct, frozen=True, gc=False):
    """One Kafka record; `timestamp` is Kafka's, in ms since the epoch. A value of None is a tombstone."""

    offset: int
    timestamp: int
    value: bytes | None


class RefusedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record that cannot be stored, and why."""

    record: Record
    reason: Reason
    detail: str


class Block(msgspec.Struct, frozen=True):
    """Offsets [start, end) of one partition; every record in `records` has the same schema."""

    topic: str
    partition: int
    start: int
    end: int
    schema_id: int
    records: tuple[Record, ...]
    refused: tuple[RefusedRecord, ...]

    @property
    def token(self) -> str:
        return f"{self.topic}-{self.partition}-{self.start}-{self.end}"
