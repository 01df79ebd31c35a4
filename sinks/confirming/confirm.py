"""Rules whose time has come: read, confirmed in ClickHouse, passed on as firings, refused or not. A stage of the sinks' process.

What a rule knows when it matches is what Kafka knows. Who the person is, whether the conditions about them hold, whether they did
under another identifier what was waited for, and whether any contact of theirs has opted out, only ClickHouse knows; so a
batch waits until what was sent before it was read is resolved, identified and stored, and is asked about once. A candidate
that could not be confirmed before it expires is passed on as refused. Deliberately absent: what comes after (agent
`actions`).
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec
import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException, Message
from urllib3.exceptions import HTTPError

from runtime import metrics
from runtime.control import ControlReader
from runtime.environment.settings import (
    ClickHouseSettings,
    ConfirmSettings,
    ContactSettings,
    KafkaSettings,
    ProcessorSettings,
    SinkSettings,
    hash_key_bytes,
    load,
)
from runtime.kafka import KafkaUnavailable
from runtime.streams.progress import NotAcknowledged
from schemas.control import ControlState
from schemas.events.dead_letter import Cause, Sender, Stage, sendable_letter
from schemas.events.reasons import Reason
from schemas.identity.identifiers import partition_of
from schemas.rules.rule_candidates import UnknownRuleCandidateVersion, decode_rule_candidate
from schemas.rules.rules import decode_rule
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_DEAD
from schemas.wire.codec import encode_dead_letter
from sinks.confirming.confirm_questions import MEMBERS_MAX
from sinks.confirming.confirm_waits import Waits
from sinks.confirming.confirm_way import NAME, Way
from sinks.confirming.confirmation import Asked, asked, records
from sinks.confirming.confirmer import Confirmer, Manner, Passed
from sinks.stages.own_thread import OwnThread

__all__ = ["NAME", "ConfirmThread"]

log = structlog.get_logger()

RETRY_S = 1.0
LETTER_KEY = b"rules"

_rule = lru_cache(4_096)(decode_rule)


class ConfirmThread(OwnThread):
    def __init__(self, environ: Mapping[str, str], stop: threading.Event) -> None:
        super().__init__(NAME, stop)
        self._kafka = load(KafkaSettings, environ)
        self._sinks = load(SinkSettings, environ)
        settings = load(ConfirmSettings, environ)
        self._candidates_max = settings.candidates_max
        self._firings_max = settings.firings_max
        self._control = ControlReader(self._kafka)
        self._waits = Waits(self._kafka, settings.wait_s_max)
        self._confirmer = Confirmer(
            load(ClickHouseSettings, environ),
            self._waits,
            Manner(
                nodes_max=settings.nodes_max,
                members_max=min(MEMBERS_MAX, settings.firings_max),
                hash_key=hash_key_bytes(load(ProcessorSettings, environ)),
                phone_region=load(ContactSettings, environ).phone_region,
            ),
        )
        self._way: Way | None = None

    @property
    def is_assigned(self) -> bool:
        return self._way is not None and self._way.is_assigned

    def _work(self) -> None:
        self._control.start()
        try:
            while not self._stop_event.is_set():
                if self._control.wait_current(RETRY_S):
                    self._travel()
        finally:
            self.has_failed = bool(self._control.problem)
            self._control.stop()

    def _travel(self) -> None:
        """As long as Kafka goes along. Then everything that is not committed is read again."""
        way = self._way = Way(self._kafka, self._sinks)
        try:
            way.start()
            while not self._stop_event.is_set() and not self._control.problem:
                if messages := way.read(self._candidates_max):
                    self._confirm(way, messages)
        except KafkaException as error:
            log.warning("rules are confirmed from the last commit on", error=error.args[0].str())
            self._stop_event.wait(RETRY_S)
        finally:
            way.close()

    def _confirm(self, way: Way, messages: list[Message]) -> None:
        """Raises KafkaException; ends without a commit when the process is to stop."""
        began = time.monotonic()
        counts = [0, 0]
        while not self._stop_event.is_set():
            try:
                self._pass_on(way, messages, counts)
            except (NotAcknowledged, KafkaUnavailable) as error:
                log.warning("rules wait", candidates=len(messages), error=str(error))
            except (ClickHouseError, HTTPError, OSError) as error:  # without its text, which may quote values
                log.warning("rules wait", candidates=len(messages), error=type(error).__name__)
            else:
                _tell(messages, counts, time.monotonic() - began)
                return
            metrics.CONFIRM_RETRIES.inc()
            self._stop_event.wait(RETRY_S)

    def _pass_on(self, way: Way, messages: list[Message], counts: list[int]) -> None:
        """The last page takes along that all of it is done."""
        counts[:] = [0, 0]
        self._waits.until_told(self._control)
        state = self._control.state
        batch, letters = _read(messages, state, self._kafka.partitions)
        pages = self._confirmer.pages(batch, state, _now_ms())
        for page, is_last in _with_last(pages, self._firings_max):
            sent = [*records(page, self._kafka.partitions), *(letters if is_last else ())]
            if sent or is_last:
                way.send(sent, done=is_last)
            _count(page, counts)


def _with_last(pages: Iterable[list[Passed]], firings_max: int) -> Iterator[tuple[list[Passed], bool]]:
    """Small ones become one with the next."""
    held: list[Passed] = []
    for page in pages:
        if held and len(held) + len(page) > firings_max:
            yield held, False
            held = []
        held += page
    yield held, True


def _tell(messages: Sequence[Message], counts: Sequence[int], seconds: float) -> None:
    fired, refused = counts
    metrics.CONFIRMED.labels("fired").inc(fired)
    metrics.CONFIRMED.labels("refused").inc(refused)
    metrics.CONFIRM_SECONDS.observe(seconds)
    metrics.CONFIRM_AGE_SECONDS.observe((_now_ms() - min(each.timestamp()[1] for each in messages)) / 1000)
    log.info(
        "rules confirmed", candidates=len(messages), fired=fired, refused=refused, seconds=round(seconds, 3)
    )


def _count(page: Iterable[Passed], counts: list[int]) -> None:
    for firing, _ in page:
        counts[bool(firing.refused)] += 1


def _read(
    messages: Iterable[Message], state: ControlState, partitions: int
) -> tuple[list[Asked], list[OutputRecord]]:
    """What can be read, and dead letters of what cannot."""
    batch, letters = [], []
    for message in messages:
        try:
            candidate = decode_rule_candidate(message.value() or b"")
            batch.append(asked(candidate, _rule(candidate.rule), state))
        except (msgspec.DecodeError, UnknownRuleCandidateVersion, RecursionError) as error:
            letters.append(_letter(message, str(error), partitions))
    return batch, letters


def _letter(message: Message, why: str, partitions: int) -> OutputRecord:
    detail = f"rules.candidates {message.partition()} {message.offset()}: {why}"
    cause = Cause(Stage.RULES, Reason.UNREADABLE_PACK, detail)
    letter = sendable_letter(cause, Sender("", "", "", message.timestamp()[1]), message.value() or b"")
    return OutputRecord(
        EVENTS_DEAD.name, partition_of(LETTER_KEY, partitions), LETTER_KEY, encode_dead_letter(letter)
    )


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the stage's clock: when it asked
