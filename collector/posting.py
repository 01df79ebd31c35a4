"""What becomes of a request that sends events, from its head to its answer: body, core, Kafka, each calling the next. An edge.

There is no coroutine and no task: such a request waits twice, for its body and for Kafka, and that is two calls. Holds no `if`
about events. Absent: how requests come here (scheduling.py), and all other requests (app.py).
"""

from time import monotonic, time_ns
from typing import TYPE_CHECKING

from collector.answering import CLOSE, Answering, Call, farewell
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
from collector.scheduling import Awaited
from collector.tickets import Ticket
from collector.unsettled import MessageIds, Unsettled
from collector.visitor import cookie_of_sender
from runtime.environment.settings import CollectorSettings
from runtime.kafka import KafkaUnavailable
from schemas.sources.origins import ANY
from schemas.sources.sources import Source

if TYPE_CHECKING:
    import asyncio

OK = 200
NONE: list[str] = []  # never changed
_OWED = (
    *("postings", "proto", "started_s", "label", "shaped", "reply", "headers", "cookie"),
    *("source", "events", "letters", "dropped", "request", "earlier", "made"),
)


class Posting(Awaited):
    """One such request until its body is here."""

    __slots__ = ("call", "postings", "route")

    def __init__(self, postings: "Postings", call: Call, route: Sent) -> None:
        self.postings = postings
        self.call = call
        self.route = route

    def told(self, pending: "asyncio.Future[bytes]") -> None:
        """Its body, or why there is none."""
        try:
            self.postings.arrived(self, pending)
        except Exception as mistake:  # the root of what happens here
            self.postings.answering.failed(self.call.proto, mistake, self.route.label)


class Owed(Ticket):
    """The answer that a request gets once Kafka has said: what it needs of the request, and no more.

    A thousand may wait, and what one of them keeps is cold when it is touched again; so head, body and events go as soon as
    they are packed. `headers` are those of every answer, `cookie` the ones beside them when all went well. `request` is None
    where no message ids were made for it: `made` are those, `earlier` those of an attempt before it.
    """

    __slots__ = _OWED

    def __init__(self, postings: "Postings", call: Call, route: Sent, intake: Intake) -> None:
        self._keep(postings, call, route, intake)

    def _keep(self, postings: "Postings", call: Call, route: Sent, intake: Intake) -> None:
        source = intake.source
        self.postings = postings
        self.proto = call.proto
        self.started_s = call.started_s
        self.label = route.label
        self.shaped = route.shaped
        self.reply = intake.reply
        self.headers = cors(call.head, source)
        self.cookie: Headers | None = None
        self.source = "" if source is None else source.id
        self.events = len(intake.events)
        self.letters = intake.letters
        self.dropped = intake.dropped
        self.request: Request | None = None
        self.earlier = self.made = NONE

    def settled(self, error: Exception | None) -> None:
        """What Kafka has said."""
        try:
            self.postings.settled(self, error)
        except Exception as mistake:  # as above; the others of its pack go on
            self.postings.answering.failed(self.proto, mistake, self.label)


class Postings:
    """Made and used on one event loop, but for `start`."""

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

    def start(self, call: Call, route: Sent) -> bool:
        """On the server's thread, of a POST: whether its body is being read. If not, it shall be begun on the event loop."""
        pending = self._bodies.start(call.head.headers, call.proto)
        if pending is None:
            return False
        pending.add_done_callback(Posting(self, call, route))
        return True

    def begin(self, call: Call, route: Sent) -> None:
        """It will be answered, whatever happens."""
        if call.head.method != "POST":
            self._take(call, route, b"")
            return
        posting = Posting(self, call, route)
        try:
            pending = self._bodies.begin(call.head.headers, call.proto)
        except BodyRefused as error:
            self._unread(posting, error)
        else:
            pending.add_done_callback(posting)

    def end_bodies(self) -> None:
        """Requests whose body is not here yet are answered that it was too slow."""
        self._bodies.end()

    def arrived(self, posting: Posting, pending: "asyncio.Future[bytes]") -> None:
        body = self._bodies.outcome(pending)
        if isinstance(body, bytes):
            self._take(posting.call, posting.route, body)
        elif isinstance(body, UNREADABLE):
            self._unread(posting, body)
        else:
            self.answering.failed(posting.call.proto, body, posting.route.label)

    def settled(self, owed: Owed, error: Exception | None) -> None:
        self._answer(owed, self._holding.not_kept(error) if error else owed.reply)

    def _unread(self, posting: Posting, error: Exception) -> None:
        refusal, call, shaped = why_unread(error), posting.call, posting.route.shaped
        self.answering.meter.refused(refusal.reason)
        reply = refused(refusal, CLOSE)
        self.answering.answer(call, shaped(reply) if shaped else reply, cors(call.head, None))

    def _take(self, call: Call, route: Sent, body: bytes) -> None:
        now, head = _now(), call.head
        request = (
            self._heads.whole(head, body, now) if route.is_whole else self._heads.request(head, body, now)
        )
        earlier = self._unsettled.take(request, monotonic()) if self._unsettled else NONE
        self._ids.begin(earlier)
        state = self._control.state
        intake = route.read(
            request, now=now, ids=self._ids, sources=route.sources(state), limits=self._limits
        )
        if state.quota_stops:
            intake = within_quota(intake, state, now)
        owed = Owed(self, call, route, intake)
        if earlier or self._ids.made:
            owed.request, owed.earlier, owed.made = request, earlier, self._ids.made
        if head.method != "POST":
            owed.headers = [*owed.headers, *farewell(head)]
        reply = self._holding.held_back(intake)
        if reply is None:
            if request.visit and intake.events and intake.reply.status == OK and not intake.is_cookieless:
                owed.cookie = cookie_of_sender(request.visit, intake.events[0].payload)
            try:
                self._publisher.publish(intake.events, intake.letters, owed)
                return
            except (Overloaded, KafkaUnavailable) as error:
                reply = self._holding.not_kept(error)
        self._answer(owed, reply)

    def _answer(self, owed: Owed, reply: Reply) -> None:
        if owed.request is not None and reply.reason:
            self._unsettled.refused(owed.request, reply.reason, owed.earlier, owed.made, monotonic())
        meter, shaped = self.answering.meter, owed.shaped
        if reply is owed.reply:
            meter.kept(owed.source, owed.events, owed.letters, owed.dropped)
        if reply.reason and not (reply is owed.reply and owed.letters):
            meter.refused(reply.reason)
        headers = [*owed.headers, *owed.cookie] if owed.cookie and reply.status == OK else owed.headers
        answered = shaped(reply) if shaped else reply
        self.answering.give(owed.proto, owed.label, owed.started_s, answered, headers)


def cors(head: Head, source: Source | None) -> Headers:
    allowed = (ANY,) if source is None else source.allowed_origins
    return reply_headers(head.headers.get("origin", ""), allowed)


def _now() -> int:
    now_ns = time_ns()
    return now_ns // 1_000_000
