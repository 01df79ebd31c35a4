"""An HTTP destination: one session with connections that are kept, and what becomes of each request.

The whole attempt has `timeout_s`: resolving, connecting, redirects and the answer. Once the head of an answer is there its status
decides; a body that then does not come, or does not end, changes nothing but that the connection is not used again. Deliberately
absent: cookies, proxies of the environment, compressed answers.
"""

import asyncio
import socket
from collections.abc import Callable
from ssl import SSLContext

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver

from runtime.secrets import NoSecret, Secrets
from schemas.actions.action_work import Due
from schemas.actions.destinations import HttpDestination
from sinks.sending.sender_connections import PrivateAddress, guarded_sockets, why
from sinks.sending.sender_outcomes import ANSWER_CHARS_MAX, Answer, final, of_http, passing, shown
from sinks.sending.sender_requests import REDIRECTS, REDIRECTS_MAX, BadRequest, Wire, redirected, wire_of
from sinks.sending.sender_signature import BadSecret

KEEPALIVE_S = 4.0  # less than what servers use: one that closes at the same moment would cost an attempt
DNS_AGE_S = 10
BODY_S_MAX = 5.0
HEAD_START_S = 0.05  # of a body's limit before the attempt's


class HttpTools(msgspec.Struct, frozen=True):
    """`may_connect`: whether an address is one for destinations that do not allow private ones."""

    resolver: AbstractResolver
    may_connect: Callable[[str], bool]
    tls: SSLContext
    secrets: Secrets
    answer_bytes_max: int
    body_s_max: float = BODY_S_MAX


class HttpChannel:
    """Made in the event loop that it is used in."""

    def __init__(self, destination: HttpDestination, tools: HttpTools) -> None:
        self._destination = destination
        self._tools = tools
        may_connect = _any if destination.allow_private_addresses else tools.may_connect
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the gate's
                resolver=tools.resolver,
                ttl_dns_cache=DNS_AGE_S,
                ssl=tools.tls,
                keepalive_timeout=KEEPALIVE_S,
                socket_factory=guarded_sockets(may_connect),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("Content-Type", "User-Agent"),
            auto_decompress=False,
            trust_env=False,
        )

    async def send(self, due: Due, now_ms: int) -> Answer:
        try:
            wire = wire_of(due, self._destination, self._tools.secrets.required, now_ms)
        except (NoSecret, BadSecret) as error:
            return passing(f"not sent: {error}", "unknown")
        except (BadRequest, msgspec.DecodeError) as error:
            return final(f"not sent: {error}")
        try:
            async with asyncio.timeout(self._destination.timeout_s) as whole:
                return await self._followed(due.kind, wire, now_ms, whole.when() or 0.0)
        except TimeoutError:
            return passing(f"no answer within {self._destination.timeout_s:g} s")
        except aiohttp.InvalidURL:
            return final("the address cannot be used")
        except (aiohttp.ClientError, OSError) as error:
            return _failure(error)
        except ValueError:  # of an address that a library below does not take, a redirect's among them
            return final("the address cannot be used")

    async def close(self) -> None:
        await self._session.close()

    async def _followed(self, kind: str, wire: Wire, now_ms: int, end_s: float) -> Answer:
        for hop in range(REDIRECTS_MAX + 1):
            try:
                found = await self._asked(kind, wire, now_ms, end_s)
            except aiohttp.ClientConnectorError as error:
                if hop and isinstance(error.os_error, PrivateAddress):
                    return final("a redirect leads to a private address", health="well")
                raise
            if isinstance(found, Answer):
                return found
            wire = found
        return final(f"more than {REDIRECTS_MAX} redirects", health="well")

    async def _asked(self, kind: str, wire: Wire, now_ms: int, end_s: float) -> Answer | Wire:
        """One request; the next one where the answer is a redirect that is followed."""
        async with self._session.request(
            wire.method, wire.url, headers=wire.headers, data=wire.body or None, allow_redirects=False
        ) as response:
            location = response.headers.get("Location")
            if response.status in REDIRECTS and location is not None:
                following = redirected(wire, response.status, location)
                if isinstance(following, str):
                    return final(following, response.status, "well")
                return following
            body = await self._body(response, end_s)
            wish = response.headers.get("Retry-After", "")
            return of_http(kind, response.status, shown(body), wish, now_ms)

    async def _body(self, response: aiohttp.ClientResponse, end_s: float) -> bytes:
        """Its beginning. What is longer than we read, or does not come, ends with its connection."""
        kept, size = bytearray(), 0
        try:
            async with asyncio.timeout_at(
                min(asyncio.get_running_loop().time() + self._tools.body_s_max, end_s - HEAD_START_S)
            ):
                async for part in response.content.iter_any():
                    size += len(part)
                    kept += part[: max(0, ANSWER_CHARS_MAX - len(kept))]
                    if size > self._tools.answer_bytes_max:
                        break
        except (TimeoutError, aiohttp.ClientError, OSError):
            response.close()
        if not response.content.at_eof():
            response.close()
        return bytes(kept)


def _failure(error: BaseException) -> Answer:
    match error:
        case aiohttp.ServerDisconnectedError():
            return passing("it closed the connection without an answer")
        case aiohttp.ClientConnectorError():
            return passing(f"no connection: {why(error)}")
        case socket.gaierror():
            return passing("no connection: its name cannot be resolved")
        case aiohttp.ClientOSError() | OSError():
            return passing(f"the connection broke: {why(error)}")
    return passing(f"no answer that can be read: {type(error).__name__}")


def _any(_address: str) -> bool:
    return True
