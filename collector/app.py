"""The collector's RSGI application: reads a body within limits, asks the core, waits for Kafka, answers.

Holds no `if` about events. Absent: how the process starts and stops (server.py).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from collector.body import too_large
from collector.cors import ANY, preflight_headers, reply_headers
from collector.image import GIF, accept_image, image_reply
from collector.intake import Intake, Request, accept
from collector.introduction import introduce
from collector.libraries import Asked, key_asked_for, settings_reply
from collector.limits import Limits
from collector.meter import Meter
from collector.pages import Pages
from collector.paths import CALLS, CLIENT_METRICS, IMAGES, PIXEL, VISITOR
from collector.patience import Patience
from collector.publisher import Overloaded, Publisher
from collector.rates import RateLimits
from collector.rejection import Refusal
from collector.replies import SUCCESS, Headers, Reply, method_not_allowed, refused, try_later
from collector.unsettled import MessageIds, Unsettled
from collector.visitor import CookieRules, Visit, cookie_of_sender, visit
from runtime.kafka import KafkaUnavailable
from runtime.settings import CollectorSettings
from schemas.control import ControlState, Source
from schemas.reasons import Reason

log = structlog.get_logger()

OK = 200
CLOSE = ("connection", "close")  # what is left of the body is not read


class Control(Protocol):
    """What the collector needs of runtime.control.ControlReader."""

    state: ControlState
    problem: str

    @property
    def is_current(self) -> bool: ...


class BodyRefused(Exception):
    """The body will not be read (to its end)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class App:
    """`busy` counts requests that are being answered: a stop waits until it is 0."""

    def __init__(
        self,
        settings: CollectorSettings,
        publisher: Publisher,
        control: Control,
        pages: Pages,
        cookies: CookieRules,
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._control = control
        self._pages = pages
        self._meter = Meter()
        self._ids = MessageIds()
        self._unsettled = Unsettled(settings.unsettled_ids_max, settings.unsettled_age_s_max)
        self._rates = RateLimits()
        self._patience = Patience(settings.body_timeout_s)
        self._cookies = cookies
        self._limits = Limits(
            event_bytes_max=settings.event_bytes_max,
            body_bytes_max=settings.body_bytes_max,
            batch_events_max=settings.batch_events_max,
            shared_bytes_max=settings.shared_bytes_max,
        )
        self.busy = 0
        self._idle = asyncio.Event()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        started = time.monotonic()
        self.busy += 1
        try:
            call = CALLS.get(scope.path)
            if scope.method == "OPTIONS":
                reply, headers = _preflight(scope)
            elif call is None:
                reply, headers = await self._elsewhere(scope, protocol)
            else:
                reply, headers = await self._take(scope, protocol, accept)
            if scope.method != "POST" or call is None:
                headers = [*headers, *_unread(scope)]
            protocol.response_bytes(reply.status, [*reply.headers, *headers], reply.body)
            self._meter.request(call or "other", reply.status, time.monotonic() - started)
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

    async def _elsewhere(self, scope: Scope, protocol: HTTPProtocol) -> tuple[Reply, Headers]:
        """Whatever is no POST of events."""
        if scope.path in IMAGES:
            reply, headers = await self._take(scope, protocol, accept_image)
            return (reply if reply.body is GIF else image_reply(reply)), headers
        if scope.path in VISITOR:
            return await self._take(scope, protocol, introduce)
        if scope.path == PIXEL:
            known, encodings = (
                scope.headers.get("if-none-match", ""),
                scope.headers.get("accept-encoding", ""),
            )
            return self._pages.pixel(scope.method, known, encodings), _cors(scope)
        if scope.path in CLIENT_METRICS:
            return await self._ignore(scope, protocol), _cors(scope)
        asked = self._asked(scope)
        key = key_asked_for(asked)
        if key is None:
            return await self._pages.reply(scope.method, scope.path), _cors(scope)
        source = self._control.state.source_of(key) if key else None
        reply = self._newest(settings_reply(asked, key, source))
        return reply, _cors(scope, source)

    async def _ignore(self, scope: Scope, protocol: HTTPProtocol) -> Reply:
        if scope.method != "POST":
            return method_not_allowed("POST", "OPTIONS")
        try:
            await self._body(scope, protocol)
        except BodyRefused as error:
            return refused(error.refusal, CLOSE)
        return SUCCESS

    def _asked(self, scope: Scope) -> Asked:
        headers = scope.headers
        host = self._settings.public_url.partition("://")[2] or headers.get("host") or scope.authority or ""
        return Asked(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            authorization=headers.get("authorization", ""),
            protocol=self._scheme(scope),
            host=host.rstrip("/"),
        )

    def _scheme(self, scope: Scope) -> str:
        """What the sender, or the proxy before us, says that it used. Who lies about it gets worse addresses and cookies."""
        if public_url := self._settings.public_url:
            return public_url.partition("://")[0]
        forwarded: str = scope.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
        return forwarded if forwarded in ("http", "https") else scope.scheme

    def _visit(self, scope: Scope) -> Visit | None:
        """Of a browser: it names an origin with every POST. An image's GET may be one's."""
        headers = scope.headers
        if not self._cookies.name or (scope.method == "POST" and not headers.get("origin")):
            return None
        return visit(headers.get("cookie", ""), self._scheme(scope), self._cookies)

    async def _take(
        self, scope: Scope, protocol: HTTPProtocol, read: Callable[..., Intake]
    ) -> tuple[Reply, Headers]:
        try:
            body = await self._body(scope, protocol)
        except BodyRefused as error:
            self._meter.refused(error.refusal.reason)
            return refused(error.refusal, CLOSE), _cors(scope)
        headers = scope.headers
        request = Request(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            authorization=headers.get("authorization", ""),
            content_encoding=headers.get("content-encoding", ""),
            body=body,
            visit=self._visit(scope),
        )
        now = time.time_ns() // 1_000_000
        self._ids.begin(self._unsettled.take(request, time.monotonic()) if self._unsettled else ())
        intake = read(
            request, now=now, ids=self._ids, sources=self._control.state.source_of, limits=self._limits
        )
        made = self._ids.made
        reply = await self._keep(intake)
        if made and reply.reason is Reason.KAFKA_UNAVAILABLE:
            self._unsettled.remember(request, made, time.monotonic())
        self._meter.intake(intake, reply)
        extra = _cors(scope, intake.source)
        if request.visit and intake.events and reply.status == OK:
            extra = [*extra, *cookie_of_sender(request.visit, intake.events[0].payload)]
        return reply, extra

    async def _body(self, scope: Scope, protocol: HTTPProtocol) -> bytes:
        if scope.method != "POST":
            return b""
        bytes_max = self._settings.body_bytes_max
        announced = scope.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > bytes_max:
            raise BodyRefused(too_large(bytes_max))
        try:
            return await self._patience.wait(protocol() if announced else _read_within(protocol, bytes_max))
        except TimeoutError:
            raise BodyRefused(
                Refusal(Reason.BODY_TOO_SLOW, "the body did not arrive in time: send it again")
            ) from None
        except ProtocolClosed:
            raise BodyRefused(
                Refusal(
                    Reason.BODY_INCOMPLETE, "the body ended before its Content-Length: send it again, whole"
                )
            ) from None

    async def _keep(self, intake: Intake) -> Reply:
        if intake.reply.reason is Reason.UNKNOWN_WRITE_KEY:
            return self._newest(intake.reply)
        if wait_s := self._wait_s(intake):
            return try_later(
                Reason.RATE_LIMITED,
                "the source sends more than it may: send the same again after Retry-After",
                wait_s,
            )
        try:
            await self._publisher.publish(intake.events, intake.letters)
        except Overloaded as error:
            return self._later(Reason.OVERLOADED, str(error))
        except KafkaUnavailable as error:
            log.debug("not acknowledged", error=str(error))
            return self._later(Reason.KAFKA_UNAVAILABLE, "the event store does not answer")
        return intake.reply

    def _wait_s(self, intake: Intake) -> int:
        if intake.source is None or intake.source.events_per_s_max is None:
            return 0
        if self._publisher.problem:  # it will be refused for that, and sent again
            return 0
        return self._rates.wait_s(intake.source, len(intake.events) + len(intake.letters), time.monotonic())

    def _newest(self, reply: Reply) -> Reply:
        """A wrong 401 would make clients drop events: without the newest configuration no key is unknown."""
        if reply.reason is not Reason.UNKNOWN_WRITE_KEY:
            return reply
        if self._control.is_current and not self._publisher.problem:
            return reply
        return self._later(
            Reason.KAFKA_UNAVAILABLE, "this write key may be newer than the configuration that could be read"
        )

    def _later(self, reason: Reason, detail: str) -> Reply:
        return try_later(
            reason, f"{detail}: send the same again after Retry-After", self._settings.retry_after_s
        )


async def _read_within(protocol: HTTPProtocol, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in protocol:
        body += chunk
        if len(body) > bytes_max:
            raise BodyRefused(too_large(bytes_max))
    return bytes(body)


def _unread(scope: Scope) -> Headers:
    """Said when a body was announced that nobody reads: the server drops such a connection, and a client has to know."""
    headers = scope.headers
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return [CLOSE] if announced and scope.path not in CLIENT_METRICS else []


def _preflight(scope: Scope) -> tuple[Reply, Headers]:
    headers = scope.headers
    asked = headers.get("access-control-request-headers", "")
    return Reply(204, b"", ()), preflight_headers(headers.get("origin", ""), asked)


def _cors(scope: Scope, source: Source | None = None) -> Headers:
    return reply_headers(scope.headers.get("origin", ""), source.allowed_origins if source else (ANY,))
