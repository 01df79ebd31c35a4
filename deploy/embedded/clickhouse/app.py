"""The HTTP edge: aiohttp takes requests, a thread for each runs the statement. Holds no decision about SQL.

The thread reads the body and writes the answer through the event loop, piece by piece: neither is ever held whole, and
a slow client slows its own statement only.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_exceptions import HTTPForbidden

from deploy.embedded.clickhouse import answer
from deploy.embedded.clickhouse.engine import VERSION, Engine
from deploy.embedded.clickhouse.failure import ClickHouseError, body
from deploy.embedded.clickhouse.request import is_from_a_foreign_page, read

log = structlog.get_logger()

READ_BUFFER_BYTES = 512 * 1024
OK = "Ok.\n"
T = TypeVar("T")


class App:
    def __init__(self, engine: Engine, threads: ThreadPoolExecutor, limits: answer.Limits) -> None:
        self._engine = engine
        self._threads = threads
        self._limits = limits
        self._running: set[Future[ClickHouseError | None]] = set()

    @property
    def is_idle(self) -> bool:
        return not self._running

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_turn_foreign_pages_away])
        application.router.add_get("/ping", _ok)
        application.router.add_get("/replicas_status", _ok)
        for method in ("GET", "POST"):
            application.router.add_route(method, "/", self.statement)
        return application

    async def statement(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and not request.query_string:
            return await _ok(request)
        try:
            asked = read(request.method, request.query, request.headers)
        except ClickHouseError as error:
            headers = {"X-ClickHouse-Exception-Code": str(error.code)}
            return web.Response(status=error.status, body=body(error, VERSION), headers=headers)
        asked = msgspec.structs.replace(asked, query_id=asked.query_id or str(uuid.uuid4()))
        exchange = _Exchange(request, asyncio.get_running_loop())
        run = partial(answer.serve, self._engine, asked, exchange.chunks(), exchange, self._limits)
        await self._run(run)
        return exchange.response

    async def _run(self, run: Callable[[], ClickHouseError | None]) -> None:
        began = time.monotonic()
        job = self._threads.submit(run)
        self._running.add(job)
        job.add_done_callback(self._running.discard)
        try:
            failed = await asyncio.wrap_future(job)
        except OSError:  # an INSERT whose data had not come to its end is not committed
            log.info("client gone", ms=_ms_since(began))
            return
        if failed:
            # The code only: the text of an error repeats values, which may be personal.
            log.info("statement refused", code=failed.code, ms=_ms_since(began))


class _Exchange:
    """A request's body and its answer, from a worker thread. Every method may raise OSError: the client is gone."""

    def __init__(self, request: web.Request, loop: asyncio.AbstractEventLoop) -> None:
        self._request = request
        self._loop = loop
        self.response = web.StreamResponse()

    def chunks(self) -> Iterator[bytes]:
        while chunk := self._await(self._request.content.readany()):
            yield chunk

    def start(self, status: int, headers: dict[str, str]) -> None:
        self.response = web.StreamResponse(status=status, headers=headers)
        self._await(self._prepare())

    def write(self, data: bytes) -> None:
        self._await(self.response.write(data))

    def end(self) -> None:
        self._await(self.response.write_eof())

    def abort(self) -> None:
        """The connection is closed without the end mark of the answer."""
        self._loop.call_soon_threadsafe(
            self._request.transport.abort if self._request.transport else lambda: None
        )

    async def _prepare(self) -> None:
        await self.response.prepare(self._request)

    def _await(self, work: Coroutine[object, object, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except web.RequestPayloadError as error:
            raise ConnectionResetError(f"the body was cut off: {error}") from error


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


async def _ok(_request: web.Request) -> web.StreamResponse:
    return web.Response(text=OK, content_type="text/html")


@web.middleware
async def _turn_foreign_pages_away(request: web.Request, handler: Handler) -> web.StreamResponse:
    if is_from_a_foreign_page(request.headers):
        raise HTTPForbidden(text="requests from other origins are not answered\n")
    return await handler(request)
