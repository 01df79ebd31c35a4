"""Notices when the plain reader's client has silently ceased to read a partition, and has it assigned anew.

It has happened after a broker had been frozen for some seconds: the client read its other partitions and said nothing. Only the
broker knows that records wait, so it is asked, in a thread of its own: a question may take long, and no record may wait for it.

Deliberately absent: judging anyone else. What waits to be taken stands still for its taker's reasons, and what does not help
here is the watchdog's.
"""

import threading
from collections.abc import Callable, Mapping

import structlog
from confluent_kafka import KafkaException

from runtime import metrics
from runtime.lag import Ends
from runtime.lookup import Lookup
from runtime.streams.group import TP
from runtime.streams.plain_reading import Mark

log = structlog.get_logger()

LOOK_S = 5.0
LOOKS = (
    3  # in a row, all answered: the reader has had the last interval at least to find a broker that is back
)


class Looks:
    """How often in a row each partition was found at the same mark while records waited behind it."""

    def __init__(self) -> None:
        self._found: dict[TP, tuple[Mark, int]] = {}

    def stuck(self, marks: Mapping[TP, Mark], ends: Mapping[TP, Ends]) -> dict[TP, Mark]:
        """What was found for the last time now; its looks are counted anew."""
        found: dict[TP, tuple[Mark, int]] = {}
        for tp, mark in marks.items():
            if tp in ends and ends[tp].stable > mark.end:
                before, count = self._found.get(tp, (mark, 0))
                found[tp] = (mark, count + 1 if before == mark else 1)
        stuck = {tp: mark for tp, (mark, count) in found.items() if count >= LOOKS}
        self._found = {tp: seen for tp, seen in found.items() if tp not in stuck}
        return stuck

    def forget(self) -> None:
        """The broker did not answer: nothing is known any more."""
        self._found = {}


class ReaderWatch:
    """`marks` says where those partitions are of which nothing waits to be taken; it and `renew` are called in the thread."""

    def __init__(
        self, lookup: Lookup, marks: Callable[[], Mapping[TP, Mark]], renew: Callable[[TP, Mark], None]
    ) -> None:
        self._lookup = lookup
        self._marks = marks
        self._renew = renew
        self._looks = Looks()
        self._stop = threading.Event()

    def start(self, look_s: float, fail: Callable[[BaseException], None]) -> None:
        """`fail` is called, in the thread, with what nobody expected."""
        threading.Thread(target=self._run, args=(look_s, fail), name="reader's watch", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self, look_s: float, fail: Callable[[BaseException], None]) -> None:
        try:
            while not self._stop.wait(look_s):
                self._look()
        except BaseException as error:  # the thread's root: whatever ends it ends the worker
            fail(error)

    def _look(self) -> None:
        if not (marks := self._marks()):
            return self._looks.forget()
        try:
            ends = self._lookup.ends(marks)
        except KafkaException:
            return self._looks.forget()
        for tp, mark in self._looks.stuck(marks, {tp: ends[tp] for tp in marks if tp in ends}).items():
            log.warning(
                "a partition is read no more, and assigned anew",
                topic=tp.topic,
                partition=tp.partition,
                position=mark.end,
                end=ends[tp].stable,
            )
            metrics.DELIVERY_SEEKS.labels(tp.topic, "stuck").inc()
            self._renew(tp, mark)
