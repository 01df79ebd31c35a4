"""The firings of one partition, as one chunk needs them: read once, written once, found by their time and by whom they are about.

A firing that begins and ends within one chunk writes no more than its id. What is on its way stands under its subject and its
profile, so that whoever is forgotten is found.
"""

from collections.abc import Iterator

import msgspec

from processors.actions.firing_state import SEEN_MS, FiringState, Seen, decode_state, encode_state
from processors.actions.firings_of import FiringsOf
from processors.timers import Timers
from schemas.stream import State

Known = FiringState | Seen | None


class Firings:
    def __init__(self, state: State, timers: Timers) -> None:
        self._state = state
        self._timers = timers
        self._listed = FiringsOf(state)
        self._known: dict[bytes, tuple[Known, Known]] = {}  # as it was, as it is

    def get(self, key: bytes) -> Known:
        if key not in self._known:
            stored = self._state.get(key)
            known = decode_state(stored) if stored else None
            self._known[key] = known, known
        return self._known[key][1]

    def on_its_way(self, key: bytes) -> FiringState | None:
        known = self.get(key)
        return known if isinstance(known, FiringState) else None

    def put(self, key: bytes, state: FiringState) -> None:
        """It comes up again by its `due_at`. A timer that comes sooner stands in for a later one."""
        moment = self._timers.moment(state.due_at)
        if not state.timed_at or state.timed_at > moment:
            self._timers.set(moment, key)
            state = msgspec.structs.replace(state, timed_at=moment)
        self._set(key, state)

    def end(self, key: bytes, now: int, moved_seq: int = 0) -> None:
        """`moved_seq` > 0: it goes on in another partition, and was shown so often here."""
        until = self._timers.moment(now + SEEN_MS)
        self._timers.set(until, key)
        self._set(key, Seen(until, moved_seq))

    def due(self, key: bytes, now: int) -> FiringState | None:
        """The firing whose timer has come, when it is its time indeed."""
        known = self.get(key)
        if isinstance(known, Seen):
            if known.until <= now:
                self._set(key, None)
            return None
        if known is None or known.timed_at > now:
            return None
        known = msgspec.structs.replace(known, timed_at=0)
        if known.due_at > now:
            self.put(key, known)
            return None
        return known

    def about(self, node: int) -> Iterator[bytes]:
        """Those that are on their way, also those of this chunk."""
        stored = self._listed.of(node)
        fresh = [key for key, (_, known) in self._known.items() if node in _nodes(known)]
        for key in dict.fromkeys([*stored, *fresh]):
            if node in _nodes(self.get(key)):
                yield key

    def close(self) -> None:
        for key, (before, after) in self._known.items():
            if after == before:
                continue
            if after is None:
                self._state.pop(key, None)
            else:
                self._state[key] = encode_state(after)
            self._list(key, _nodes(before), _nodes(after))

    def _set(self, key: bytes, known: Known) -> None:
        before = self._known[key][0] if key in self._known else self.get(key)
        self._known[key] = before, known

    def _list(self, key: bytes, before: set[int], after: set[int]) -> None:
        for node in sorted(after - before):
            self._listed.add(node, key)
        for node in sorted(before - after):
            self._listed.remove(node, key)


def _nodes(known: Known) -> set[int]:
    return {known.firing.subject, known.firing.profile} - {0} if isinstance(known, FiringState) else set()
