"""The process behind `stitchline segments`: refreshes on schedule, and at once when a definition was edited. Composition root.

A Kafka or a ClickHouse that is away, or a run that fails, is tried again after a while; what was begun is finished first. Who is
fenced by another process, or has lost the lock's name to one, ends (exit status 70): whoever supervises starts it again, and it
waits beside the other.
"""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from urllib3.exceptions import HTTPError

from console.refreshing.refresh import Report, Rules, Tools, note_edited, run_once
from console.refreshing.refresh_check import Checked, check
from console.refreshing.refresh_lock import LockLost, RefreshLock
from console.refreshing.refresh_log import Fenced, KafkaRunLog
from console.refreshing.refresh_mark import StoredMark
from console.refreshing.refresh_plan import defined_by
from console.refreshing.refresh_tables import RefreshTables
from runtime import logs, metrics
from runtime.clickhouse import connect
from runtime.control import ControlReader, read_control
from runtime.environment.settings import (
    ClickHouseSettings,
    KafkaSettings,
    RefreshSettings,
    SegmentSettings,
    load,
)
from runtime.kafka import KafkaUnavailable
from runtime.parent import end_with_parent
from runtime.probes import Probes
from schemas.control import ControlState

log = structlog.get_logger()

EXIT_FAILED = 70
POLL_S = 0.2
ATTEMPTS = 1 << 31
WAITED_FOR = (ClickHouseError, HTTPError, KafkaException, KafkaUnavailable, OSError)

Now = Callable[[], int]


class NotAlone(Exception):
    """Another process refreshes, and does not stop."""


class Refresher:
    """One process's refreshes. `take_over` first; then `refresh` as often as is wanted, by one thread."""

    def __init__(self, environ: Mapping[str, str], now_ms: Now) -> None:
        self._kafka = load(KafkaSettings, environ)
        self._clickhouse = load(ClickHouseSettings, environ)
        self._settings = load(RefreshSettings, environ)
        self._zone = load(SegmentSettings, environ).zone
        self._now_ms = now_ms
        self._log = KafkaRunLog(self._kafka)
        self._tools: Tools | None = None

    def refresh(self, state: ControlState, *, is_full: bool = False) -> Report:
        """Raises Fenced, and what Kafka and ClickHouse raise: the next one begins with connections of its own."""
        try:
            tools = self._tools = self._tools or self._made()
            defined = defined_by(state.segments, self._zone)
            definitions = {
                (each.workspace, each.segment): state.documents[key].decode()
                for key, each in state.segments.items()
            }
            note_edited(tools.tables, defined, definitions, self._now_ms())
            return run_once(tools, defined, self._now_ms(), is_full=is_full)
        except WAITED_FOR:
            self._tools = None
            raise

    def close(self) -> None:
        self._log.close()

    def _made(self) -> Tools:
        settings = self._settings
        client = connect(self._clickhouse, timeout_s=settings.query_timeout_s)
        self._log.take_over()
        return Tools(
            RefreshTables(client, self._clickhouse.database),
            self._log,
            StoredMark(self._kafka, settings.stored_wait_s),
            Rules(
                period_s=settings.period_s,
                full_hour=settings.full_hour,
                full_share_max=settings.touched_share_max,
            ),
        )


class Schedule:
    """When the next refresh is due. Times are monotonic seconds."""

    def __init__(self, period_s: float, retry_s: float) -> None:
        self._period_s = period_s
        self._retry_s = min(retry_s, period_s)
        self._next = 0.0
        self._segments: object = None

    def is_due(self, now_s: float, segments: object) -> bool:
        return now_s >= self._next or segments != self._segments

    def began(self, now_s: float, segments: object) -> None:
        self._next = now_s + self._period_s
        self._segments = segments

    def failed(self, now_s: float) -> None:
        self._next = now_s + self._retry_s


def run(environ: Mapping[str, str], now_ms: Now) -> None:
    """Until SIGTERM, SIGINT or the end of the parent. Raises SystemExit(70) when another process took over."""
    logs.configure("segments")
    settings = load(RefreshSettings, environ)
    stop = threading.Event()
    control = ControlReader(load(KafkaSettings, environ))
    probes = Probes(
        settings.metrics_host, settings.metrics_port, lambda: control.is_current, lambda: control.problem
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_with_parent(environ, stop.set)
    control.start()
    probes.start()
    lock = RefreshLock(load(KafkaSettings, environ), settings)
    refresher = Refresher(environ, now_ms)
    try:
        _serve(lock, refresher, control, settings, stop)
    except (Fenced, LockLost) as error:
        log.error("another process refreshes segments now", error=str(error))
        _fail()
    finally:
        refresher.close()
        lock.close()
        control.stop()
        probes.stop()
    log.info("segments ended")


def _serve(
    lock: RefreshLock,
    refresher: Refresher,
    control: ControlReader,
    settings: RefreshSettings,
    stop: threading.Event,
) -> None:
    schedule = Schedule(settings.period_s, settings.retry_s)
    while not stop.is_set():
        is_ours = lock.poll(POLL_S) and control.is_current
        if not is_ours or not schedule.is_due(time.monotonic(), control.state.segments):
            continue
        state = control.state
        schedule.began(time.monotonic(), state.segments)
        try:
            with metrics.SEGMENT_RUN_SECONDS.time():
                tell(refresher.refresh(state))
        except WAITED_FOR as error:
            metrics.SEGMENT_RUN_FAILURES.inc()
            log.error("segments were not refreshed", error=str(error))
            schedule.failed(time.monotonic())


def tell(report: Report) -> None:
    """What a run did, to the log and the metrics."""
    metrics.SEGMENT_CHANGES.inc(report.told)
    if not report.run:
        return
    broken = sorted(name for (_, name), each in report.standings.items() if each.error)
    metrics.SEGMENTS.set(len(report.standings))
    metrics.SEGMENTS_FAILED.set(len(broken))
    metrics.SEGMENTS_GOOD_AT.set_to_current_time()
    if report.is_full:
        metrics.SEGMENT_DRIFT.set(report.drift)
    told = {"run": report.run, "is_full": report.is_full, "changes": report.told, "touched": report.touched}
    log.info("segments refreshed", **told, people=report.people, failed=broken)
    if report.drift:
        drifted = sorted(name for (_, name), each in report.standings.items() if each.drift)
        log.error(
            "memberships had drifted: changes that nothing explains", changes=report.drift, segments=drifted
        )


def refresh_once(environ: Mapping[str, str], now_ms: Now, *, wait_s: float, is_full: bool) -> Report:
    """One refresh, for cron. Raises NotAlone, Fenced, KafkaUnavailable, and what Kafka and ClickHouse raise."""
    settings, kafka = load(RefreshSettings, environ), load(KafkaSettings, environ)
    control = ControlReader(kafka)
    control.start()
    lock = RefreshLock(kafka, settings)
    refresher = Refresher(environ, now_ms)
    try:
        if not control.wait_current(wait_s):
            raise KafkaUnavailable(
                f"the control topic at {kafka.bootstrap_servers} cannot be read to its end"
            )
        _await(lock, wait_s)
        return refresher.refresh(control.state, is_full=is_full)
    finally:
        refresher.close()
        lock.close()
        control.stop()


def check_now(environ: Mapping[str, str], now_ms: int) -> Checked:
    """Beside whoever refreshes. Raises Moved, KafkaUnavailable, and what ClickHouse raises."""
    settings = load(ClickHouseSettings, environ)
    kafka = load(KafkaSettings, environ)
    state = read_control(kafka, kafka.answer_timeout_s)
    client = connect(settings, timeout_s=load(RefreshSettings, environ).query_timeout_s)
    try:
        tables = RefreshTables(client, settings.database)
        return check(
            tables, defined_by(state.segments, load(SegmentSettings, environ).zone), now_ms % ATTEMPTS
        )
    finally:
        client.close()


def _await(lock: RefreshLock, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not lock.poll(POLL_S):
        if time.monotonic() > deadline:
            raise NotAlone(
                "another process refreshes segments (`stitchline segments`, or `up`): it does so on schedule; "
                "`--status` shows what it found"
            )


def _fail() -> NoReturn:
    raise SystemExit(EXIT_FAILED)
