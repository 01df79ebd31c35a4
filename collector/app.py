"""The collector's application: each request to whoever answers it. An edge.

What sends events goes its way in calls (reception.py, posting.py); what is told out of the configuration is answered at once;
links that lead on, and the collector's own pages, wait in tasks. Absent: how the process starts and stops (server.py).
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from collector.answering import Answering
from collector.clicks import FOUND, as_page
from collector.cors import preflight_headers
from collector.following import Following, count, unkept
from collector.heads import Heads
from collector.holding import Control, Holding
from collector.http.head import Head
from collector.http.incoming import Incoming
from collector.limits import Limits
from collector.meter import Meter
from collector.posting import Postings, cors
from collector.publisher import Publisher
from collector.quota import within_quota
from collector.reception import Reception
from collector.replies import Headers, Reply
from collector.routes import Followed, Routes, Told
from collector.unsettled import MessageIds
from collector.visitor import CookieRules, cookie_of_sender
from runtime.environment.settings import CollectorSettings


class Browsers(msgspec.Struct, frozen=True):
    """`salt_at` gives the salt of the day that a moment is in, b"" when it is not known."""

    cookies: CookieRules
    salt_at: Callable[[int], bytes]


class App:
    """Made and used on one event loop."""

    def __init__(
        self,
        settings: CollectorSettings,
        publisher: Publisher,
        control: Control,
        routes: Routes,
        browsers: Browsers,
    ) -> None:
        self._control = control
        self._routes = routes
        self._heads = Heads(settings, browsers.cookies, browsers.salt_at)
        self._limits = Limits(
            event_bytes_max=settings.event_bytes_max,
            body_bytes_max=settings.body_bytes_max,
            batch_events_max=settings.batch_events_max,
            shared_bytes_max=settings.shared_bytes_max,
            passes_address=settings.passes_address,
        )
        self._meter = Meter()
        self._answering = Answering(self._meter)
        self._holding = Holding(publisher, control, settings.retry_after_s)
        postings = Postings(settings, self._holding, self._heads, self._answering, self._limits)
        self.reception = Reception(control, routes, self._answering, postings, self._answer)
        self._following = Following(publisher, settings.redirect_wait_ms / 1_000)
        self._ids = MessageIds()
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()  # an event loop does not keep its tasks

    @property
    def busy(self) -> int:
        """How many requests are being answered."""
        return self._answering.busy

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is being answered, no longer than told."""
        await self._answering.drain(timeout_s)

    def _answer(self, incoming: Incoming) -> None:
        head, route = incoming.head, incoming.route
        if head.method == "OPTIONS":
            self._answering.answer(incoming, *_preflight(head))
        elif isinstance(route, Told):
            reply, headers = route.tell(self._heads.asked(head, _now()), self._control.state)
            self._answering.answer(incoming, self._holding.newest(reply), headers)
        elif isinstance(route, Followed):
            self._wait(incoming, self._follow(head, route))
        else:
            self._wait(incoming, self._show(head))

    def _wait(self, incoming: Incoming, answer: Coroutine[Any, Any, tuple[Reply, Headers]]) -> None:
        task = self._loop.create_task(self._awaited(incoming, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _awaited(self, incoming: Incoming, answer: Coroutine[Any, Any, tuple[Reply, Headers]]) -> None:
        try:
            self._answering.answer(incoming, *await answer)
        except BaseException as error:  # as above, and a task that is cancelled when the process ends
            self._answering.failed(incoming, error)

    async def _show(self, head: Head) -> tuple[Reply, Headers]:
        return await self._routes.pages.reply(head.method, head.path), cors(head, None)

    async def _follow(self, head: Head, route: Followed) -> tuple[Reply, Headers]:
        now = _now()
        request = self._heads.click(head, now)
        self._ids.begin([])
        intake = route.read(
            request, now=now, ids=self._ids, sources=self._control.state.source, limits=self._limits
        )
        if intake.reply.status != FOUND:
            reply = self._holding.newest(intake.reply)
            self._meter.intake(intake, reply)
            return as_page(reply), []
        intake = within_quota(intake, self._control.state, now)
        self._meter.intake(intake.but(events=[]), intake.reply)
        if not intake.events and not intake.letters:
            count(unkept(intake, request))
        elif self._holding.held_back(intake):
            count("limited")
        else:
            await self._following.keep(intake)
        if not request.visit or not intake.events or intake.is_cookieless:
            return intake.reply, []
        return intake.reply, cookie_of_sender(request.visit, intake.events[0].payload)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _preflight(head: Head) -> tuple[Reply, Headers]:
    asked = head.headers.get("access-control-request-headers", "")
    return Reply(204, b"", ()), preflight_headers(head.headers.get("origin", ""), asked)
