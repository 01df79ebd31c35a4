"""The collector's RSGI application: reads a body within limits, asks the core, waits for Kafka, answers.

Holds no `if` about events. Absent: how the process starts and stops (server.py).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from collector.clicks import FOUND, as_page
from collector.cors import preflight_headers, reply_headers
from collector.exchange import Intake
from collector.following import Following, count, unkept
from collector.heads import Heads
from collector.limits import Limits
from collector.meter import Meter
from collector.publisher import Overloaded, Publisher
from collector.quota import within_quota
from collector.rates import RateLimits
from collector.reading import UNREADABLE, BodyReader, Head, read_head, why_unread
from collector.replies import Headers, Reply, refused, try_later
from collector.routes import Followed, Route, Routes, Sent, Told
from collector.unsettled import MessageIds, Unsettled
from collector.visitor import CookieRules, cookie_of_sender
from runtime.environment.settings import CollectorSettings
from runtime.kafka import KafkaUnavailable
from schemas.control import ControlState
from schemas.origins import ANY
from schemas.reasons import Reason
from schemas.sources import Source

log = structlog.get_logger()

OK = 200
UNKNOWN = (Reason.UNKNOWN_WRITE_KEY, Reason.UNKNOWN_WEBHOOK)
CLOSE = ("connection", "close")  # what is left of the body is not read


class Control(Protocol):
    """What the collector needs of runtime.control.ControlReader."""

    state: ControlState
    problem: str

    @property
    def is_current(self) -> bool: ...


class Browsers(msgspec.Struct, frozen=True):
    """`salt_at` gives the salt of the day that a moment is in, b"" when it is not known."""

    cookies: CookieRules
    salt_at: Callable[[int], bytes]


class App:
    """`busy` counts requests that are being answered: a stop waits until it is 0."""

    def __init__(
        self,
        settings: CollectorSettings,
        publisher: Publisher,
        control: Control,
        routes: Routes,
        browsers: Browsers,
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._control = control
        self._meter = Meter()
        self._ids = MessageIds()
        self._unsettled = Unsettled(settings.unsettled_ids_max, settings.unsettled_age_s_max)
        self._rates = RateLimits()
        self._bodies = BodyReader(settings.body_bytes_max, settings.body_timeout_s)
        self._heads = Heads(settings, browsers.cookies)
        self._salt_at = browsers.salt_at
        self._routes = routes
        self._following = Following(publisher, settings.redirect_wait_ms / 1_000)
        self._limits = Limits(
            event_bytes_max=settings.event_bytes_max,
            body_bytes_max=settings.body_bytes_max,
            batch_events_max=settings.batch_events_max,
            shared_bytes_max=settings.shared_bytes_max,
            passes_address=settings.passes_address,
        )
        self.busy = 0
        self._idle = asyncio.Event()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        started = time.monotonic()
        self.busy += 1
        try:
            head = read_head(scope)
            route, path = self._routes.find(head.path, self._control.state)
            if path != head.path:
                head = msgspec.structs.replace(head, path=path)
            if head.method == "OPTIONS":
                reply, headers = _preflight(head)
            else:
                reply, headers = await self._answer(head, route, protocol)
            if head.method != "POST" or not isinstance(route, Sent):
                headers = [*headers, *_farewell(head)]
            protocol.response_bytes(reply.status, [*reply.headers, *headers], reply.body)
            label = route.label if route else "other"
            self._meter.request(label, reply.status, time.monotonic() - started)
        finally:
            self.busy -= 1
            if not self.busy:
                self._idle.set()

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is being answered, no longer than told."""
        if not self.busy:
            return
        self._idle.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    async def _answer(self, head: Head, route: Route | None, protocol: HTTPProtocol) -> tuple[Reply, Headers]:
        if route is None:
            return await self._routes.pages.reply(head.method, head.path), _cors(head)
        if isinstance(route, Told):
            reply, headers = route.tell(self._heads.asked(head, _now()), self._control.state)
            return self._newest(reply), headers
        if isinstance(route, Followed):
            return await self._follow(head, route)
        reply, headers = await self._take(head, protocol, route)
        return (route.shaped(reply) if route.shaped else reply), headers

    async def _take(self, head: Head, protocol: HTTPProtocol, route: Sent) -> tuple[Reply, Headers]:
        try:
            body = await self._bodies.read(head.headers, protocol) if head.method == "POST" else b""
        except UNREADABLE as error:
            refusal = why_unread(error)
            self._meter.refused(refusal.reason)
            return refused(refusal, CLOSE), _cors(head)
        now = _now()
        read = self._heads.whole if route.is_whole else self._heads.request
        request = read(head, body, self._salt_at(now))
        earlier = self._unsettled.take(request, time.monotonic()) if self._unsettled else []
        self._ids.begin(earlier)
        sources = route.sources(self._control.state)
        intake = route.read(request, now=now, ids=self._ids, sources=sources, limits=self._limits)
        intake = within_quota(intake, self._control.state, now)
        made = self._ids.made
        reply = self._held_back(intake)
        if reply is None:
            try:
                await self._publisher.publish(intake.events, intake.letters)
                reply = intake.reply
            except (Overloaded, KafkaUnavailable) as error:
                reply = self._not_kept(error)
        if reply.reason:
            self._unsettled.refused(request, reply.reason, earlier, made, time.monotonic())
        self._meter.intake(intake, reply)
        extra = _cors(head, intake.source)
        if request.visit and intake.events and reply.status == OK and not intake.is_cookieless:
            extra = [*extra, *cookie_of_sender(request.visit, intake.events[0].payload)]
        return reply, extra

    async def _follow(self, head: Head, route: Followed) -> tuple[Reply, Headers]:
        now = _now()
        request = self._heads.click(head, self._salt_at(now))
        self._ids.begin([])
        intake = route.read(
            request, now=now, ids=self._ids, sources=self._control.state.source, limits=self._limits
        )
        if intake.reply.status != FOUND:
            reply = self._newest(intake.reply)
            self._meter.intake(intake, reply)
            return as_page(reply), []
        intake = within_quota(intake, self._control.state, now)
        self._meter.intake(msgspec.structs.replace(intake, events=[]), intake.reply)
        if not intake.events and not intake.letters:
            count(unkept(intake, request))
        elif self._held_back(intake):
            count("limited")
        else:
            await self._following.keep(intake)
        if not request.visit or not intake.events or intake.is_cookieless:
            return intake.reply, []
        return intake.reply, cookie_of_sender(request.visit, intake.events[0].payload)

    def _held_back(self, intake: Intake) -> Reply | None:
        """The reply when nothing of it will be published, else None."""
        if intake.source is None:
            return self._newest(intake.reply)
        # While Kafka is away the request is refused for that, and comes again: it must not cost its source anything.
        if intake.source.events_per_s_max is None or self._publisher.problem:
            return None
        records = len(intake.events) + len(intake.letters)
        wait_s = self._rates.wait_s(intake.source, records, time.monotonic())
        if not wait_s:
            return None
        return try_later(
            Reason.RATE_LIMITED,
            "the source sends more than it may: send the same again after Retry-After",
            wait_s,
        )

    def _not_kept(self, error: Exception) -> Reply:
        if isinstance(error, Overloaded):
            return self._later(Reason.OVERLOADED, str(error))
        log.debug("not acknowledged", error=str(error))
        return self._later(Reason.KAFKA_UNAVAILABLE, "the event store does not answer")

    def _newest(self, reply: Reply) -> Reply:
        """A wrong 401 would make clients drop events: without the newest configuration no key is unknown."""
        if reply.reason not in UNKNOWN:
            return reply
        if self._control.is_current and not self._publisher.problem:
            return reply
        return self._later(
            Reason.KAFKA_UNAVAILABLE,
            "this key or address may be newer than the configuration that could be read",
        )

    def _later(self, reason: Reason, detail: str) -> Reply:
        return try_later(
            reason, f"{detail}: send the same again after Retry-After", self._settings.retry_after_s
        )


def _now() -> int:
    return time.time_ns() // 1_000_000


def _preflight(head: Head) -> tuple[Reply, Headers]:
    asked = head.headers.get("access-control-request-headers", "")
    return Reply(204, b"", ()), preflight_headers(head.headers.get("origin", ""), asked)


def _cors(head: Head, source: Source | None = None) -> Headers:
    return reply_headers(head.headers.get("origin", ""), source.allowed_origins if source else (ANY,))


def _farewell(head: Head) -> Headers:
    """For an answer to a request whose body was not read: the connection ends with it, and the sender has to know."""
    announced = head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers
    return [CLOSE] if announced else []
