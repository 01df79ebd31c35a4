"""A body that does not say how long it is, read piece by piece within its limit. An edge.

Never compiled: Cython lets pass the StopAsyncIteration by which the server says that there are no more.
"""

from granian._granian import RSGIHTTPProtocol as HTTPProtocol

from collector.body import too_large
from collector.rejection import Refusal


class BodyRefused(Exception):
    """The body will not be read (to its end)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


async def read_within(protocol: HTTPProtocol, bytes_max: int) -> bytes:
    """Raises BodyRefused."""
    body = bytearray()
    async for chunk in protocol:
        body += chunk
        if len(body) > bytes_max:
            raise BodyRefused(too_large(bytes_max))
    return bytes(body)
