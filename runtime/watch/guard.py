"""Everything that watches over one process, put together: the survey of Kafka and the watchdog, each in its own thread.

What is watched is behind a Protocol, since a worker of agents and a process of sinks have little else in common.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from runtime import metrics
from runtime.environment.settings import KafkaSettings
from runtime.environment.watchdog_settings import WatchdogSettings
from runtime.watch.judgement import Look, Pulse, Sight
from runtime.watch.survey import Surveyor
from runtime.watch.watchdog import LoopPulses, Watchdog

ABORT_S = 60.0  # an expired transaction is aborted by then: the broker looks for them every ten seconds
SURVEY_S_MAX = 300.0  # beyond its interval: every question of a survey has a time-out of its own


class Watched(Protocol):
    """All that a process has to show. Called from other threads; nothing may wait."""

    def sights(self) -> Sequence[Sight]:
        """Its partitions."""

    def pulses(self) -> Sequence[Pulse]:
        """Its threads that must give signs of life."""

    def loops(self) -> Mapping[str, asyncio.AbstractEventLoop]:
        """Its event loops, which must too."""

    def unsettled(self) -> str:
        """Why its consumer group is not at rest; "" when it is."""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard gets of its process. `fail` ends it, when something happens that nobody expected."""

    kafka: KafkaSettings
    settings: WatchdogSettings
    gauges: metrics.LagGauges
    transaction_timeout_s: float
    now_ms: Callable[[], int]
    fail: Callable[[BaseException], None]


class Guard:
    """`complaint` is for `/livez`."""

    def __init__(self, watched: Watched, outside: Outside) -> None:
        self._watched = watched
        self._outside = outside
        self._loops = LoopPulses(outside.settings.loop_s_max)
        self._surveyor = Surveyor(
            outside.kafka,
            watched.sights,
            outside.gauges,
            hangs_after_s=outside.transaction_timeout_s + ABORT_S,
            now_ms=outside.now_ms,
        )
        self._watchdog = Watchdog(
            outside.settings,
            self._look,
            lambda: self._surveyor.survey,
            lambda: list(watched.loops().values()),
            outside.fail,
        )
        self._stop = threading.Event()

    def start(self) -> None:
        survey = (self._stop, self._outside.settings.survey_s, self._outside.fail)
        threading.Thread(target=self._surveyor.run, args=survey, name="survey", daemon=True).start()
        self._watchdog.start()

    def stop(self) -> None:
        self._stop.set()
        self._watchdog.stop()

    def complaint(self) -> str:
        return self._watchdog.complaint

    def _look(self) -> Look:
        own = Pulse("survey", self._surveyor.rounds, SURVEY_S_MAX + self._outside.settings.survey_s)
        pulses = [own, *self._watched.pulses(), *self._loops.pulses(self._watched.loops())]
        return Look(self._watched.sights(), pulses, self._watched.unsettled())
