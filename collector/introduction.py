"""`POST /v1/visitor`: the pixel says which anonymousId it remembers, and learns which one its browser has. Pure.

The reply makes the cookie, or renews it: a visitor who comes back once a year stays the same one. Nothing reaches Kafka.
"""

from collections.abc import Iterator

import msgspec

from collector.admission import refused_origin
from collector.body import unpacked, with_whole_characters
from collector.exchange import Intake, Request, Sources
from collector.guard import NO_SALT, guard_of
from collector.limits import Limits
from collector.rejection import Refusal
from collector.replies import Headers, json_reply, method_not_allowed, refused
from collector.sender import sender_of
from collector.visitor import Visit
from schemas.events.call import Scalar
from schemas.events.reasons import Reason
from schemas.identity.identifiers import text
from schemas.sources.sources import Source


class Introduction(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The body. With `replace` the id is a new one, made by reset(): then it counts more than the cookie's. With `forget` the
    visitor has withdrawn: the cookie goes."""

    anonymous_id: Scalar = None
    replace: bool = False
    forget: bool = False


decode_introduction = msgspec.json.Decoder(Introduction).decode


def introduce(request: Request, *, now: int, ids: Iterator[str], sources: Sources, limits: Limits) -> Intake:
    """As `intake.accept`, and without events."""
    if request.method != "POST":
        return Intake(method_not_allowed("POST", "OPTIONS"))
    body = unpacked(request.body, request.content_encoding, limits.body_bytes_max)
    if not isinstance(body, Refusal):
        body = with_whole_characters(body)
    source = sender_of(request, body, sources, now)
    if isinstance(source, Refusal):
        return Intake(refused(source))
    introduction = refused_origin(source, request.origin) or _read(body)
    if isinstance(introduction, Refusal):
        return Intake(refused(introduction), source)
    if introduction.forget:
        return _told("", request.visit.forgetting() if request.visit else [], source)
    guard = guard_of(source, request)
    if guard is not None and guard.lacks_salt:
        return Intake(NO_SALT)
    if guard is not None and (guard.treatment.drop or guard.treatment.is_cookieless):
        return _told(guard.visitor or text(introduction.anonymous_id) or next(ids), [], source)
    anonymous_id = _decided(introduction, request.visit, ids)
    return _told(anonymous_id, request.visit.cookie(anonymous_id) if request.visit else [], source)


def _told(anonymous_id: str, cookie: Headers, source: Source) -> Intake:
    reply = json_reply(200, {"success": True, "anonymousId": anonymous_id})
    return Intake(msgspec.structs.replace(reply, headers=(*reply.headers, *cookie)), source)


def _decided(introduction: Introduction, visit: Visit | None, ids: Iterator[str]) -> str:
    said = text(introduction.anonymous_id)
    remembered = visit.remembered if visit else ""
    return (said if introduction.replace else "") or remembered or said or next(ids)


def _read(body: bytes | Refusal) -> Introduction | Refusal:
    if isinstance(body, Refusal):
        return body
    try:
        return decode_introduction(body or b"{}")
    except msgspec.ValidationError as error:
        return Refusal(Reason.WRONG_TYPE, f"{error}: send {{anonymousId, replace, forget}}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(Reason.INVALID_JSON, f"the text cannot be read as JSON: {error}")
