"""An answer's bytes on the line, by RFC 9112. Pure.

Absent: what is answered (replies.py), and whether the connection goes on (peer.py).
"""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSES, KEEPS = b"connection: close\r\n", b"connection: keep-alive\r\n"
WITHOUT_BODY = (204, 304)

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


def answer_head(status: int, headers: Iterable[tuple[str, str]], body_bytes: int) -> bytes:
    """Everything before the date and what becomes of the connection: status, headers, and how long the body is.

    A header that cannot stand in a head is left out, whoever made it up: it could end the head, and begin another answer.
    """
    lines = [_LINES[status]]
    for name, value in headers:
        if name != "connection" and value.isascii() and _is_one_line(value):
            lines.append(f"{name}: {value}")
    if status not in WITHOUT_BODY:
        lines.append(f"content-length: {body_bytes}")
    return "\r\n".join([*lines, ""]).encode("ascii")


def date_line(now: float) -> bytes:
    """The last line of a head and the empty one behind it. `now` in seconds since the epoch."""
    return f"date: {formatdate(now, usegmt=True)}\r\n\r\n".encode("ascii")


def says_close(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether the connection ends with the answer that has these headers."""
    return ("connection", "close") in headers


def _is_one_line(value: str) -> bool:
    return value.isprintable() or value.replace("\t", "").isprintable()
