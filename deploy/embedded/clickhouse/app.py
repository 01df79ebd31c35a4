"""The HTTP edge: aiohttp takes requests, a thread for each runs the statement. Holds no decision about SQL.

The thread reads a large body and writes a large answer through the event loop, piece by piece: neither is ever held whole, and
a slow client slows its own statement only. A small body is read before there is a thread, and a small answer sent after it: each
piece that a thread hands over costs two switches of threads, which are half of what a short question takes here.
"""

import asyncio
import contextlib
import secrets
import string
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.typedefs import Handler
from aiohttp.web_exceptions import HTTPForbidden

from deploy.embedded.clickhouse.failure import ClickHouseError, refused
from deploy.embedded.clickhouse.form import Part
from deploy.embedded.clickhouse.request import is_from_a_foreign_page
from deploy.embedded.clickhouse.serve import Call, Server, serve

log = structlog.get_logger()

READ_BUFFER_BYTES = 512 * 1024
PART_BYTES = 64 * 1024
SMALL_BYTES = 64 * 1024
OK = "Ok.\n"
METHODS = ("GET", "HEAD", "POST")
NO_SUCH_PATH = "There is no handle {path}\n\nUse / or /ping for health checks, and / for queries.\n"
TAG_LETTERS = 16
T = TypeVar("T")


class App:
    def __init__(self, server: Server, threads: ThreadPoolExecutor) -> None:
        self._server = server
        self._threads = threads
        self._running: set[Future[ClickHouseError | None]] = set()

    @property
    def is_idle(self) -> bool:
        return not self._running

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_turn_foreign_pages_away])
        application.router.add_get("/ping", _ok)
        application.router.add_get("/replicas_status", _ok)
        for method in METHODS:
            application.router.add_route(method, "/", self.statement)
        application.router.add_route("OPTIONS", "/", _options)
        application.router.add_route("*", "/{path:.*}", _no_such_path)
        return application

    async def statement(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST" and not request.query_string:
            return await _ok(request)
        call = Call(
            method=request.method,
            params=request.query,
            headers=request.headers,
            is_form=request.content_type == "multipart/form-data",
            query_id=request.query.get("query_id") or str(uuid.uuid4()),
            tag="".join(secrets.choice(string.ascii_lowercase) for _ in range(TAG_LETTERS)),
        )
        try:
            body = await _small_body(request)
        except web.RequestPayloadError:  # cut off: nothing has begun
            return web.Response(status=400)
        exchange = _Exchange(request, asyncio.get_running_loop(), body)
        await self._run(call.query_id, partial(serve, self._server, call, exchange))
        return exchange.response

    async def _run(self, query_id: str, run: Callable[[], ClickHouseError | None]) -> None:
        began = time.monotonic()
        job = self._threads.submit(run)
        self._running.add(job)
        job.add_done_callback(self._running.discard)
        ending = asyncio.wrap_future(job)
        try:
            failed = await asyncio.shield(ending)
        except OSError:  # an INSERT whose data had not come to its end is not committed
            return
        except asyncio.CancelledError:
            # The client has gone away; the thread finds out when it next reads or writes.
            ending.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            asyncio.get_running_loop().run_in_executor(None, self._server.running.end_reader, query_id)
            raise
        if failed:
            # The code only: the text of an error repeats values, which may be personal.
            log.info("statement refused", code=failed.code, ms=_ms_since(began))


class _Exchange:
    """A request's body and its answer, from a worker thread. Every method may raise OSError: the client is gone. `body`: the
    whole of it, where it was small; what is answered is held until it is large, or at its end."""

    def __init__(self, request: web.Request, loop: asyncio.AbstractEventLoop, body: bytes | None) -> None:
        self._request = request
        self._loop = loop
        self._body = body
        self._held = bytearray()
        self.response = web.StreamResponse()

    def chunks(self) -> Iterator[bytes]:
        if self._body is None:
            while chunk := self._await(self._request.content.readany()):
                yield chunk
        elif self._body:
            whole, self._body = self._body, b""
            yield whole

    def parts(self) -> Iterator[Part]:
        """Raises ClickHouseError where the body is no form."""
        with _as_a_form():
            reader = self._await(self._request.multipart())
        while part := self._next(reader):
            if not isinstance(part, BodyPartReader) or not part.name:
                raise refused("A part of the form has no name", 36, "BAD_ARGUMENTS")
            yield Part(part.name, part.filename is not None, self._content(part))

    def _next(self, reader: MultipartReader) -> MultipartReader | BodyPartReader | None:
        with _as_a_form():
            return self._await(reader.next())

    def _content(self, part: BodyPartReader) -> Iterator[bytes]:
        while True:
            with _as_a_form():
                chunk = self._await(part.read_chunk(PART_BYTES))
            if not chunk:
                return
            yield chunk

    def start(self, status: int, headers: dict[str, str]) -> None:
        self.response = web.StreamResponse(status=status, headers=headers)

    def write(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > SMALL_BYTES:
            self._await(self._send())

    def end(self) -> None:
        if self.response.prepared:
            self._await(self._send(ends=True))
        else:
            self.response = web.Response(
                status=self.response.status, headers=self.response.headers, body=bytes(self._held)
            )

    def cut(self) -> None:
        """The connection is closed, behind what was written, without the end mark of the answer."""
        with contextlib.suppress(OSError):
            self._await(self._send())
        transport = self._request.transport
        if transport:
            self._loop.call_soon_threadsafe(transport.close)

    async def _send(self, *, ends: bool = False) -> None:
        if not self.response.prepared:
            await self.response.prepare(self._request)
        if self._held:
            await self.response.write(bytes(self._held))
            self._held.clear()
        if ends:
            await self.response.write_eof()

    def _await(self, work: Coroutine[object, object, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except web.RequestPayloadError as error:
            raise ConnectionResetError(f"the body was cut off: {error}") from error


async def _small_body(request: web.Request) -> bytes | None:
    """None for one that is large, of unknown length, or a form."""
    if request.content_type == "multipart/form-data":
        return None
    if not request.can_read_body:
        return b""
    length = request.content_length
    return await request.read() if length is not None and length <= SMALL_BYTES else None


@contextlib.contextmanager
def _as_a_form() -> Iterator[None]:
    """aiohttp's reader of forms has no error of its own: it asserts, raises ValueError, or what its parser of headers does."""
    try:
        yield
    except (ValueError, AssertionError, BadHttpMessage, RuntimeError) as error:
        raise refused(f"The body is no form: {error}", 36, "BAD_ARGUMENTS") from error


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


async def _options(_request: web.Request) -> web.StreamResponse:
    """No page of another origin is let in: so there is nothing to allow."""
    return web.Response(status=204, headers={"Allow": ", ".join((*METHODS, "OPTIONS"))})


async def _no_such_path(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404, text=NO_SUCH_PATH.format(path=request.path))


async def _ok(_request: web.Request) -> web.StreamResponse:
    return web.Response(text=OK, content_type="text/html")


@web.middleware
async def _turn_foreign_pages_away(request: web.Request, handler: Handler) -> web.StreamResponse:
    if is_from_a_foreign_page(request.headers):
        raise HTTPForbidden(text="requests from other origins are not answered\n")
    return await handler(request)
