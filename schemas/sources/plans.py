"""Tracking plans: which events a source is meant to send, what they look like, and what becomes of those that differ.

A plan is a document `plan/SOURCE` on the control topic. Its schemas are JSON Schema, of the `properties` of a track call by the
event's exact name, of `properties` or `traits` of the other calls by their type. Compiling and applying them is
processors/enrichment/plans.py's.
"""

from typing import Any, Literal

import msgspec

from schemas.definitions.names import Name

PLAN_BYTES_MAX = 900_000  # Kafka takes about a million

Choice = Literal["accept", "block", "divert"]
Unplanned = Literal["accept", "violation"]
OtherCall = Literal["identify", "page", "screen", "group"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`spec`: what becomes of events that do not conform to the semantic catalogue; `plan`: of those that do not conform to the
    schemas; `unplanned`: whether a track call whose name is not in `events` is one of these.

    accept: stored, with what is wrong in `meaning.violations`. block: a dead letter, which can be repaired and sent again.
    divert: stored under the source id `divert_to`. An event that is to be blocked and diverted is blocked.
    """

    source: Name
    spec: Choice = "accept"
    plan: Choice = "accept"
    unplanned: Unplanned = "accept"
    divert_to: Name | None = None
    events: dict[str, Any] = {}
    calls: dict[OtherCall, Any] = {}


class PlanInput(Plan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry under `plans:` of a file for `stitchline apply`."""


def stored_plan(entry: PlanInput) -> bytes:
    """The document. Raises ValueError when its settings contradict each other or it is too long."""
    if "divert" in (entry.spec, entry.plan) and entry.divert_to is None:
        raise ValueError(f"plan of {entry.source}: divert_to must name the source id to divert to")
    if entry.divert_to == entry.source:
        raise ValueError(f"plan of {entry.source}: divert_to names the source itself")
    try:
        document = msgspec.json.encode(entry)
    except (TypeError, ValueError) as error:
        raise ValueError(f"plan of {entry.source}: not expressible as JSON: {error}") from error
    if len(document) > PLAN_BYTES_MAX:
        raise ValueError(f"plan of {entry.source}: {len(document)} bytes as JSON, at most {PLAN_BYTES_MAX}")
    return document


decode_plan = msgspec.json.Decoder(Plan).decode
