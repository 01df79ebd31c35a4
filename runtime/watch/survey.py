"""What a process asks Kafka about itself, every few seconds in a thread of its own: how far behind it is, how long until that
becomes a loss, and whether a transaction hangs. The answers are metrics, log lines, and what the watchdog needs to know.

One question for the ends of all logs, one for their last stable offsets; a look into a log only where a partition stands still.
Deliberately absent: what any of it means for the process; see judgement.py.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog
from confluent_kafka import KafkaException

from runtime import metrics
from runtime.environment.settings import KafkaSettings
from runtime.lag import Ends, Hanging, Key, Lag, OpenTransactions, Waits, retention_left_s
from runtime.lookup import Lookup
from runtime.peek import Peek
from runtime.watch.judgement import Phase, Sight, Survey

log = structlog.get_logger()


class Surveyor:
    """`sights` and `now_ms` are called in its thread. A transaction hangs that is open for over `hangs_after_s`."""

    def __init__(
        self,
        kafka: KafkaSettings,
        sights: Callable[[], Sequence[Sight]],
        gauges: metrics.LagGauges,
        *,
        hangs_after_s: float,
        now_ms: Callable[[], int],
    ) -> None:
        self._kafka = kafka
        self._sights = sights
        self._gauges = gauges
        self._now_ms = now_ms
        self._lookup = Lookup(kafka)
        self._waits = Waits()
        self._open = OpenTransactions(hangs_after_s)
        self._retention_ms: dict[str, int] = {}
        self._shown: set[tuple[str, str]] = set()
        self._readers: set[str] = set()
        self.survey = Survey()
        self.rounds = 0

    def run(self, stop: threading.Event, interval_s: float, fail: Callable[[BaseException], None]) -> None:
        """Until `stop` is set. `fail` is called with what nobody expected, to end the process."""
        while not stop.wait(interval_s):
            try:
                self.round()
            except Exception as error:  # a thread's root: nobody else would see it
                fail(error)
            self.rounds += 1

    def round(self) -> None:
        """Ask once. Where Kafka does not answer, the metrics stay as they are."""
        sights = self._sights()
        self._show_phases(sights)
        try:
            ends = self._lookup.ends(_places(sights))
            lags = self._lags(sights, ends)
        except KafkaException as error:
            if self.survey.answers or not self.rounds:
                log.warning("lag is unknown: Kafka does not answer", cause=error.args[0].str())
            self.survey = Survey()
            return
        self.survey = Survey(True, self._waits.waiting())
        self._show_lags(lags)
        self._report(self._open.observe(time.monotonic(), ends))

    def _lags(self, sights: Sequence[Sight], ends: dict[Key, Ends]) -> list[tuple[Sight, Lag]]:
        lags = []
        with Peek(self._kafka) as peek:
            for sight in sights:
                key, place = (sight.reader, sight.partition), ends.get((sight.topic, sight.partition))
                if sight.position is None or place is None:
                    continue
                in_hand_ms = sight.oldest_ms
                if in_hand_ms is None and self._waits.due(key, sight.position, place):
                    timestamp_ms = peek.first_timestamp(
                        sight.topic, sight.partition, sight.position, place.stable
                    )
                    self._waits.found(key, sight.position, place, timestamp_ms)
                lag = self._waits.lag(key, sight.position, place, in_hand_ms, self._now_ms())
                lags.append((sight, lag))
        self._waits.keep({(sight.reader, sight.partition) for sight in sights})
        return lags

    def _show_lags(self, lags: Iterable[tuple[Sight, Lag]]) -> None:
        shown = set()
        for sight, lag in lags:
            labels = (sight.reader, str(sight.partition))
            shown.add(labels)
            self._gauges.records.labels(*labels).set(lag.records)
            if lag.seconds is not None:
                self._gauges.seconds.labels(*labels).set(lag.seconds)
            left_s = retention_left_s(lag, self._retention(sight.topic))
            if left_s is not None:
                self._gauges.retention_left.labels(*labels).set(left_s)
        for labels in self._shown - shown:  # another process's now
            self._gauges.forget(*labels)
        self._shown = shown

    def _show_phases(self, sights: Sequence[Sight]) -> None:
        self._readers |= {
            sight.reader for sight in sights
        }  # one whose partitions have all gone shows noughts
        for reader in self._readers:
            for phase in Phase:
                count = sum(sight.reader == reader and sight.phase is phase for sight in sights)
                self._gauges.phases.labels(reader, phase.value).set(count)

    def _retention(self, topic: str) -> int:
        """Asked until Kafka says it; -1 until then."""
        if topic not in self._retention_ms:
            try:
                self._retention_ms[topic] = self._lookup.retention_ms(topic)
            except KafkaException:
                return -1
        return self._retention_ms[topic]

    def _report(self, hanging: Sequence[Hanging]) -> None:
        metrics.HANGING_TRANSACTIONS.set(len(hanging))
        now = time.monotonic()
        for found in hanging:
            if self._open.is_due(now, found):
                log.error("a transaction hangs: nothing behind it can be read", **_told(found, self._kafka))


def _places(sights: Sequence[Sight]) -> set[Key]:
    inputs = {(sight.topic, sight.partition) for sight in sights}
    return inputs | {(sight.changelog, sight.partition) for sight in sights if sight.changelog}


def _told(hanging: Hanging, kafka: KafkaSettings) -> dict[str, object]:
    tool = f"kafka-transactions.sh --bootstrap-server {kafka.bootstrap_servers}"
    place = f"--topic {hanging.topic} --partition {hanging.partition}"
    return msgspec.structs.asdict(hanging) | {
        "look": f"{tool} find-hanging {place}",
        "mend": f"{tool} abort {place} --start-offset {hanging.start}",
    }
