"""What becomes of a request that sends events, from its head to its answer: body, core, Kafka, each calling the next. An edge.

There is no coroutine and no task: such a request waits twice, for its body and for Kafka, and that is two calls. Holds no `if`
about events. Absent: how requests come here (scheduling.py), and all other requests (app.py).
"""

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from collector.answering import CLOSE, Answering, Call
from collector.cors import reply_headers
from collector.exchange import Intake, Request
from collector.heads import Heads
from collector.holding import Holding
from collector.limits import Limits
from collector.publisher import Overloaded
from collector.quota import within_quota
from collector.reading import UNREADABLE, BodyReader, BodyRefused, Head, why_unread
from collector.replies import Headers, Reply, refused
from collector.routes import Sent
from collector.unsettled import MessageIds, Unsettled
from collector.visitor import cookie_of_sender
from runtime.environment.settings import CollectorSettings
from runtime.kafka import KafkaUnavailable
from schemas.sources.origins import ANY
from schemas.sources.sources import Source

if TYPE_CHECKING:
    import asyncio

OK = 200


class Posting(msgspec.Struct, frozen=True):
    """One such request, and what was made of it. `made` are the message ids that it was given, `earlier` those of an attempt
    before it."""

    call: Call
    route: Sent
    request: Request
    intake: Intake
    earlier: list[str]
    made: list[str]


class Postings:
    """Made and used on one event loop."""

    def __init__(
        self,
        settings: CollectorSettings,
        holding: Holding,
        heads: Heads,
        answering: Answering,
        limits: Limits,
    ) -> None:
        self._control = holding.control
        self._publisher = holding.publisher
        self._holding = holding
        self._heads = heads
        self._answering = answering
        self._limits = limits
        self._bodies = BodyReader(settings.body_bytes_max, settings.body_timeout_s)
        self._unsettled = Unsettled(settings.unsettled_ids_max, settings.unsettled_age_s_max)
        self._ids = MessageIds()

    def begin(self, call: Call, route: Sent) -> None:
        """It will be answered, whatever happens."""
        if call.head.method != "POST":
            self._take(call, route, b"")
            return
        try:
            pending = self._bodies.begin(call.head.headers, call.watcher.proto)
        except BodyRefused as error:
            self._unread(call, route, error)
        else:
            pending.add_done_callback(partial(self._arrived, call, route))

    def _arrived(self, call: Call, route: Sent, pending: "asyncio.Future[bytes]") -> None:
        try:
            body = self._bodies.outcome(pending)
            if isinstance(body, bytes):
                self._take(call, route, body)
            elif isinstance(body, UNREADABLE):
                self._unread(call, route, body)
            else:
                self._answering.failed(call.watcher, body)
        except Exception as mistake:  # the root of what happens here
            self._answering.failed(call.watcher, mistake)

    def _unread(self, call: Call, route: Sent, error: Exception) -> None:
        refusal = why_unread(error)
        self._answering.meter.refused(refusal.reason)
        self._shaped(call, route, refused(refusal, CLOSE), cors(call.head))

    def _take(self, call: Call, route: Sent, body: bytes) -> None:
        now = _now()
        request = (self._heads.whole if route.is_whole else self._heads.request)(call.head, body, now)
        earlier = self._unsettled.take(request, time.monotonic()) if self._unsettled else []
        self._ids.begin(earlier)
        state = self._control.state
        intake = route.read(
            request, now=now, ids=self._ids, sources=route.sources(state), limits=self._limits
        )
        intake = within_quota(intake, state, now)
        posting = Posting(call, route, request, intake, earlier, self._ids.made)
        reply = self._holding.held_back(intake)
        if reply is None:
            try:
                self._publisher.publish(intake.events, intake.letters, partial(self._settled, posting))
                return
            except (Overloaded, KafkaUnavailable) as error:
                reply = self._holding.not_kept(error)
        self._answer(posting, reply)

    def _settled(self, posting: Posting, error: Exception | None) -> None:
        try:
            self._answer(posting, self._holding.not_kept(error) if error else posting.intake.reply)
        except Exception as mistake:  # as above; the others of its pack go on
            self._answering.failed(posting.call.watcher, mistake)

    def _answer(self, posting: Posting, reply: Reply) -> None:
        call, request, intake = posting.call, posting.request, posting.intake
        if reply.reason:
            now_s = time.monotonic()
            self._unsettled.refused(request, reply.reason, posting.earlier, posting.made, now_s)
        self._answering.meter.intake(intake, reply)
        headers = cors(call.head, intake.source)
        if request.visit and intake.events and reply.status == OK and not intake.is_cookieless:
            headers = [*headers, *cookie_of_sender(request.visit, intake.events[0].payload)]
        self._shaped(call, posting.route, reply, headers)

    def _shaped(self, call: Call, route: Sent, reply: Reply, headers: Headers) -> None:
        self._answering.answer(call, route.shaped(reply) if route.shaped else reply, headers)


def cors(head: Head, source: Source | None = None) -> Headers:
    return reply_headers(head.headers.get("origin", ""), source.allowed_origins if source else (ANY,))


def _now() -> int:
    return time.time_ns() // 1_000_000
