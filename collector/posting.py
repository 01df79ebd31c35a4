"""What becomes of a request that sends events, from its head to its answer: body, core, Kafka, each calling the next. An edge.

There is no coroutine and no task: such a request waits twice, for its body and for Kafka, and that is two calls. Holds no `if`
about events. Absent: how requests come here (scheduling.py), and all other requests (app.py).
"""

import time
from typing import TYPE_CHECKING

from collector.answering import CLOSE, Answering, Call
from collector.chunks import BodyRefused
from collector.cors import reply_headers
from collector.exchange import Intake, Request
from collector.heads import Heads
from collector.holding import Holding
from collector.limits import Limits
from collector.publisher import Overloaded
from collector.quota import within_quota
from collector.reading import UNREADABLE, BodyReader, Head, why_unread
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


class Posting:
    """One such request, from its body to its answer. `made` are the message ids that it was given, `earlier` those of an attempt
    before it."""

    __slots__ = ("call", "earlier", "intake", "made", "postings", "request", "route")

    def __init__(self, postings: "Postings", call: Call, route: Sent) -> None:
        self.postings = postings
        self.call = call
        self.route = route
        self.request: Request
        self.intake: Intake
        self.earlier: list[str] = []
        self.made: list[str] = []

    def arrived(self, pending: "asyncio.Future[bytes]") -> None:
        """Its body, or why there is none."""
        try:
            self.postings.arrived(self, pending)
        except Exception as mistake:  # the root of what happens here
            self.postings.answering.failed(self.call.watcher, mistake, self.route.label)

    def settled(self, error: Exception | None) -> None:
        """What Kafka has said."""
        try:
            self.postings.settled(self, error)
        except Exception as mistake:  # as above; the others of its pack go on
            self.postings.answering.failed(self.call.watcher, mistake, self.route.label)


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
        self.answering = answering
        self._control = holding.control
        self._publisher = holding.publisher
        self._holding = holding
        self._heads = heads
        self._limits = limits
        self._bodies = BodyReader(settings.body_bytes_max, settings.body_timeout_s)
        self._unsettled = Unsettled(settings.unsettled_ids_max, settings.unsettled_age_s_max)
        self._ids = MessageIds()

    def begin(self, call: Call, route: Sent) -> None:
        """It will be answered, whatever happens."""
        posting = Posting(self, call, route)
        if call.head.method != "POST":
            self._take(posting, b"")
            return
        try:
            pending = self._bodies.begin(call.head.headers, call.proto)
        except BodyRefused as error:
            self._unread(posting, error)
        else:
            pending.add_done_callback(posting.arrived)

    def end_bodies(self) -> None:
        """Requests whose body is not here yet are answered that it was too slow."""
        self._bodies.end()

    def arrived(self, posting: Posting, pending: "asyncio.Future[bytes]") -> None:
        body = self._bodies.outcome(pending)
        if isinstance(body, bytes):
            self._take(posting, body)
        elif isinstance(body, UNREADABLE):
            self._unread(posting, body)
        else:
            self.answering.failed(posting.call.watcher, body, posting.route.label)

    def settled(self, posting: Posting, error: Exception | None) -> None:
        self._answer(posting, self._holding.not_kept(error) if error else posting.intake.reply)

    def _unread(self, posting: Posting, error: Exception) -> None:
        refusal = why_unread(error)
        self.answering.meter.refused(refusal.reason)
        self._shaped(posting, refused(refusal, CLOSE), cors(posting.call.head, None))

    def _take(self, posting: Posting, body: bytes) -> None:
        now, route, head = _now(), posting.route, posting.call.head
        request = (
            self._heads.whole(head, body, now) if route.is_whole else self._heads.request(head, body, now)
        )
        posting.request = request
        if self._unsettled:
            posting.earlier = self._unsettled.take(request, time.monotonic())
        self._ids.begin(posting.earlier)
        state = self._control.state
        intake = route.read(
            request, now=now, ids=self._ids, sources=route.sources(state), limits=self._limits
        )
        if state.quota_stops:
            intake = within_quota(intake, state, now)
        posting.intake, posting.made = intake, self._ids.made
        reply = self._holding.held_back(intake)
        if reply is None:
            try:
                self._publisher.publish(intake.events, intake.letters, posting.settled)
                return
            except (Overloaded, KafkaUnavailable) as error:
                reply = self._holding.not_kept(error)
        self._answer(posting, reply)

    def _answer(self, posting: Posting, reply: Reply) -> None:
        request, intake = posting.request, posting.intake
        if reply.reason:
            now_s = time.monotonic()
            self._unsettled.refused(request, reply.reason, posting.earlier, posting.made, now_s)
        self.answering.meter.intake(intake, reply)
        headers = cors(posting.call.head, intake.source)
        if request.visit and intake.events and reply.status == OK and not intake.is_cookieless:
            headers = [*headers, *cookie_of_sender(request.visit, intake.events[0].payload)]
        self._shaped(posting, reply, headers)

    def _shaped(self, posting: Posting, reply: Reply, headers: Headers) -> None:
        shaped = posting.route.shaped
        self.answering.answer(posting.call, shaped(reply) if shaped else reply, headers)


def cors(head: Head, source: Source | None) -> Headers:
    allowed = (ANY,) if source is None else source.allowed_origins
    return reply_headers(head.headers.get("origin", ""), allowed)


def _now() -> int:
    now_ns = time.time_ns()
    return now_ns // 1_000_000
