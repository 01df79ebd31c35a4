"""Messages of topic `rules.facts`: what happened that some rule asks for, by person. Private: msgpack, versioned.

The agents that read events and changes of membership have matched triggers and conditions of the event; agent `rules` does what
takes memory or time. A *person* is the profile as far as known when the event passed (a hint), else the subject: who it really is
decides the stage behind `rules.candidates`.
"""

from collections.abc import Iterable

import msgspec

from schemas.identity.orders import Order

VERSION = 1

FIRES = 0  # the rule fires
STARTS = 1  # an absence: from now on the other event is waited for
ENDS = 2  # the other event came
STATES = 3  # a trait was stated; `stated` has its value


class Match(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One rule that asked for an occurrence, and what for. `stated`: JSON of the trait's value, b"" for other roles."""

    rule: str
    rule_version: str
    role: int
    stated: bytes = b""


class Occurrence(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Something that happened. `id` names it for good: an event's place in events.raw as partition-offset-index, or the message
    id of a change of membership. `time` (ms) is its own, `seen_at` when it was received.

    `person` and `subject` are node ids. `event` is JSON, what templates know as `event` (rule_event.py); b"" when there
    is none. `message_id` of the event, or "".
    """

    id: str
    workspace: str
    person: int
    subject: int
    time: int
    seen_at: int
    message_id: str
    event: bytes
    matches: list[Match]
    hops: int = 0  # how many firings it goes back to: an event that a rule sent


class RuleFacts(msgspec.Struct, array_like=True, frozen=True):
    """The Kafka message's value. `tick`: a moment in ms that has passed, or 0. Orders go before all else."""

    version: int
    occurrences: list[Occurrence] = []
    tick: int = 0
    orders: list[Order] = []


class UnknownRuleFactsVersion(ValueError):
    """A message of a later release: the reader must be upgraded first."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RuleFacts).decode


def encode_rule_facts(
    occurrences: Iterable[Occurrence] = (), *, tick: int = 0, orders: Iterable[Order] = ()
) -> bytes:
    return _encode(RuleFacts(VERSION, list(occurrences), tick, list(orders)))


def decode_rule_facts(value: bytes) -> RuleFacts:
    """Raises msgspec.DecodeError (none of these) or UnknownRuleFactsVersion."""
    facts = _decode(value)
    if facts.version != VERSION:
        raise UnknownRuleFactsVersion(f"rules.facts version {facts.version}, this release reads {VERSION}")
    return facts
