"""The receiver of the sender's benchmark, in a process of its own: answers at once, hangs, and says when what came was sent.

    python -m tests.bench.deliver_receiver PORT

A body is JSON with `sent_ns`, a reading of the machine's monotonic clock. GET /taken gives the delays since it was asked last.
"""

import asyncio
import json
import sys
import time

import uvloop
from aiohttp import web


class Taken:
    """Delays in ms, by path, since they were asked for."""

    def __init__(self) -> None:
        self._delays: dict[str, list[float]] = {}

    async def good(self, request: web.Request) -> web.Response:
        sent = json.loads(await request.read())["sent_ns"]
        self._delays.setdefault(request.path, []).append((time.monotonic_ns() - sent) / 1e6)
        return web.Response()

    async def hanging(self, _request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def taken(self, _request: web.Request) -> web.Response:
        found, self._delays = self._delays, {}
        return web.json_response(found)


def app() -> web.Application:
    taken, made = Taken(), web.Application()
    made.router.add_get("/taken", taken.taken)
    made.router.add_post("/hang", taken.hanging)
    made.router.add_post("/{name}", taken.good)
    return made


if __name__ == "__main__":
    web.run_app(
        app(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
