"""What is wrong with bytes that are no request, or with a body that cannot be read: what, and how to mend it. Pure."""

from collector.rejection import Refusal
from schemas.events.reasons import Reason

HEADERS_MAX = 100  # as most servers have it
ADDRESS_BYTES_MAX = 65_534  # as what stood here before; browsers and proxies stop earlier
AT_ONCE_MAX = 32  # requests that are not answered yet on one connection; hardly any client sends a second one

NO_HTTP = Refusal(
    Reason.NO_HTTP,
    "this is no HTTP/1.1: send a request line, headers and a body of the length that they tell",
)
HEAD_TOO_LARGE = Refusal(
    Reason.HEAD_TOO_LARGE, "the request's head is too large: send fewer or shorter headers, above all cookies"
)
ADDRESS_TOO_LONG = Refusal(
    Reason.ADDRESS_TOO_LONG, "the address is too long: send the event in the body of a POST"
)
TOO_MANY_AT_ONCE = Refusal(
    Reason.TOO_MANY_AT_ONCE,
    f"more than {AT_ONCE_MAX} requests wait for their answers: send this one again on another connection",
)
TOO_SLOW = Refusal(Reason.BODY_TOO_SLOW, "the body did not arrive in time: send it again")
INCOMPLETE = Refusal(Reason.BODY_INCOMPLETE, "the body ended before its Content-Length: send it again, whole")


class NoRequest(Exception):
    """Raised inside the parser, which ends with it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
