"""What agent `rules` remembers of people, in its partition's state: by key, by subject, and by when it comes up.

Keys are a letter and a hash of what it is about. Each is found by the subject that it is of, so that forgetting somebody reaches
it; of one subject so many are kept, and the oldest goes for a newer one.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Generic, TypeVar

import msgspec

from processors.rules.rule_absences import Wait
from processors.rules.rule_traits import Value
from processors.timers import Timers
from schemas.stream import State

BY_SUBJECT = b"i"
KEY_BYTES = 9
KEPT_PER_SUBJECT_MAX = 500


K = TypeVar("K", Wait, Value)

_encode = msgspec.msgpack.Encoder().encode


def key_of(letter: bytes, *about: str) -> bytes:
    return letter + blake2b("\0".join(about).encode(), digest_size=KEY_BYTES - 1).digest()


class Memory(Generic[K]):
    """Of one kind of thing, for one chunk."""

    def __init__(self, state: State, timers: Timers, kind: type[K]) -> None:
        self._state = state
        self._timers = timers
        self._decoder: msgspec.msgpack.Decoder[K] = msgspec.msgpack.Decoder(kind)

    def get(self, key: bytes) -> K | None:
        stored = self._state.get(key)
        return self._decoder.decode(stored) if stored else None

    def set(self, key: bytes, before: K | None, after: K) -> None:
        """Written when it changed; in a list for the next time that it may come up."""
        moment = self._timers.moment(after.comes_up_at)
        if not after.timed_at or moment < after.timed_at:
            self._timers.set(moment, key)
            after = msgspec.structs.replace(after, timed_at=moment)
        if before is not None and before.subject != after.subject:
            self._unlist(key, before.subject)
        if before is None or before.subject != after.subject:
            self._list(key, after.subject)
        self._state[key] = _encode(after)

    def came_up(self, key: bytes, now: int) -> K | None:
        """What stands under a key that the timers gave, and in no list any more; None when its time is another one."""
        kept = self.get(key)
        if kept is None or kept.timed_at > now:
            return None
        return msgspec.structs.replace(kept, timed_at=0)

    def drop(self, key: bytes, kept: K) -> None:
        self._state.pop(key, None)
        self._unlist(key, kept.subject)

    def _list(self, key: bytes, subject: int) -> None:
        keys: list[bytes] = [found for found in of_subject(self._state, subject) if found != key]
        for oldest in keys[: max(0, len(keys) + 1 - KEPT_PER_SUBJECT_MAX)]:
            self._state.pop(oldest, None)
        self._state[_index(subject)] = b"".join([*keys, key][-KEPT_PER_SUBJECT_MAX:])

    def _unlist(self, key: bytes, subject: int) -> None:
        keys = [found for found in of_subject(self._state, subject) if found != key]
        if keys:
            self._state[_index(subject)] = b"".join(keys)
        else:
            self._state.pop(_index(subject), None)


def of_subject(state: State, subject: int) -> Iterator[bytes]:
    """The keys of all that is remembered of a subject, the oldest first."""
    keys = state.get(_index(subject)) or b""
    for start in range(0, len(keys), KEY_BYTES):
        yield keys[start : start + KEY_BYTES]


def _index(subject: int) -> bytes:
    return BY_SUBJECT + subject.to_bytes(8, "big")
