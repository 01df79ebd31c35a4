"""A receiver of webhooks on this machine, in a thread of its own: what it gets is written down, how it answers is the test's."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

import msgspec
from aiohttp import web

START_S = 30.0


class Got(msgspec.Struct, frozen=True):
    """A request as it came."""

    path: str
    method: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """`answers`: by path; anything else is answered 200."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: dict[str, Handler] = {}
        self.port = 0

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def ids(self, path: str | None = None) -> list[str]:
        return [got.id for got in list(self.got) if path is None or got.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path_qs, request.method, headers, body, time.monotonic()))
        handler = self.answers.get(request.path)
        return await handler(request) if handler else web.Response(text="thanks")


@contextmanager
def running(serve: Callable[[threading.Event, asyncio.Event], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """`serve` in a loop and a thread of its own: from when it sets the first event until the second one tells it to end."""
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(ready, stop)), daemon=True)
    thread.start()
    assert ready.wait(START_S)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(START_S)
        loop.close()


@contextmanager
def receiver(tls: SSLContext | None = None) -> Iterator[Receiver]:
    found = Receiver()

    async def serve(ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{tail:.*}", found.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        found.port = runner.addresses[0][1]
        ready.set()
        await stop.wait()
        await runner.cleanup()

    with running(serve):
        yield found


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def status(code: int, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text="no", headers=headers)

    return answer
