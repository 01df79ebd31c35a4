"""Carts that may be abandoned: read, confirmed in ClickHouse, and sent as events `Cart Abandoned`. A stage of the sinks' process.

A candidate is what a cart's own events say. Whether the person has ordered, under any of their identifiers, only ClickHouse
knows; so a batch of candidates waits until what was sent before it was read is resolved, identified and stored. Then it is
asked, once. An order that comes later changes nothing: what has fired is final. A candidate that cannot be confirmed within
`CART_CANDIDATE_AGE_S_MAX` is let go. Offsets are committed behind the events, whose message ids make a repetition harmless.
"""

import threading
import time
from collections.abc import Iterable, Mapping

import msgspec
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import Consumer, KafkaException, Message
from urllib3.exceptions import HTTPError

from runtime.environment.settings import CartSettings, ClickHouseSettings, KafkaSettings, SinkSettings, load
from runtime.kafka import KafkaUnavailable, client_config, group_name
from runtime.sending import send
from runtime.streams.progress import NotAcknowledged, Progress
from schemas.events.candidates import Candidate, UnknownCandidateVersion, decode_candidate
from schemas.events.pack import PackedEvent
from schemas.topics import CARTS_CANDIDATES, EVENTS_RAW, IDENTITY_FACTS
from sinks.stages.abandonment import Named, event_of, is_usable, records
from sinks.stages.own_thread import OwnThread
from sinks.storing.clickhouse import connect
from sinks.storing.tables import DICTIONARIES, SINKS

log = structlog.get_logger()

NAME = "abandoned"
PROCESSORS = "processors"  # the stage whose group commits how far the agents are
BATCH_MAX = 500
POLL_S = 0.5
RETRY_S = 2.0
POLL_PAUSE_MS_MAX = 900_000

_NAMES = """\
SELECT subject, argMin((kind, name), (kind, name)) FROM subject_details
WHERE workspace = {workspace:String} AND part = 'name' AND subject IN {nodes:Array(UInt64)} GROUP BY subject"""
_ORDERED = """\
WITH
    dictGetOrDefault({segments:String}, 'owner', {subject:UInt64}, {since:Int64}, {subject:UInt64}) AS owner,
    dictGetOrDefault({roots:String}, 'root', owner, owner) AS person
SELECT count() FROM events_resolved
WHERE workspace = {workspace:String} AND meaning.event = 'Order Completed'
  AND timestamp >= fromUnixTimestamp64Milli({since:Int64}) AND profile = person"""


class AbandonedThread(OwnThread):
    def __init__(self, environ: Mapping[str, str], stop: threading.Event) -> None:
        super().__init__(NAME, stop)
        self._kafka = load(KafkaSettings, environ)
        self._clickhouse = load(ClickHouseSettings, environ)
        self._settings = load(CartSettings, environ)
        self._session_s = load(SinkSettings, environ).session_timeout_s
        self._progress = Progress(self._kafka, self._settings.confirm_wait_s_max)
        self.is_assigned = False

    def _work(self) -> None:
        consumer = Consumer(_config(self._kafka, self._session_s))
        consumer.subscribe([CARTS_CANDIDATES.full_name(self._kafka.topic_prefix)], on_assign=self._assigned)
        try:
            while not self._stop_event.is_set():
                messages = [each for each in consumer.consume(BATCH_MAX, POLL_S) if each.error() is None]
                if messages:
                    self._patiently(consumer, messages)
        finally:
            consumer.close()

    def _assigned(self, _consumer: Consumer, _places: object) -> None:
        self.is_assigned = True

    def _patiently(self, consumer: Consumer, messages: list[Message]) -> None:
        candidates = list(_candidates(messages))
        while not self._stop_event.is_set():
            try:
                self._confirm(candidates)
                break
            except (NotAcknowledged, KafkaUnavailable, KafkaException) as error:
                log.warning("abandoned carts wait", carts=len(candidates), error=str(error))
            except (ClickHouseError, HTTPError, OSError) as error:  # without its text, which may quote values
                log.warning("abandoned carts wait", carts=len(candidates), error=type(error).__name__)
            self._stop_event.wait(RETRY_S)
        else:
            return
        try:
            consumer.commit(asynchronous=False)
        except (
            KafkaException
        ) as error:  # somebody else's now, who sends the same events again, which changes nothing
            log.warning("abandoned carts are not committed", error=error.args[0].str())

    def _confirm(self, candidates: list[Candidate]) -> None:
        now = _now_ms()
        oldest = now - self._settings.candidate_age_s_max * 1000
        fresh = [each for each in candidates if each.due_at >= oldest]
        if not fresh:
            return
        self._wait()
        client = connect(self._clickhouse)
        try:
            events = list(self._events(client, fresh, now))
        finally:
            client.close()
        if events:
            send(self._kafka, records(events, self._kafka.partitions))
        log.info("abandoned carts", candidates=len(candidates), fired=len(events))

    def _wait(self) -> None:
        """Until what was sent so far is stored, and who is whom with it."""
        group = group_name(self._kafka, PROCESSORS)
        self._progress.wait_stored({PROCESSORS: (group, EVENTS_RAW)})
        self._progress.wait_stored({PROCESSORS: (group, IDENTITY_FACTS)})
        sinks = [SINKS["events"], SINKS["pointers"]]
        prefix, generation = self._kafka.topic_prefix, self._kafka.generation
        self._progress.wait_stored(
            {sink.name: (sink.group(prefix, generation), sink.topic) for sink in sinks}
        )

    def _events(self, client: Client, candidates: list[Candidate], now: int) -> Iterable[PackedEvent]:
        for name in DICTIONARIES:
            client.command(f"SYSTEM RELOAD DICTIONARY {self._clickhouse.database}.{name}")
        names = _names(client, candidates)
        for candidate in candidates:
            named = names.get((candidate.workspace, candidate.subject), ("", ""))
            if is_usable(named) and not self._has_ordered(client, candidate):
                yield event_of(candidate, named, now)

    def _has_ordered(self, client: Client, candidate: Candidate) -> bool:
        found = client.query(
            _ORDERED,
            parameters={
                "workspace": candidate.workspace,
                "subject": candidate.subject,
                "since": candidate.active_at,
                "segments": f"{self._clickhouse.database}.idr_segment",
                "roots": f"{self._clickhouse.database}.idr_root",
            },
        )
        return bool(found.result_rows[0][0])


def _names(client: Client, candidates: list[Candidate]) -> dict[tuple[str, int], Named]:
    """By workspace and node, what the subjects are called; nobody who was forgotten."""
    nodes: dict[str, list[int]] = {}
    for candidate in candidates:
        nodes.setdefault(candidate.workspace, []).append(candidate.subject)
    return {
        (workspace, node): (named[0], named[1])
        for workspace, some in nodes.items()
        for node, named in client.query(
            _NAMES, parameters={"workspace": workspace, "nodes": some}
        ).result_rows
    }


def _candidates(messages: Iterable[Message]) -> Iterable[Candidate]:
    for message in messages:
        try:
            yield decode_candidate(message.value() or b"")
        except (msgspec.DecodeError, UnknownCandidateVersion) as error:
            log.error("a candidate cannot be read", offset=message.offset(), error=str(error))


def _config(kafka: KafkaSettings, session_s: int) -> dict[str, object]:
    return client_config(kafka) | {
        "group.id": f"{group_name(kafka, 'sink')}-{NAME}",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": session_s * 1000,
        "max.poll.interval.ms": POLL_PAUSE_MS_MAX,
    }


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the stage's clock: when it read a candidate
