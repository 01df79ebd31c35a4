"""The answers of the interface for applications: documents, and errors that say what is wrong, where, and what to do. Pure.

Errors have the form of Segment's profile API. No text of an error repeats what was asked for.
"""

from typing import Any

import msgspec
from starlette.responses import Response

CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
    503: "unavailable",
}
NEVER_KEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Refused(Exception):
    """An answer other than 200, on its way out of wherever it was found out."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def document(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, NEVER_KEPT, "application/json")


def refusal(error: Refused) -> Response:
    content = {"error": {"code": CODES[error.status], "message": error.message}}
    headers = NEVER_KEPT | error.headers
    return Response(msgspec.json.encode(content), error.status, headers, "application/json")
