"""A call as the address of an image: `GET /v1/pixel/track?data=<base64 of the call's JSON>`. Pure.

Whoever asks is a page or a mail without scripts, and nobody there reads an answer. So the answer is always the image, or a
mail would show a broken one; its status is 200 whenever something was kept, be it a dead letter. What went wrong
otherwise stands in the status and in a header, for the person who tries the address out.
"""

import base64
import binascii
from collections.abc import Iterator
from urllib.parse import parse_qsl

import msgspec

from collector.credentials import QUERY_FIELDS_MAX
from collector.exchange import Intake, Request, Sources
from collector.guard import guard_of
from collector.intake import accept
from collector.limits import Limits
from collector.paths import IMAGES
from collector.rejection import Refusal, dead_letter
from collector.replies import Reply, method_not_allowed, refused
from collector.sender import sender_of
from schemas.events.reasons import Reason

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00"  # 1 x 1, two colours:
    b"\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00"  # the first of them is transparent
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
HEADERS = (("content-type", "image/gif"), ("cache-control", "no-store, private"))  # each showing is an event
ERROR_HEADER = "x-error"

_TO_STANDARD = str.maketrans("-_ ", "+/+")  # an unescaped plus of the standard alphabet is read as a space
_NOT_BASE64 = Refusal(
    Reason.BAD_ENCODING, "`data` is not base64: encode the JSON with the standard or the URL-safe alphabet"
)


def accept_image(
    request: Request, *, now: int, ids: Iterator[str], sources: Sources, limits: Limits
) -> Intake:
    """`request.path` is one of `IMAGES`; otherwise as `accept`, with an image for an answer."""
    intake = _accept(request, now=now, ids=ids, sources=sources, limits=limits)
    return intake.but(reply=image_reply(intake.reply, kept=bool(intake.events or intake.letters)))


def as_image(reply: Reply) -> Reply:
    """Any reply, also one of the edge's own."""
    return reply if reply.body is GIF else image_reply(reply)


def image_reply(reply: Reply, *, kept: bool = False) -> Reply:
    """The image instead of a reply's text; what the text said stands in a header."""
    if reply.reason is None:
        return Reply(200, GIF, HEADERS)
    said = msgspec.json.decode(reply.body)
    error = (ERROR_HEADER, f"{said['code']}: {said['message']}".encode("ascii", "replace").decode())
    own = tuple(header for header in reply.headers if header[0] != "content-type")
    return Reply(200 if kept else reply.status, GIF, (*HEADERS, *own, error), reply.reason)


def _accept(request: Request, *, now: int, ids: Iterator[str], sources: Sources, limits: Limits) -> Intake:
    if request.method != "GET":
        return Intake(method_not_allowed("GET", "OPTIONS"))
    request = request.but(is_address=True)
    data = _data_of(request.query)
    body = _unpacked(data)
    if isinstance(body, Refusal):
        source = sender_of(request, body, sources, now)
        if isinstance(source, Refusal):
            return Intake(refused(source))
        intake = Intake(refused(body), source, [], [dead_letter(body, data.encode(), source, now)])
        guard = guard_of(source, request)
        return intake if guard is None else guard.outcome(intake)
    posted = request.but(method="POST", path=f"/v1/{IMAGES[request.path]}", content_encoding="", body=body)
    return accept(posted, now=now, ids=ids, sources=sources, limits=limits)


def _data_of(query: str) -> str:
    try:
        return dict(parse_qsl(query, max_num_fields=QUERY_FIELDS_MAX)).get("data", "")
    except ValueError:
        return ""


def _unpacked(data: str) -> bytes | Refusal:
    standard = data.strip().translate(_TO_STANDARD).rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return _NOT_BASE64
