"""A request's body, read no further than it may be long, and waited for no longer than it may take."""

from anyio import fail_after
from starlette.requests import ClientDisconnect, Request

from console.replies import Refused

BODY_S_MAX = 10.0  # to arrive in


async def body_of(request: Request, bytes_max: int) -> bytes:
    """Raises Refused."""
    found = bytearray()
    try:
        with fail_after(BODY_S_MAX):
            async for part in request.stream():
                found += part
                if len(found) > bytes_max:
                    raise Refused(
                        413,
                        f"the body has more than {bytes_max} bytes (CONTACT_REQUEST_BYTES_MAX): send several",
                    )
    except (ClientDisconnect, TimeoutError) as error:
        raise Refused(400, "the body has not arrived to its end") from error
    return bytes(found)
