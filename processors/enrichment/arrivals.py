"""Arrivals: when what an event says of how its visitor came begins a new session, and what of it is kept.

A page that loads no other page says the same of its arrival in every event, with its campaign at first and then with the
referrer alone. So a touch that names no campaign and no click id is *weak*: it is no arrival when the touch before it had the
same origin or the same referrer. Any other touch is no arrival when the session's own has the same source, medium, campaign
and click id.

Kept are 4 bytes of hash of each, which say whether it is the same, and the texts that are stamped on later events, cut to a
bound; never a click id, which would be half of the state: it stands in the event that brought it.
"""

from functools import lru_cache
from zlib import crc32

import msgspec

from schemas.wire.stamps import Touch

TEXT_BYTES_MAX = 24  # of one text that is kept
TOUCH_BYTES_MAX = 80  # of all texts of a touch, as they are kept; what no longer fits is left out
TOUCHES_REMEMBERED_MAX = 4_096
_BETWEEN = "\x00"
_KEPT = ("channel", "source", "medium", "campaign", "referrer", "click_kind", "term", "content")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One touch. `origin` and `referrer` are hashes, the latter 0 without one; `kept` is what remains of its texts."""

    origin: int
    referrer: int
    is_weak: bool
    kept: bytes


class Signs(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What later touches of a stay are compared with: the session's own unless that is weak, and the one before."""

    strong: int = 0
    origin: int = 0
    referrer: int = 0

    def is_new(self, arrival: Arrival) -> bool:
        if not arrival.is_weak:
            return arrival.origin != self.strong
        return arrival.origin != self.origin and arrival.referrer != self.referrer

    def after(self, arrival: Arrival, *, is_new: bool) -> "Signs":
        unchanged = 0 if is_new else self.strong
        strong = unchanged if arrival.is_weak else arrival.origin
        if (strong, arrival.origin, arrival.referrer) == (self.strong, self.origin, self.referrer):
            return self
        return Signs(strong, arrival.origin, arrival.referrer)


NO_SIGNS = Signs()


@lru_cache(TOUCHES_REMEMBERED_MAX)
def arrival_of(touch: Touch) -> Arrival:
    """Of a touch that says something."""
    origin = _hash(touch.source, touch.medium, touch.campaign, touch.click_id)
    is_weak = not touch.campaign and not touch.click_id and bool(touch.referrer)
    return Arrival(origin, _hash(touch.referrer) if touch.referrer else 0, is_weak, _texts(touch))


@lru_cache(TOUCHES_REMEMBERED_MAX)
def kept_touch(kept: bytes) -> Touch:
    return Touch(**dict(zip(_KEPT, _decode(kept), strict=False)))


def _hash(*texts: str) -> int:
    """Never 0, which stands for none."""
    return crc32(_BETWEEN.join(texts).encode(errors="surrogatepass")) or 1


def _texts(touch: Touch) -> bytes:
    """The most telling ones come first, so what is left out is told least."""
    texts: list[str] = []
    left = TOUCH_BYTES_MAX - 1  # one byte says how many texts these are
    for name in _KEPT:
        value = _cut(getattr(touch, name), TEXT_BYTES_MAX)
        size = len(_encode(value))
        texts.append(value if size <= left else "")
        left -= size if size <= left else 1
    while texts and not texts[-1]:
        texts.pop()
    return _encode(texts)


def _cut(text: str, bytes_max: int) -> str:
    return text.encode(errors="replace")[:bytes_max].decode(errors="ignore")
