"""The collector's RSGI application: reads a body within limits, asks the core, waits for Kafka, answers.

Holds no `if` about events. Absent: how the process starts and stops (server.py).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol, cast

import structlog
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from collector.connection import browser_connection, host_of, is_from_browser
from collector.cors import ANY, PUBLIC, preflight_headers, reply_headers
from collector.forwarded import Proxies
from collector.image import GIF, accept_image, image_reply
from collector.intake import Intake, Request, accept
from collector.introduction import introduce
from collector.libraries import Asked, key_asked_for, settings_reply
from collector.limits import Limits
from collector.meter import Meter
from collector.pages import Pages
from collector.paths import CALLS, CLIENT_METRICS, IMAGES, PIXEL, VISITOR
from collector.publisher import Overloaded, Publisher
from collector.rates import RateLimits
from collector.reading import UNREADABLE, BodyReader, Head, read_head, why_unread
from collector.replies import SUCCESS, Headers, Reply, method_not_allowed, refused, try_later
from collector.unsettled import MessageIds, Unsettled
from collector.visitor import CookieRules, Visit, cookie_of_sender, visit
from runtime.kafka import KafkaUnavailable
from runtime.settings import CollectorSettings
from schemas.control import ControlState
from schemas.pack import Connection
from schemas.reasons import Reason
from schemas.sources import Source

log = structlog.get_logger()

OK = 200
CLOSE = ("connection", "close")  # what is left of the body is not read


class Control(Protocol):
    """What the collector needs of runtime.control.ControlReader."""

    state: ControlState
    problem: str

    @property
    def is_current(self) -> bool: ...


class Lines(Protocol):
    """What the server's headers have, and its types do not say."""

    def get_all(self, name: str, /) -> list[str]: ...


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
        self._bodies = BodyReader(settings.body_bytes_max, settings.body_timeout_s)
        self._cookies = cookies
        self._proxies = Proxies(settings.trusted_proxies)
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
            head = read_head(scope)
            call = CALLS.get(head.path)
            if head.method == "OPTIONS":
                reply, headers = _preflight(head)
            elif call is None:
                reply, headers = await self._elsewhere(head, protocol)
            else:
                reply, headers = await self._take(head, protocol, accept)
            if head.method != "POST":
                headers = [*headers, *_farewell(head)]
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

    async def _elsewhere(self, head: Head, protocol: HTTPProtocol) -> tuple[Reply, Headers]:
        """Whatever is no POST of events."""
        if head.path in IMAGES:
            reply, headers = await self._take(head, protocol, accept_image)
            return (reply if reply.body is GIF else image_reply(reply)), headers
        if head.path in VISITOR:
            return await self._take(head, protocol, introduce)
        if head.path in CLIENT_METRICS:
            return await self._ignore(head, protocol), _cors(head)
        reply, headers = await self._page(head)
        return reply, ([*headers, *_farewell(head)] if head.method == "POST" else headers)

    async def _page(self, head: Head) -> tuple[Reply, Headers]:
        if head.path == PIXEL:
            known, encodings = head.headers.get("if-none-match", ""), head.headers.get("accept-encoding", "")
            # The same for everybody: a cache that knows no Vary shall not keep it for one site alone.
            return self._pages.pixel(head.method, known, encodings), PUBLIC
        asked = self._asked(head)
        key = key_asked_for(asked)
        if key is None:
            return await self._pages.reply(head.method, head.path), _cors(head)
        source = self._control.state.source_of(key) if key else None
        reply = self._newest(settings_reply(asked, key, source))
        return reply, _cors(head, source)

    async def _ignore(self, head: Head, protocol: HTTPProtocol) -> Reply:
        if head.method != "POST":
            return method_not_allowed("POST", "OPTIONS")
        try:
            await self._bodies.read(head.headers, protocol)
        except UNREADABLE as error:
            return refused(why_unread(error), CLOSE)
        return SUCCESS

    def _asked(self, head: Head) -> Asked:
        headers, authority = head.headers, head.scope.authority
        host = self._settings.public_url.partition("://")[2] or headers.get("host") or authority or ""
        return Asked(
            method=head.method,
            path=head.path,
            query=head.query,
            authorization=headers.get("authorization", ""),
            protocol=self._scheme(head),
            host=host.rstrip("/"),
        )

    def _scheme(self, head: Head) -> str:
        """What the sender, or the proxy before us, says that it used. Who lies about it gets worse addresses and cookies."""
        if public_url := self._settings.public_url:
            return public_url.partition("://")[0]
        forwarded: str = head.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
        return forwarded if forwarded in ("http", "https") else head.scope.scheme

    def _visit(self, head: Head) -> Visit | None:
        """Of a browser: it names an origin with every POST. An image's GET may be one's.

        A form that another site's page submits as a whole page is none: SameSite keeps the visitor's cookie out of it, and
        would all the same let the answer put a stranger's id in its place.
        """
        headers = head.headers
        if not self._cookies.name or (head.method == "POST" and not headers.get("origin")):
            return None
        if headers.get("sec-fetch-mode") == "navigate":
            return None
        return visit(headers.get("cookie", ""), self._scheme(head), self._cookies)

    async def _take(
        self, head: Head, protocol: HTTPProtocol, read: Callable[..., Intake]
    ) -> tuple[Reply, Headers]:
        try:
            body = await self._bodies.read(head.headers, protocol) if head.method == "POST" else b""
        except UNREADABLE as error:
            refusal = why_unread(error)
            self._meter.refused(refusal.reason)
            return refused(refusal, CLOSE), _cors(head)
        request = self._request(head, body)
        now = time.time_ns() // 1_000_000
        earlier = self._unsettled.take(request, time.monotonic()) if self._unsettled else []
        self._ids.begin(earlier)
        intake = read(
            request, now=now, ids=self._ids, sources=self._control.state.source_of, limits=self._limits
        )
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
        if request.visit and intake.events and reply.status == OK:
            extra = [*extra, *cookie_of_sender(request.visit, intake.events[0].payload)]
        return reply, extra

    def _request(self, head: Head, body: bytes) -> Request:
        return Request(
            method=head.method,
            path=head.path,
            query=head.query,
            authorization=head.headers.get("authorization", ""),
            content_encoding=head.headers.get("content-encoding", ""),
            body=body,
            visit=self._visit(head),
            connection=self._connection(head) if self._settings.passes_address else None,
        )

    def _connection(self, head: Head) -> Connection:
        address = host_of(head.scope.client)
        if self._proxies:
            lines = cast("Lines", head.headers).get_all(self._settings.forwarded_header.lower())
            address = self._proxies.client(address, ",".join(lines))
        if head.method != "GET" and not is_from_browser(head.headers):
            return Connection(address=address)
        return browser_connection(address, head.headers)

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


def _preflight(head: Head) -> tuple[Reply, Headers]:
    asked = head.headers.get("access-control-request-headers", "")
    return Reply(204, b"", ()), preflight_headers(head.headers.get("origin", ""), asked)


def _cors(head: Head, source: Source | None = None) -> Headers:
    return reply_headers(head.headers.get("origin", ""), source.allowed_origins if source else (ANY,))


def _farewell(head: Head) -> Headers:
    """For an answer to a request whose body was not read: the connection ends with it, and the sender has to know."""
    announced = head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers
    return [CLOSE] if announced else []
