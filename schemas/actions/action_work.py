"""Messages of the topics `actions.work` and `actions.due`: firings on their way, and what became of attempts. Private: msgpack,
versioned.

Agent `actions` is the one that decides: whether a firing counts (once, caps, quiet hours, quota, expiry), when it is sent and
sent again. Whoever sends does what `actions.due` says and answers with a `Result`; both may happen twice, which changes nothing.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from schemas.identity.orders import Order

VERSION = 1


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What templates know as `profile`, as ClickHouse had it when the firing was confirmed."""

    profile_id: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    email: str = ""  # the first of them
    phone: str = ""
    emails: list[str] = []
    phones: list[str] = []
    traits: dict[str, Any] = {}
    timezone: str = ""  # of the person's latest place, if known


class Firing(msgspec.Struct, array_like=True, frozen=True, kw_only=True, tag="firing"):
    """A rule fires for a person; to the partition of `profile`. `refused`: why it does not after all ("" when it does): then it
    is only written down. `rule`: JSON of the rule. `profile` 0: for nobody. `source`: of the event, in whose name
    others are sent. `list_channel` and `list_kind`: of the list that an action `list` changes, "" for other actions.
    `elsewhere`: the moments (ms, ascending) at which the rule fired for the person while they were known as another profile, as
    many as its caps ask for. `moved_seq` > 0: it waited in another partition until its person became one of this partition, and
    was shown so often there.
    """

    id: str
    workspace: str
    rule: bytes
    rule_version: str
    occurrence: str
    message_id: str
    source: str
    subject: int
    profile: int
    at: int
    seen_at: int
    confirmed_at: int
    event: bytes
    person: Person
    refused: str = ""
    hops: int = 0
    list_channel: str = ""
    list_kind: str = ""
    elsewhere: list[int] = []
    moved_seq: int = 0


class Claim(msgspec.Struct, array_like=True, frozen=True, kw_only=True, tag="claim"):
    """May this firing have one of its rule's quota? To the partition of the rule, which counts; `home`: where the answer goes."""

    id: str
    workspace: str
    rule: str
    max: int
    per: str
    at: int
    home: int


class Grant(msgspec.Struct, array_like=True, frozen=True, kw_only=True, tag="grant"):
    """The answer. `used`: how many of the quota are gone with it."""

    id: str
    granted: bool
    used: int


class Result(msgspec.Struct, array_like=True, frozen=True, kw_only=True, tag="result"):
    """What became of an attempt; to the partition where the firing is (`Due.home`).

    `outcome`: delivered; retry (it failed, perhaps for now); failed (it will always fail); gone (the destination wants no more,
    410); postponed (it was not tried: the destination is busy or its circuit is open). `retry_after_ms` > 0: the destination's
    own wish.
    """

    id: str
    attempt: int
    outcome: str
    status: int
    error: str
    answer: str
    started_at: int
    took_ms: int
    retry_after_ms: int = 0


class Work(msgspec.Struct, array_like=True, frozen=True):
    """The value of a message of `actions.work`. `tick`: a moment in ms that has passed, or 0. Orders go before all else."""

    version: int
    items: list[Firing | Claim | Grant | Result] = []
    tick: int = 0
    orders: list[Order] = []


class Due(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The value of a message of `actions.due`: one attempt to make now. `request` is JSON, all templates filled in, in the form
    of the action's kind (schemas/actions/requests.py); the same bytes with every attempt. `not_after` (ms): later it is not
    sent any more.
    """

    version: int
    id: str
    attempt: int
    workspace: str
    rule: str
    destination: str
    kind: str
    request: bytes
    home: int
    due_at: int
    not_after: int


class UnknownWorkVersion(ValueError):
    """A message of a later release: the reader must be upgraded first."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Work).decode
_decode_due = msgspec.msgpack.Decoder(Due).decode


def encode_work(
    items: Iterable[Firing | Claim | Grant | Result] = (), *, tick: int = 0, orders: Iterable[Order] = ()
) -> bytes:
    return _encode(Work(VERSION, list(items), tick, list(orders)))


def decode_work(value: bytes) -> Work:
    """Raises msgspec.DecodeError (none of these) or UnknownWorkVersion."""
    work = _decode(value)
    if work.version != VERSION:
        raise UnknownWorkVersion(f"actions.work version {work.version}, this release reads {VERSION}")
    return work


encode_due = _encode


def decode_due(value: bytes) -> Due:
    """Raises as `decode_work`."""
    due = _decode_due(value)
    if due.version != VERSION:
        raise UnknownWorkVersion(f"actions.due version {due.version}, this release reads {VERSION}")
    return due
