"""What becomes of a request that sends events, from its head to its answer: body, core, Kafka, each calling the next. An edge.

There is no coroutine and no task: such a request waits twice, for its body and for Kafka, and that is two calls. Holds no `if`
about events. Absent: how requests come here (reception.py), and all other requests (app.py).
"""

from time import monotonic, time_ns

from collector.answering import CLOSE, Answering, farewell
from collector.body import too_large
from collector.cors import reply_headers
from collector.exchange import Intake, Request
from collector.heads import Heads
from collector.holding import Holding
from collector.http.head import Head
from collector.http.incoming import NO_BODY, Incoming
from collector.limits import Limits
from collector.publisher import Overloaded
from collector.quota import within_quota
from collector.rejection import Refusal
from collector.replies import Headers, Reply, refused
from collector.tickets import Ticket
from collector.unsettled import MessageIds, Unsettled
from collector.visitor import cookie_of_sender
from runtime.environment.settings import CollectorSettings
from runtime.kafka import KafkaUnavailable
from schemas.sources.origins import ANY
from schemas.sources.sources import Source

OK = 200
NOTHING = Head("", "", "", {})  # of a request of which no more is needed
NONE: list[str] = []  # never changed
_OWED = (
    *("postings", "incoming", "label", "shaped", "reply", "headers", "cookie"),
    *("source", "events", "letters", "dropped", "request", "earlier", "made"),
)


class Owed(Ticket):
    """The answer that a request gets once Kafka has said: what it needs of the request, and no more.

    A thousand may wait, and what one of them keeps is cold when it is touched again; so head, body and events go as soon as
    they are packed. `headers` are those of every answer, `cookie` the ones beside them when all went well. `request` is None
    where no message ids were made for it: `made` are those, `earlier` those of an attempt before it.
    """

    __slots__ = _OWED

    def __init__(self, postings: "Postings", incoming: Incoming, intake: Intake) -> None:
        self._keep(postings, incoming, intake)

    def _keep(self, postings: "Postings", incoming: Incoming, intake: Intake) -> None:
        source, route = intake.source, incoming.route
        self.postings = postings
        self.incoming = incoming
        self.label = route.label
        self.shaped = route.shaped
        self.reply = intake.reply
        self.headers = cors(incoming.head, source)
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
        except Exception as mistake:  # the root of what happens here; the others of its pack go on
            self.postings.answering.failed(self.incoming, mistake)


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
        self._body_bytes_max = settings.body_bytes_max
        self._digits = len(str(settings.body_bytes_max))
        self._unsettled = Unsettled(settings.unsettled_ids_max, settings.unsettled_age_s_max)
        self._ids = MessageIds()

    def begin(self, incoming: Incoming) -> int:
        """It will be answered. How large its body may be; NO_BODY where none is read."""
        if incoming.head.method != "POST":
            self.take(incoming, b"")
            return NO_BODY
        announced = incoming.head.headers.get("content-length", "")
        # What has fewer digits than the limit is below it.
        if len(announced) >= self._digits and int(announced) > self._body_bytes_max:
            self.unread(incoming, too_large(self._body_bytes_max))
            return NO_BODY
        return self._body_bytes_max

    def settled(self, owed: Owed, error: Exception | None) -> None:
        self._answer(owed, self._holding.not_kept(error) if error else owed.reply)

    def unread(self, incoming: Incoming, refusal: Refusal) -> None:
        """Its body will not be here, or has not been read to its end."""
        shaped = incoming.route.shaped
        self.answering.meter.refused(refusal.reason)
        reply = refused(refusal, CLOSE)
        self.answering.answer(incoming, shaped(reply) if shaped else reply, cors(incoming.head, None))

    def take(self, incoming: Incoming, body: bytes) -> None:
        """All of it is here."""
        now, head, route = _now(), incoming.head, incoming.route
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
        owed = Owed(self, incoming, intake)
        incoming.head = NOTHING
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
        self.answering.give(owed.incoming, owed.label, answered, headers)


def cors(head: Head, source: Source | None) -> Headers:
    allowed = (ANY,) if source is None else source.allowed_origins
    return reply_headers(head.headers.get("origin", ""), allowed)


def _now() -> int:
    now_ns = time_ns()
    return now_ns // 1_000_000
