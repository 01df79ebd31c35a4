"""The sinks' process: one thread, one consumer group and one connection per sink. Composition root.

A sink that fails for good takes the process down (exit status 70) with a log line that says why; whoever supervises it starts it
again, and it goes on where the commits say.
"""

import signal
import threading
import time
from collections.abc import Mapping, Sequence

import structlog
from prometheus_client import start_http_server

from runtime import logs
from runtime.parent import end_with_parent
from runtime.settings import ClickHouseSettings, KafkaSettings, SinkSettings, load
from sinks.batch import Limits
from sinks.clickhouse import ClickHouse
from sinks.consumer import SinkConsumer
from sinks.delivery import Delivery
from sinks.loop import Lanes, Loop
from sinks.reload import ReloadTimer
from sinks.tables import SINKS, Sink

__all__ = ["SINKS", "run"]

log = structlog.get_logger()

HOST = "127.0.0.1"
EXIT_FAILED = 70
STOP_S_MAX = 20.0
WATCH_S = 0.2


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
        self.has_failed = False

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:  # a root: nothing above would see it
            self.has_failed = True
            log.exception("sink failed", sink=self._sink.name, error=str(error))
        finally:
            self._stop_event.set()

    def _run(self) -> None:
        sink, settings = self._sink, self._settings
        clickhouse = ClickHouse(self._clickhouse, timeout_s=settings.insert_timeout_s)
        lanes = Lanes(sink.topic.full_name(self._kafka.topic_prefix), sink.schema_ids, _limits(settings))
        consumer = SinkConsumer(sink, self._kafka, settings, lanes)
        delivery = Delivery(clickhouse, sink.table, settings.refused_records_max)
        loop = Loop(sink.name, consumer, lanes, delivery, retry_s_max=settings.retry_s_max)
        if sink.dictionaries:
            loop.reload_after_inserts(
                lambda: clickhouse.reload(sink.dictionaries), ReloadTimer(settings.reload_ms_min / 1000)
            )
        try:
            loop.run(self._stop_event)
        finally:
            consumer.close()
            clickhouse.close()


def run(names: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run these sinks until SIGTERM, SIGINT or the end of the parent. Raises UnknownSink; SystemExit(70) when one failed."""
    logs.configure("sink")
    chosen = [_sink(name) for name in dict.fromkeys(names)]
    stop = threading.Event()
    threads = [SinkThread(sink, environ, stop) for sink in chosen]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_with_parent(environ, stop.set)
    for thread in threads:
        thread.start()
    _serve_metrics(load(SinkSettings, environ).metrics_port)
    log.info("sinks run", sinks=[sink.name for sink in chosen])
    while not stop.wait(WATCH_S):
        pass
    _join(threads)
    log.info("sinks ended", sinks=[sink.name for sink in chosen])
    if any(thread.has_failed for thread in threads):
        raise SystemExit(EXIT_FAILED)


def _join(threads: Sequence[SinkThread]) -> None:
    deadline = time.monotonic() + STOP_S_MAX
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("sink did not end in time; its last block will be repeated", sink=thread.name)


def _serve_metrics(port: int) -> None:
    if port:
        start_http_server(port, addr=HOST)


def _limits(settings: SinkSettings) -> Limits:
    return Limits(
        rows_max=settings.block_rows_max,
        bytes_max=settings.block_bytes_max,
        age_s_max=settings.block_age_ms_max / 1000,
    )


def _sink(name: str) -> Sink:
    if name not in SINKS:
        raise UnknownSink(f"no sink is named {name!r}; there are {', '.join(SINKS)}")
    return SINKS[name]
