"""Message ids that were made for requests which Kafka did not acknowledge: a retry with the same bytes gets them again. Pure.

Such a request may be in Kafka all the same. With new ids its retry would count twice; with ids made from the bytes, two
events that are really equal would count once. So what is remembered serves one retry, and is forgotten: whichever
of two equal requests comes first takes the ids, and the other one gets its own. Absent: retries that reach another
worker, or come after a restart. A client that must be sure sends message ids.
"""

import hashlib
import uuid
from collections.abc import Iterator, Sequence

import msgspec

from collector.exchange import Request
from schemas.events.reasons import Reason

# Nothing of these is in Kafka; an attempt before them may be.
_SENT_AGAIN = (Reason.RATE_LIMITED, Reason.OVERLOADED)


class MessageIds:
    """For events whose client gave none: those of an earlier attempt, then new ones."""

    def __init__(self) -> None:
        self.made: list[str] = []  # since `begin`
        self._earlier: list[str] | None = None

    def begin(self, earlier: Sequence[str] = ()) -> None:
        """The next request; `made` of the last one stays its own."""
        self.made = []
        self._earlier = list(reversed(earlier)) if earlier else None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        made = self._earlier.pop() if self._earlier else str(uuid.uuid4())
        self.made.append(made)
        return made


class _Entry(msgspec.Struct, frozen=True):
    digest: bytes
    ids: list[str]
    since_s: float


class Unsettled:
    """Used on one thread, with a clock that never goes back. The oldest are forgotten first."""

    def __init__(self, ids_max: int, age_s_max: float) -> None:
        self._ids_max = ids_max
        self._age_s_max = age_s_max
        self._ids = 0
        self._entries: dict[int, _Entry] = {}  # by number, in order
        self._numbers: dict[bytes, list[int]] = {}  # of equal requests
        self._next = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    def remember(self, request: Request, ids: list[str], now_s: float) -> None:
        entry = _Entry(_digest(request), ids, now_s)
        self._entries[self._next] = entry
        self._numbers.setdefault(entry.digest, []).append(self._next)
        self._next += 1
        self._ids += len(ids)
        self._forget_old(now_s)

    def refused(
        self, request: Request, reason: Reason, earlier: list[str], made: list[str], now_s: float
    ) -> None:
        """`earlier` was taken for this attempt, `made` begins with it, or is empty when the attempt did not come so far."""
        ids = made or earlier
        if ids and (reason is Reason.KAFKA_UNAVAILABLE or (earlier and reason in _SENT_AGAIN)):
            self.remember(request, ids, now_s)

    def take(self, request: Request, now_s: float) -> list[str]:
        """The ids of the oldest equal request, which are forgotten by this; empty when there is none."""
        self._forget_old(now_s)
        numbers = self._numbers.get(_digest(request)) if self._entries else None
        return self._forget(numbers[0]).ids if numbers else []

    def _forget_old(self, now_s: float) -> None:
        while self._entries:
            number, oldest = next(iter(self._entries.items()))
            if self._ids <= self._ids_max and now_s - oldest.since_s <= self._age_s_max:
                return
            self._forget(number)

    def _forget(self, number: int) -> _Entry:
        entry = self._entries.pop(number)
        self._ids -= len(entry.ids)
        numbers = self._numbers[entry.digest]
        numbers.remove(number)
        if not numbers:
            del self._numbers[entry.digest]
        return entry


def _digest(request: Request) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(request.said())).digest()
