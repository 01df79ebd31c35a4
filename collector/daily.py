"""What a visitor is called who must not be known tomorrow: made of who asks today and a salt that is forgotten with the day.

Pure. The salt is random, the same in all collectors (salts.py), and of one day in UTC. Whoever has an id cannot tell the address
that it was made from without the salt, and with another day's salt the same browser has another id. So a visit hangs together, as
far as address and user agent do, and nobody is followed over days or from one source to another.

Deliberately absent: anything that is stored in a browser.
"""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from schemas.events.pack import Connection
from schemas.sources.sources import Source
from schemas.topics import DAY_MS, SALT_AHEAD_MS

PREFIX = "daily-"
ID_BYTES = 16
SALT_BYTES = 32


class Salt(msgspec.Struct, frozen=True, array_like=True):
    """One record of `visitors.salts`. `day` counts from the epoch."""

    day: int
    salt: bytes


def day_of(now: int) -> int:
    """`now` is in ms since the epoch, here and below."""
    return now // DAY_MS


def daily_id(salt: bytes, source: Source, connection: Connection) -> str:
    """Of whoever is behind this connection, for this source, on the salt's day."""
    who = (source.workspace, source.id, connection.address, connection.user_agent)
    return PREFIX + hashlib.blake2b(msgspec.json.encode(who), key=salt, digest_size=ID_BYTES).hexdigest()


class Salts:
    """What is known of them. Of several for one day the first in the topic's order counts, which all readers see alike."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def take(self, records: Iterable[Salt]) -> None:
        for record in records:
            self._known.setdefault(record.day, record.salt)

    def of(self, now: int) -> bytes:
        """b"" when it is not known yet."""
        return self._known.get(day_of(now), b"")

    def missing(self, now: int) -> Iterator[int]:
        """The days for which one has to be made now."""
        return (day for day in sorted({day_of(now), day_of(now + SALT_AHEAD_MS)}) if day not in self._known)

    def forget(self, now: int) -> None:
        for day in [day for day in self._known if day < day_of(now)]:
            del self._known[day]
