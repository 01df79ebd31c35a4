"""The process `stitchline deliver`: makes the attempts that agent `actions` says are due. Composition root.

Not ready before control has been read to its end and the group has answered: a destination that is not known yet would fail its
attempts for good.
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Mapping

import structlog
import uvloop

from runtime import logs, metrics
from runtime.control import ControlReader
from runtime.ending import die
from runtime.environment.settings import DeliverSettings, KafkaSettings, WatchdogSettings, load
from runtime.kafka import KafkaUnavailable, require_topics
from runtime.parent import end_with_parent
from runtime.probes import Probes
from runtime.secrets import Secrets
from runtime.watch.guard import Guard, Outside
from runtime.watch.judgement import Pulse, Sight
from schemas.actions.destinations import Destination
from sinks.sending.sender import SWEEP_S, Sender
from sinks.sending.sender import Tools as SenderTools
from sinks.sending.sender_addresses import is_public
from sinks.sending.sender_channel import Channel
from sinks.sending.sender_connections import Resolver, tls_context
from sinks.sending.sender_http import HttpChannel, HttpTools
from sinks.sending.sender_kafka import KafkaChannel, Topics
from sinks.sending.sender_reader import Reader
from sinks.sending.sender_smtp import SmtpChannel

log = structlog.get_logger()

TRANSACTION_S_MAX = 900  # what a broker allows to any producer, unless it was told otherwise


class WatchedSender:
    """What the process shows to those who watch over it; nothing is expected of it once it stops."""

    def __init__(self, reader: Reader, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        self._reader = reader
        self._loop = loop
        self._limit_s = limit_s
        self.is_stopping = False

    def sights(self) -> list[Sight]:
        return self._reader.sights

    def pulses(self) -> list[Pulse]:
        return (
            [] if self.is_stopping else [Pulse("sender", self._reader.beats, self._limit_s, asks_kafka=True)]
        )

    def loops(self) -> dict[str, asyncio.AbstractEventLoop]:
        return {"event loop": self._loop}

    def unsettled(self) -> str:
        return "" if self.is_stopping or self._reader.is_assigned else "no partitions are assigned"


def run(environ: Mapping[str, str]) -> None:
    """Until SIGTERM, SIGINT or the end of the parent. Raises SettingsError, KafkaUnavailable, TopicMismatch."""
    logs.configure("deliver")
    kafka = load(KafkaSettings, environ)
    require_topics(kafka)
    control = ControlReader(kafka)
    control.start()
    if not control.wait_current(kafka.answer_timeout_s):
        raise KafkaUnavailable(f"the control topic at {kafka.bootstrap_servers} cannot be read to its end")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(control, kafka, environ))
    finally:
        control.stop()


async def _serve(control: ControlReader, kafka: KafkaSettings, environ: Mapping[str, str]) -> None:
    settings, watchdog = load(DeliverSettings, environ), load(WatchdogSettings, environ)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    _stop_on_signals(environ, loop, stop)
    resolver, topics = Resolver(), Topics(kafka)
    tools = HttpTools(
        resolver=resolver,
        may_connect=is_public,
        tls=tls_context(settings.ca_file),
        secrets=Secrets(environ, time.monotonic),
        answer_bytes_max=settings.answer_bytes_max,
    )
    sender = Sender(
        settings,
        SenderTools(
            state=lambda: control.state,
            channel=_channels(tools, topics, kafka.topic_prefix),
            answer=lambda arrival, result: reader.answer(arrival, result),
            now_ms=_now_ms,
            chance=random.SystemRandom().random,
            fail=die,
        ),
    )
    reader = Reader(kafka, settings, sender, die)
    watched = WatchedSender(reader, loop, watchdog.stall_s_max)
    guard = Guard(watched, _outside(kafka, watchdog))
    probes = Probes(
        settings.metrics_host,
        settings.metrics_port,
        lambda: control.is_current and reader.is_assigned,
        lambda: control.problem or guard.complaint(),
    )
    probes.start()
    reader.start()
    guard.start()
    log.info("the sender runs")
    while not stop.is_set():
        sender.sweep()
        await _pause(stop)
    watched.is_stopping = True
    reader.drain()
    await sender.stop(settings.stop_timeout_s)
    await reader.close()
    guard.stop()
    probes.stop()
    topics.close()
    await resolver.close()
    log.info("the sender ended")


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(SWEEP_S):
            await stop.wait()
    except TimeoutError:
        return


def _channels(tools: HttpTools, topics: Topics, prefix: str) -> Callable[[Destination], Channel]:
    def made(destination: Destination) -> Channel:
        if destination.http is not None:
            return HttpChannel(destination.http, tools)
        if destination.smtp is not None:
            return SmtpChannel(destination.smtp, tools)
        assert destination.kafka is not None, "a destination has one of the three"
        return KafkaChannel(destination.kafka, topics, prefix)

    return made


def _stop_on_signals(
    environ: Mapping[str, str], loop: asyncio.AbstractEventLoop, stop: asyncio.Event
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ended() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)

    end_with_parent(environ, ended)


def _outside(kafka: KafkaSettings, watchdog: WatchdogSettings) -> Outside:
    return Outside(
        kafka=kafka,
        settings=watchdog,
        gauges=metrics.DELIVER_LAG,
        transaction_timeout_s=TRANSACTION_S_MAX,
        now_ms=_now_ms,
        fail=die,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the root's clock
