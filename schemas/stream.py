"""What flows through a stream processor: the seam between pure steps (processors/) and the stream core (runtime/).

A step gets all records that one chunk brought for one partition, reads and writes its partition's state as a plain mapping,
and returns records to send. The core makes outputs, state and position one Kafka transaction.
"""

from collections.abc import Callable, MutableMapping, Sequence
from typing import Protocol

import msgspec


class InputRecord(msgspec.Struct, frozen=True, gc=False):
    """One record of the input partition; `timestamp` is Kafka's, in ms since the epoch."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class OutputRecord(msgspec.Struct, frozen=True, gc=False):
    """One record to send. `topic` is a name of schemas/topics.py, without the deployment's prefix."""

    topic: str
    partition: int
    key: bytes
    value: bytes


State = MutableMapping[bytes, bytes]  # one partition's keyed state within a chunk


class Values(Protocol):
    """As much of a `State` as whoever keeps one value for each key needs; every `State` is one."""

    def get(self, key: bytes, /) -> bytes | None:
        """None where there is none."""

    def __setitem__(self, key: bytes, value: bytes, /) -> None: ...

    def pop(self, key: bytes, default: None, /) -> bytes | None:
        """What was there; afterwards nothing is."""


# Whom a node points to, as far as somebody happens to know: itself when a link was taken back, None when it is unknown or several
# by turns. Such knowledge is no part of a step's input: an output may differ by it in what is called a hint, and in nothing else.
Owners = Callable[[int], int | None]


def no_owners(_node: int) -> None:
    """The `Owners` that know nothing."""


class Step(Protocol):
    """A pure function of its arguments: the same records on the same state give the same outputs (but for hints, see `Owners`)
    and the same state.

    It must not keep the mapping, and it must handle every bad record itself (as a dead letter among the outputs): an exception
    that leaves a step is a bug and stops the process.
    """

    def __call__(
        self, partition: int, records: Sequence[InputRecord], state: State
    ) -> list[OutputRecord]: ...
