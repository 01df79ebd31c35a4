"""The seam under the lanes: who gives a worker its partitions and their records.

A `Group` is one worker's membership and its reader: Faust's (faust_group.py) or a plain consumer's (plain_group.py). It tells a
`Member`, which is Delivery, what the group has decided. Nothing that a group does is trusted: it may drop, repeat and delay what
it delivers, and give a partition to a worker whose owner still works on it. Types only; deliberately absent: any client.
"""

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

import msgspec

from runtime.streams.chunk import Chunk
from schemas.stream import InputRecord

REVOKE_S = 8.0  # a running chunk may end before the group goes on; what it cannot finish is fenced, and done again elsewhere


class TP(NamedTuple):
    """A partition of a topic; equal to Faust's and aiokafka's."""

    topic: str
    partition: int


class Taken(msgspec.Struct, frozen=True):
    """What one fetch brought for one partition, and the reader's position behind it, control markers included."""

    records: Sequence[InputRecord]
    end: int


class Parcel(msgspec.Struct, frozen=True):
    """What is delivered: a chunk, and the session of the pump that read it."""

    session: int
    chunk: Chunk


class PositionLost(Exception):
    """The position asked for is not in the log (any more)."""


class Reader(Protocol):
    """Reads the partitions that the group has given, one taker at a time for each; called in the event loop."""

    async def seek_to(self, tp: TP, position: int) -> None:
        """What is taken from now on begins here."""

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        """The next records; None when there were none in time. Raises PositionLost."""

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None:
        """Send a parcel on its way to the Member's `accept`."""


class Member(Protocol):
    """What a group tells a worker; called in the event loop."""

    async def revoked(self) -> None:
        """A rebalance begins. Returns when no chunk is being processed, or after REVOKE_S."""

    async def assigned(self, partitions: AbstractSet[TP]) -> None:
        """These are the worker's now, and no others."""

    def accept(self, tp: TP, parcel: Parcel) -> None:
        """A parcel has come through."""

    def positions(self) -> Mapping[TP, int]:
        """What is processed, for lag displays."""


class Vitals(msgspec.Struct, frozen=True):
    """How a group's own machinery looks. `unsettled`: why it is not at rest, "" when it is. `threads`: a number by name that
    grows with each sign of life."""

    unsettled: str = ""
    threads: Mapping[str, int] = {}
    loops: Mapping[str, asyncio.AbstractEventLoop] = {}


class Group(Protocol):
    """`join` once, then `run`, then `leave`."""

    def join(self, member: Member, topics: Mapping[str, str]) -> None:
        """Say who is told, and which topic each agent reads."""

    @property
    def reader(self) -> Reader:
        """Asked for when partitions are assigned, not sooner."""

    async def run(self) -> None:
        """Take part until it breaks: raises what broke. Cancelling it leaves everything running."""

    def vitals(self) -> Vitals:
        """Asked at any time, by any thread; waits for nothing."""

    async def leave(self) -> None:
        """Stop reading and leave the group. With Kafka away it may take long."""
