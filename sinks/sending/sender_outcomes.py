"""What an answer means for a firing: delivered, to be tried again, refused for good, or not wanted any more. Pure.

Webhooks follow Standard Webhooks: 2xx is delivered, 410 ends it, anything else is tried again. Requests of kind `http` go to
interfaces whose 4xx says that the request itself is wrong, which no repetition mends: those are final, but for 408, 425 and 429.
Redirects are judged where they are followed (sender_requests.py); docs/destinations.md has the whole table.
"""

from collections.abc import Collection
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

RETRY_AFTER_MS_MAX = 3_600_000  # of a destination's own wish: an hour later it may wish again
ANSWER_CHARS_MAX = 500
ERROR_CHARS_MAX = 300
DIGITS_MAX = 12

Outcome = Literal["delivered", "retry", "failed", "gone", "postponed"]
Health = Literal["well", "ill", "busy", "unknown"]

_BUSY = (429, 503)
_PASSING = (408, 425, 429)  # 4xx that another attempt may mend


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`health`: what it says about the destination, for its circuit. `busy`: it asked for a pause of `retry_after_ms`."""

    outcome: Outcome
    status: int = 0
    error: str = ""
    text: str = ""
    retry_after_ms: int = 0
    health: Health = "unknown"


def of_http(kind: str, status: int, text: str, retry_after: str, now_ms: int) -> Answer:
    """`retry_after`: the header, or ""."""
    if 200 <= status < 300:
        return Answer(outcome="delivered", status=status, text=text, health="well")
    error = f"the answer is {status}"
    if status == 410:
        return Answer(outcome="gone", status=status, error=error, text=text, health="well")
    if 300 <= status < 500 and status not in _PASSING and kind != "webhook":
        return Answer(outcome="failed", status=status, error=error, text=text, health="well")
    wish = retry_after_ms(retry_after, now_ms) if status in _BUSY else 0
    return Answer(
        outcome="retry",
        status=status,
        error=error,
        text=text,
        retry_after_ms=wish,
        health=_health(status, wish),
    )


def _health(status: int, wish_ms: int) -> Health:
    if wish_ms:
        return "busy"
    return "ill" if status >= 500 or status in _PASSING else "well"


def of_smtp(code: int, text: str) -> Answer:
    """A refusal; 4yz is passing, 5yz final (RFC 5321, 4.2.1)."""
    error = f"the mail server says {code}"
    if 500 <= code < 600:
        return Answer(outcome="failed", status=code, error=error, text=text, health="well")
    # 450 to 452 speak of one mailbox or message; 421 and others of the server
    health: Health = "well" if code in (450, 451, 452) else "ill"
    return Answer(outcome="retry", status=code, error=error, text=text, health=health)


def passing(error: str, health: Health = "ill") -> Answer:
    """No answer came, perhaps for now."""
    return Answer(outcome="retry", error=error[:ERROR_CHARS_MAX], health=health)


def final(error: str, status: int = 0, health: Health = "unknown") -> Answer:
    """It cannot be sent, now or ever."""
    return Answer(outcome="failed", status=status, error=error[:ERROR_CHARS_MAX], health=health)


def postponed(error: str, retry_after_ms: int) -> Answer:
    return Answer(outcome="postponed", error=error, retry_after_ms=max(1, retry_after_ms))


def retry_after_ms(text: str, now_ms: int) -> int:
    """Of a Retry-After header: seconds or a date (RFC 9110, 10.2.3), within bounds; 0 when it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return RETRY_AFTER_MS_MAX if len(text) > DIGITS_MAX else _bounded(int(text) * 1000)
    try:
        date = parsedate_to_datetime(text)
        at_ms = int(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
    return _bounded(at_ms - now_ms)


def _bounded(milliseconds: int) -> int:
    return min(max(milliseconds, 0), RETRY_AFTER_MS_MAX)


def shown(body: bytes) -> str:
    """The beginning of an answer, as text that any table takes."""
    return body[:ANSWER_CHARS_MAX].decode("utf-8", "replace").replace("\x00", "\ufffd")


def refused_of(refused: Collection[str], all_of_them: int) -> str:
    return f"{len(refused)} of {all_of_them} recipients were refused" if refused else ""
