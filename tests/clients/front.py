"""Stands between a client and the real collector: records every request as the client made it, passes it on, and spoils the
first ones in a way that a test chooses.

A refusal is made by the collector's own functions, and test_clients.py holds it against what a real collector answers. Absent:
any judgement on what was recorded (recording.py).
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from typing import Any, Self

import msgspec
from aiohttp import ClientSession, ClientTimeout, web
from yarl import URL

from collector.cors import reply_headers
from collector.paths import CALLS
from collector.replies import Reply, try_later
from schemas.events.reasons import Reason

HOST = "127.0.0.1"
RETRY_AFTER_S = 1
ANSWER_S = 30.0
EVENTS_PER_S_MAX = BURST_EVENTS_MAX = 20
OWED_S = 5  # how far in debt a source is after its budget was spent
SPENT_EVENTS = BURST_EVENTS_MAX + OWED_S * EVENTS_PER_S_MAX
# Headers that belong to one connection, or that the HTTP library writes itself.
OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)


class Fault(StrEnum):
    """What happens to a request."""

    LIMITED = "limited"  # what the source may send was spent just before, so the collector itself answers 429
    TOO_MANY = "too-many"  # answered 429; the collector never sees it
    UNAVAILABLE = "unavailable"  # answered 503; the collector never sees it
    STORED = "stored"  # the collector takes it, the client is told 503
    CUT = "cut"  # the collector takes it, the connection ends without an answer
    LOST = "lost"  # the connection ends without an answer; the collector never sees it


class Attempt(msgspec.Struct):
    """One request as it came from the client, and what became of it. Header names are in lower case.

    `started_at` and `ended_at` are in ms since the epoch; `asked_s` and `told_s` are of a clock that is never set.
    `status` is what the client was told, 0 for nothing; `taken` is what the collector said, 0 when it was not asked.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    started_at: int
    asked_s: float
    ended_at: int = 0
    told_s: float = 0.0
    status: int = 0
    taken: int = 0
    reply_headers: dict[str, str] = {}
    reply_body: bytes = b""


class Front:
    """One listening address. The fault meets the first requests that carry events: two of them, but a budget is spent once."""

    def __init__(self, collector: str, fault: Fault | None) -> None:
        self._collector = collector
        self._fault = fault
        self._left = 1 if fault is Fault.LIMITED else 2
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self.attempts: list[Attempt] = []
        self.url = ""

    async def start(self) -> None:
        application = web.Application(client_max_size=10_000_000)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._session = ClientSession(auto_decompress=False, timeout=ClientTimeout(total=ANSWER_S))
        # Bodies are recorded and passed on as they are, compressed ones too.
        self._runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        _, port = self._runner.addresses[0][:2]
        self.url = f"http://{HOST}:{port}"

    async def stop(self) -> None:
        assert self._runner
        assert self._session
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        attempt = Attempt(
            method=request.method,
            path=request.raw_path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            started_at=now(),
            asked_s=time.monotonic(),
        )
        self.attempts.append(attempt)
        reply = await self._reply(attempt, self._next_fault(request))
        attempt.ended_at, attempt.told_s = now(), time.monotonic()
        if reply is None:
            assert request.transport
            request.transport.abort()
            return web.Response()
        attempt.status, attempt.reply_headers = (
            reply.status,
            {name.lower(): value for name, value in reply.headers.items()},
        )
        assert isinstance(reply.body, bytes)
        attempt.reply_body = reply.body
        return reply

    def _next_fault(self, request: web.Request) -> Fault | None:
        if request.method != "POST" or request.path not in CALLS or self._left < 1:
            return None
        self._left -= 1
        return self._fault

    async def _reply(self, attempt: Attempt, fault: Fault | None) -> web.Response | None:
        """None: the connection is to be cut."""
        origin = attempt.headers.get("origin", "")
        if fault is Fault.LOST:
            return None
        if fault in (Fault.TOO_MANY, Fault.UNAVAILABLE):
            return response(refusal(fault), origin)
        if fault is Fault.LIMITED:
            await self._spend(attempt)
        passed = await self._pass_on(attempt)
        if fault is Fault.STORED:
            return response(refusal(fault), origin)
        return None if fault is Fault.CUT else passed

    async def _spend(self, attempt: Attempt) -> None:
        """Events of no type: they count for the rate, and become dead letters. Once more where the answer came too late."""
        assert self._session
        headers = {"authorization": attempt.headers["authorization"]}
        body: dict[str, list[object]] = {"batch": [{}] * SPENT_EVENTS}
        while True:
            asked_s = time.monotonic()
            async with self._session.post(
                f"{self._collector}/v1/batch", headers=headers, json=body
            ) as answer:
                assert answer.status in (200, 429, 503), await answer.text()
            if answer.status == 200 and time.monotonic() - asked_s < OWED_S / 3:
                return
            await asyncio.sleep(OWED_S / 10)

    async def _pass_on(self, attempt: Attempt) -> web.Response:
        assert self._session
        headers = {name: value for name, value in attempt.headers.items() if name not in OF_THE_CONNECTION}
        async with self._session.request(
            attempt.method,
            URL(self._collector + attempt.path, encoded=True),
            headers=headers,
            data=attempt.body or None,
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
        ) as answer:
            attempt.taken = answer.status
            kept = [
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in OF_THE_CONNECTION
            ]
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


class Fronts:
    """A thread with an event loop, in which fronts run while the test's own thread drives clients."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._undo: list[Callable[[], Awaitable[None]]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def open(self, collector: str, fault: Fault | None = None) -> Front:
        front = Front(collector, fault)
        self.run(front.start(), front.stop)
        return front

    def run(self, work: Coroutine[Any, Any, None], undo: Callable[[], Awaitable[None]]) -> None:
        """Returns when it is done; `undo` runs in the end."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)
        self._undo.append(undo)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result(ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)
        self._loop.close()

    async def _finish(self) -> None:
        for undo in self._undo:
            await undo()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def refusal(fault: Fault, retry_after_s: int = RETRY_AFTER_S) -> Reply:
    """The collector's own 429 or 503."""
    if fault is Fault.TOO_MANY:
        reason, detail = Reason.RATE_LIMITED, "the source sends more than it may"
    else:
        reason, detail = Reason.KAFKA_UNAVAILABLE, "the event store does not answer"
    return try_later(reason, f"{detail}: send the same again after Retry-After", retry_after_s)


def response(reply: Reply, origin: str) -> web.Response:
    headers = [*reply.headers, *reply_headers(origin)]
    return web.Response(status=reply.status, headers=headers, body=reply.body)


def now() -> int:
    return time.time_ns() // 1_000_000
