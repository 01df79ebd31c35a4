"""What a client said, read from its recorded requests: the events with all that their request shares.

The only reading of requests besides the collector's own, and independent of it. Absent: what must be stored (expected.py).
"""

import gzip
import json
from base64 import b64decode
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec

from tests.clients.front import Attempt

SPELLINGS = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}


class Sent(msgspec.Struct, frozen=True):
    """One event in one request. `shared` is the batch around it, {} when it came alone."""

    event: dict[str, Any]
    shared: dict[str, Any]
    attempt: Attempt

    @property
    def message_id(self) -> str:
        return str(self.event["messageId"])


def document(attempt: Attempt) -> dict[str, Any]:
    zipped = attempt.headers.get("content-encoding") == "gzip"
    found = json.loads(gzip.decompress(attempt.body) if zipped else attempt.body)
    assert isinstance(found, dict)
    return found


def posts(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The requests that carry events."""
    return [attempt for attempt in attempts if attempt.method == "POST" and attempt.path != "/v1/m"]


def sent(attempts: Iterable[Attempt]) -> list[Sent]:
    """Every event of every request, repeated ones too, in the order of the requests."""
    return [one for attempt in posts(attempts) for one in _of(attempt)]


def _of(attempt: Attempt) -> list[Sent]:
    body = document(attempt)
    if "batch" in body:
        return [Sent(event, body, attempt) for event in body["batch"]]
    word = attempt.path.rstrip("/").rpartition("/")[2]
    return [Sent({"type": SPELLINGS.get(word, word)} | body, {}, attempt)]


def first_taken(all_sent: Iterable[Sent]) -> dict[str, Sent]:
    """By message id: the first sending that the collector accepted, which is the one that counts."""
    found: dict[str, Sent] = {}
    for one in all_sent:
        if one.attempt.taken == 200:
            found.setdefault(one.message_id, one)
    return found


def told_ok(all_sent: Iterable[Sent]) -> set[str]:
    """Message ids that the client knows to be delivered."""
    return {one.message_id for one in all_sent if one.attempt.status == 200}


def pairs(all_sent: Iterable[Sent]) -> list[tuple[Attempt, Attempt]]:
    """Each attempt at an event with the next attempt at the same."""
    tries: dict[str, list[Attempt]] = {}
    for one in all_sent:
        tries.setdefault(one.message_id, []).append(one.attempt)
    return [pair for attempts in tries.values() for pair in pairwise(attempts)]


def key_of(attempt: Attempt) -> str:
    """The user name of Basic."""
    scheme, _, word = attempt.headers["authorization"].partition(" ")
    assert scheme == "Basic"
    return b64decode(word).decode().partition(":")[0]
