"""A batch whose JSON cannot be read as a whole, taken apart so that one bad event costs the others nothing. Pure.

`NaN`, which is no JSON but which Python writes, a control character in a text, a value nested beyond the decoder's limit: each
spoils the text of the batch around it. Here only strings and brackets are followed, without recursion; whether an event can be
read is found out for each by itself. A body that is cut short, or whose brackets do not match, is not taken apart.
"""

import re
from functools import lru_cache
from itertools import pairwise

import msgspec

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Each passes over what means nothing there, and stops at a token or at the end; a quote alone is a string that never ends.
_TOKEN = re.compile(rb'(?:[^\[\]{},"]++|(?!"batch")' + _STRING + rb')*+([\[\]{},]|"batch"|"|\Z)', re.DOTALL)
_BRACKET = re.compile(rb'(?:[^\[\]{}"]++|' + _STRING + rb')*+([\[\]{}"]|\Z)', re.DOTALL)  # within an event
_OPENED_BY = {b"]": b"[", b"}": b"{"}
_KEY = b'"batch"'
_IN_BATCH = b"{["  # the brackets that are open between two events

# A few hundred bytes of gzip can hold a million, and each costs time; real batches have fewer. Commas and strings within
# an event are none.
TOKENS_MAX = 100_000


class Parts(msgspec.Struct, frozen=True):
    """`head` is the body with an empty batch, `events` what stood in it, each as it was sent."""

    head: bytes
    events: list[bytes]


@lru_cache(1)  # who sends it is looked for first, and then its events
def take_apart(body: bytes) -> Parts | None:
    """None when there is no batch in it, nobody can say where its events end, or that would take too long."""
    return _Scan(body).parts()


class _Scan:
    """One pass over a body. Of several batches the last one counts, as for every JSON decoder of ours."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._open = bytearray()  # the brackets that are open at this place
        self._key_end = -1  # where the key `batch` ended, if it was the last one at the top
        self._inside = False  # the batch
        self._commas: list[int] = []
        self._span = (-1, -1)

    def parts(self) -> Parts | None:
        if not self._is_followed():
            return None
        start, end = self._span
        if self._open or start < 0:
            return None
        edges = [start, *self._commas, end]
        events = [self._body[a + 1 : b].strip() for a, b in pairwise(edges)]
        return Parts(self._body[: start + 1] + self._body[end:], [] if events == [b""] else events)

    def _is_followed(self) -> bool:
        place = 0
        for _ in range(TOKENS_MAX + 1):
            pattern = _TOKEN if len(self._open) <= len(_IN_BATCH) else _BRACKET
            found = pattern.match(self._body, place)
            if not found or not found[1]:
                return found is not None
            place = found.end()
            if not self._take(found[1], found.start(1)):
                return False
        return False

    def _take(self, token: bytes, place: int) -> bool:
        """False when nothing more can be said."""
        if token in (b"[", b"{"):
            self._opens(token, place)
        elif token in _OPENED_BY:
            return self._closes(token, place)
        elif token == b",":
            if self._inside and self._open == _IN_BATCH:
                self._commas.append(place)
        elif token == _KEY and self._open == b"{":
            self._key_end = place + len(_KEY)
        return token != b'"'

    def _opens(self, token: bytes, place: int) -> None:
        if token == b"[" and self._open == b"{" and self._key_end >= 0:
            self._inside = self._body[self._key_end : place].strip() == b":"
            if self._inside:
                self._span, self._commas = (place, -1), []
        self._open += token

    def _closes(self, token: bytes, place: int) -> bool:
        if not self._open.endswith(_OPENED_BY[token]):
            return False
        if self._inside and self._open == _IN_BATCH:
            self._inside, self._span = False, (self._span[0], place)
        self._open.pop()
        return True
