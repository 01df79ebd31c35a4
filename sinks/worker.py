"""The sinks' process: per sink one thread, one consumer group, and a few threads and connections for inserts. Composition root.

A sink that fails for good takes the process down (exit status 70), and the other sinks of the process with it, on purpose: a
process that is half alive would look ready. A log line says why; whoever supervises the process starts it again, and each sink
goes on where its commits say. To part the fates of two sinks, run them in two processes.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

from runtime import logs, metrics
from runtime.ending import die
from runtime.environment.settings import (
    ClickHouseSettings,
    KafkaSettings,
    SinkSettings,
    WatchdogSettings,
    load,
)
from runtime.parent import end_with_parent
from runtime.probes import Probes
from runtime.watch.guard import Guard, Outside
from runtime.watch.judgement import Phase, Pulse, Sight
from sinks.confirming.confirm import NAME as CONFIRM
from sinks.confirming.confirm import ConfirmThread
from sinks.stages.abandoned import NAME as ABANDONED
from sinks.stages.abandoned import AbandonedThread
from sinks.stages.derived import NAME as DERIVED
from sinks.stages.derived import DerivedThread
from sinks.stages.quotas import NAME as QUOTAS
from sinks.stages.quotas import QuotasThread
from sinks.storing.attended import AttendedWriter
from sinks.storing.batch import Limits
from sinks.storing.clickhouse import ClickHouse
from sinks.storing.consumer import SinkConsumer
from sinks.storing.delivery import Delivery
from sinks.storing.failure import SinkError, TooManyRefused
from sinks.storing.inserts import InsertThreads
from sinks.storing.lanes import Lanes
from sinks.storing.loop import Bounds, Loop
from sinks.storing.reload import ReloadTimer
from sinks.storing.tables import SINKS, Sink

__all__ = ["SINKS", "STAGES", "run"]

STAGES = (*SINKS, ABANDONED, CONFIRM, DERIVED, QUOTAS)


log = structlog.get_logger()

EXIT_FAILED = 70
STOP_S_MAX = 20.0
WATCH_S = 0.2
ASK_TIMEOUT_S = 5
TRANSACTION_S_MAX = 900  # what a broker allows to any producer, unless it was told otherwise


class UnknownSink(ValueError):
    """No sink has this name; the text lists those there are."""


class SinkThread(threading.Thread):
    """Runs one sink; sets `stop` when it ends, whatever the reason, so that all end together."""

    def __init__(self, sink: Sink, environ: Mapping[str, str], stop: threading.Event) -> None:
        super().__init__(name=sink.name, daemon=True)
        self._sink = sink
        self._stop_event = stop
        self._kafka = load(KafkaSettings, environ)
        self._clickhouse = load(ClickHouseSettings, environ)
        self._settings = load(SinkSettings, environ)
        self._consumer: SinkConsumer | None = None
        self._loop: Loop | None = None
        self._writers: list[AttendedWriter] = []
        self.has_failed = False
        topic = sink.topic.full_name(self._kafka.topic_prefix)
        self._lanes = Lanes(topic, sink.schema_ids, _limits(sink, self._settings))

    @property
    def is_assigned(self) -> bool:
        """The group has answered."""
        return self._lanes.is_assigned

    @property
    def unsettled(self) -> str:
        """Why the sink's group is not at rest, "" when it is."""
        if self._consumer is None or not self._lanes.is_assigned:
            return f"{self.name} has no partitions assigned"
        return f"{self.name}: {reason}" if (reason := self._consumer.unsettled) else ""

    def sights(self) -> list[Sight]:
        is_holding = self._loop is not None and self._loop.is_holding
        return self._lanes.sights(self.name, Phase.HELD if is_holding else Phase.RUNNING)

    def pulses(self, limit_s: float) -> list[Pulse]:
        """Of the loop, and of each insert that runs."""
        found = []
        if self._loop is not None:  # its commit to a broker that is frozen may take as long as that is
            found.append(Pulse(f"sink {self.name}", self._loop.beats, limit_s, asks_kafka=True))
        inserts = [
            Pulse(f"insert {number} of sink {self.name}", writer.beats, limit_s)
            for number, writer in enumerate(self._writers)
            if writer.is_busy
        ]
        return found + inserts

    def run(self) -> None:
        try:
            self._run()
        except SinkError as error:  # without stack and text, which may quote what was sent
            self.has_failed = True
            log.error("sink failed", sink=self._sink.name, error=error.summary)
        except TooManyRefused as error:
            self.has_failed = True
            log.error("sink failed", sink=self._sink.name, error=str(error))
        except Exception as error:  # a root: nothing above would see it
            self.has_failed = True
            log.exception("sink failed", sink=self._sink.name, error=str(error))
        finally:
            self._stop_event.set()

    def _run(self) -> None:
        sink, settings = self._sink, self._settings
        consumer = self._consumer = SinkConsumer(sink, self._kafka, settings, self._lanes)
        inserts = InsertThreads(sink.name, [self._delivery().deliver for _ in range(settings.inserts_max)])
        bounds = Bounds(settings.retry_s_max, settings.held_bytes_max)
        loop = self._loop = Loop(sink.name, consumer, self._lanes, inserts, bounds)
        dictionaries = self._connection()
        if sink.dictionaries:
            loop.reload_after_inserts(
                lambda: dictionaries.reload(sink.dictionaries), ReloadTimer(settings.reload_ms_min / 1000)
            )
        try:
            loop.run(self._stop_event)
        finally:
            inserts.close()
            consumer.close()
            dictionaries.close()

    def _delivery(self) -> Delivery:
        writer = AttendedWriter(self._connection())
        self._writers.append(writer)
        return Delivery(writer, self._sink.table, self._settings.refused_records_max)

    def _connection(self) -> ClickHouse:
        return ClickHouse(self._clickhouse, timeout_s=self._settings.insert_timeout_s)


class Greeting:
    """Asks ClickHouse until it has answered once: a sink without records would not notice that nobody is there."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._clickhouse = ClickHouse(settings, timeout_s=ASK_TIMEOUT_S)
        self._last = ""
        self.is_answered = False

    def try_once(self) -> None:
        if self.is_answered:
            return
        try:
            self._clickhouse.ask()
        except SinkError as error:
            self._say(error.summary)
            return
        self.is_answered = True
        self._clickhouse.close()

    def _say(self, summary: str) -> None:
        """Once, not at every attempt."""
        if summary != self._last:
            log.warning("not ready: waiting for ClickHouse", error=summary)
        self._last = summary


Stage = SinkThread | AbandonedThread | ConfirmThread | DerivedThread | QuotasThread


class WatchedSinks:
    """What the process shows to those who watch over it; nothing is expected of it once it stops."""

    def __init__(self, threads: Sequence[Stage], stop: threading.Event, limit_s: float) -> None:
        self._threads = threads
        self._stop = stop
        self._limit_s = limit_s

    def sights(self) -> list[Sight]:
        return [sight for thread in self._threads for sight in thread.sights()]

    def pulses(self) -> list[Pulse]:
        if self._stop.is_set():
            return []
        return [pulse for thread in self._threads for pulse in thread.pulses(self._limit_s)]

    def loops(self) -> dict[str, asyncio.AbstractEventLoop]:
        return {}

    def unsettled(self) -> str:
        reasons = [] if self._stop.is_set() else [thread.unsettled for thread in self._threads]
        return next(filter(None, reasons), "")


def run(names: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run these sinks until SIGTERM, SIGINT or the end of the parent. Raises UnknownSink; SystemExit(70) when one failed."""
    logs.configure("sink")
    chosen = list(dict.fromkeys(names))
    stop = threading.Event()
    threads = [_thread(name, environ, stop) for name in chosen]
    greeting = Greeting(load(ClickHouseSettings, environ))
    settings = load(SinkSettings, environ)
    guard = _guard(threads, stop, environ)
    probes = Probes(
        settings.metrics_host,
        settings.metrics_port,
        lambda: greeting.is_answered and all(thread.is_assigned for thread in threads),
        guard.complaint,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_with_parent(environ, stop.set)
    for thread in threads:
        thread.start()
    probes.start()
    guard.start()
    log.info("sinks run", sinks=chosen)
    while not stop.wait(WATCH_S):
        greeting.try_once()
    guard.stop()
    _join(threads)
    probes.stop()
    log.info("sinks ended", sinks=chosen)
    if any(thread.has_failed for thread in threads):
        raise SystemExit(EXIT_FAILED)


def _guard(threads: Sequence[Stage], stop: threading.Event, environ: Mapping[str, str]) -> Guard:
    settings = load(WatchdogSettings, environ)
    limit_s = settings.stall_s_max + load(SinkSettings, environ).insert_timeout_s
    outside = Outside(
        kafka=load(KafkaSettings, environ),
        settings=settings,
        gauges=metrics.SINK_LAG,
        transaction_timeout_s=TRANSACTION_S_MAX,
        now_ms=lambda: int(time.time() * 1000),  # noqa: TID251 - the root's clock
        fail=die,
    )
    return Guard(WatchedSinks(threads, stop, limit_s), outside)


def _join(threads: Sequence[Stage]) -> None:
    deadline = time.monotonic() + STOP_S_MAX
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("sink did not end in time; its last block will be repeated", sink=thread.name)


def _limits(sink: Sink, settings: SinkSettings) -> Limits:
    age_ms_max = settings.ledger_age_ms_max if sink.is_unhurried else settings.block_age_ms_max
    return Limits(
        rows_max=settings.block_rows_max,
        bytes_max=settings.block_bytes_max,
        age_s_max=age_ms_max / 1000,
        busy_rows_min=settings.busy_rows_min,
        busy_age_s_max=settings.busy_age_ms_max / 1000,
    )


def _thread(name: str, environ: Mapping[str, str], stop: threading.Event) -> Stage:
    if name == ABANDONED:
        return AbandonedThread(environ, stop)
    if name == CONFIRM:
        return ConfirmThread(environ, stop)
    if name == DERIVED:
        return DerivedThread(environ, stop)
    if name == QUOTAS:
        return QuotasThread(environ, stop)
    if name not in SINKS:
        raise UnknownSink(f"no sink is named {name!r}; there are {', '.join(STAGES)}")
    return SinkThread(SINKS[name], environ, stop)
