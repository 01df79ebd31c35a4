"""A person's visits and what brought them: SQL over the views of sessions and touches, and what is made of it. Pure.

The views cut the visits of the person's devices anew from all events of these devices, whoever's they are, so that a visit is the
person's who began it, whatever order events came in.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from console.people import Person, Place
from console.question import Question
from console.times import iso
from schemas.identity.identifiers import profile_id

_ALL = "(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00')"
_VISITORS = "SELECT DISTINCT visitor FROM events THEIRS AND session_id != ''"

_SESSIONS = """\
SELECT count(), min(started_at), max(started_at), sum(duration_ms), countIf(is_bounce)
FROM sessions_betweenALL
WHERE workspace = {workspace:String} AND visitor IN (VISITORS) AND profile = {profile:UInt64}"""

_TOUCHES = """\
SELECT count(), min((timestamp, visitor, touch)).1, min((timestamp, visitor, touch)).3,
    max((timestamp, visitor, touch)).1, max((timestamp, visitor, touch)).3
FROM touches_betweenALL
WHERE workspace = {workspace:String} AND visitor IN (VISITORS) AND profile_id = {profile_id:String}"""


class Arrival(msgspec.Struct, frozen=True):
    timestamp: str
    touch: dict[str, str]


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """Touches are None where nothing is known to have brought them."""

    sessions: int
    first_session_at: str | None
    last_session_at: str | None
    duration_ms: int
    bounces: int
    touches: int
    first_touch: Arrival | None
    last_touch: Arrival | None


def visits_of(place: Place, person: Person) -> list[Question]:
    known: dict[str, Any] = {
        "profile": person.profile,
        "profile_id": profile_id(person.profile),
        "subjects": person.subjects,
    }
    return [place.asking(_whole(sql), **known) for sql in (_SESSIONS, _TOUCHES)]


def visits(sessions: Sequence[Any], touches: Sequence[Any]) -> Visits:
    """The only row of each."""
    count, first, last, duration_ms, bounces = sessions
    arrivals, first_at, first_touch, last_at, last_touch = touches
    return Visits(
        sessions=count,
        first_session_at=iso(first) if count else None,
        last_session_at=iso(last) if count else None,
        duration_ms=duration_ms,
        bounces=bounces,
        touches=arrivals,
        first_touch=Arrival(iso(first_at), first_touch) if arrivals else None,
        last_touch=Arrival(iso(last_at), last_touch) if arrivals else None,
    )


def _whole(sql: str) -> str:
    return sql.replace("_betweenALL", f"_between{_ALL}").replace("VISITORS", _VISITORS)
