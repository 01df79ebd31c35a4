"""The bytes of every answer that the collector gives to a sender. Pure.

Two clients retry a 400 for minutes when an error's body is not JSON with both `code` and `message`, and two take every
2xx but 200 for an error: so there is one success, and one form of error.
"""

import msgspec

from collector.rejection import Refusal
from schemas.events.reasons import Reason

Headers = list[tuple[str, str]]

JSON_TYPE = ("content-type", "application/json")

STATUS = {
    Reason.INVALID_JSON: 400,
    Reason.WRONG_TYPE: 400,
    Reason.UNKNOWN_TYPE: 400,
    Reason.BAD_ENCODING: 400,
    Reason.NO_TARGET: 400,
    Reason.TARGET_NOT_ALLOWED: 403,
    Reason.NO_WRITE_KEY: 401,
    Reason.UNKNOWN_WRITE_KEY: 401,
    Reason.WRITE_KEY_ENDED: 401,
    Reason.KEY_FOR_SERVERS: 403,
    Reason.ORIGIN_NOT_ALLOWED: 403,
    Reason.NO_SIGNATURE: 401,
    Reason.WRONG_SIGNATURE: 403,
    Reason.STALE_SIGNATURE: 403,
    Reason.UNKNOWN_WEBHOOK: 404,
    Reason.NOT_FOUND: 404,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.NO_HTTP: 400,
    Reason.ADDRESS_TOO_LONG: 414,
    Reason.HEAD_TOO_LARGE: 431,
    Reason.TOO_MANY_AT_ONCE: 429,
    Reason.BODY_TOO_SLOW: 408,
    Reason.BODY_INCOMPLETE: 408,
    Reason.EVENT_TOO_LARGE: 413,
    Reason.BODY_TOO_LARGE: 413,
    Reason.BATCH_TOO_LONG: 413,
    Reason.RATE_LIMITED: 429,
    Reason.WEBHOOK_UNUSABLE: 503,
    Reason.OVERLOADED: 503,
    Reason.KAFKA_UNAVAILABLE: 503,
}


class Reply(msgspec.Struct, frozen=True):
    """`reason` is None for a success. `headers` are the reply's own: CORS is added by the edge (cors.py)."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (JSON_TYPE,)
    reason: Reason | None = None


SUCCESS = Reply(200, b'{"success": true}')


def refused(refusal: Refusal, *extra: tuple[str, str]) -> Reply:
    """The error reply of a refusal, with further headers such as Retry-After."""
    body = msgspec.json.encode({"success": False, "code": refusal.reason.value, "message": refusal.detail})
    return Reply(STATUS[refusal.reason], body, (JSON_TYPE, *extra), refusal.reason)


def try_later(reason: Reason, detail: str, retry_after_s: int) -> Reply:
    """429 or 503: nothing is wrong with the request; the client keeps its events and comes back."""
    return refused(Refusal(reason, detail), ("retry-after", str(retry_after_s)))


def not_found() -> Reply:
    return refused(
        Refusal(
            Reason.NOT_FOUND,
            "no such path: events go to POST /v1/identify, track, page, screen, group, alias or batch, or to GET "
            "/v1/pixel/ and one of these",
        )
    )


def method_not_allowed(*allowed: str) -> Reply:
    methods = ", ".join(allowed)
    return refused(
        Refusal(
            Reason.METHOD_NOT_ALLOWED, f"this path takes {methods} only: send the request with that method"
        ),
        ("allow", methods),
    )


def json_reply(status: int, document: object) -> Reply:
    return Reply(status, msgspec.json.encode(document))
