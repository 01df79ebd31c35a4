"""The console's process: settings in, a served application, an orderly end. `run` is what the command line calls."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Mapping
from functools import partial

import msgspec
import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from console.app import Asking, Console
from console.contacts import Edge
from console.store import Store
from runtime import logs
from runtime.control import ControlReader
from runtime.environment.settings import (
    ClickHouseSettings,
    ConsoleSettings,
    ContactSettings,
    HashKey,
    KafkaSettings,
    QuestionSettings,
    load,
)
from runtime.parent import end_with_parent
from runtime.ports import refuse_taken_port

log = structlog.get_logger()

DRAIN_POLL_S = 0.02


class Engines(msgspec.Struct, frozen=True):
    """What is asked, and how."""

    kafka: KafkaSettings
    clickhouse: ClickHouseSettings
    questions: QuestionSettings
    contacts: Edge


def run(environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM, SIGINT or the parent's end; the process's exit code. Raises SettingsError, PortTaken."""
    logs.configure("console")
    settings = load(ConsoleSettings, environ)
    kafka = load(KafkaSettings, environ)
    contacts = Edge(kafka, load(ContactSettings, environ), bytes.fromhex(load(HashKey, environ).hash_key))
    engines = Engines(kafka, load(ClickHouseSettings, environ), load(QuestionSettings, environ), contacts)
    refuse_taken_port(settings.host, settings.port, "CONSOLE_PORT")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, engines, environ))
    return 0


async def _serve(settings: ConsoleSettings, engines: Engines, environ: Mapping[str, str]) -> None:
    stop = _stop_signal(environ)
    async with _collaborators(engines) as (control, store):
        console = Console(settings, Asking(engines.questions, engines.contacts), control, store)
        server = _server(console, settings)
        gc.freeze()  # what is there now stays to the end: nobody needs to look through it while somebody waits
        serving, stopping = asyncio.create_task(server.serve()), asyncio.create_task(stop.wait())
        log.info("listening", host=settings.host, port=settings.port)
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping", requests=console.busy)
        server.stop()  # type: ignore[no-untyped-call]
        await _drained(console, settings.stop_timeout_s)
        stopping.cancel()
        await serving
    log.info("stopped")


@contextlib.asynccontextmanager
async def _collaborators(engines: Engines) -> AsyncIterator[tuple[ControlReader, Store]]:
    control, store = ControlReader(engines.kafka), Store(engines.clickhouse, engines.questions)
    control.start()
    try:
        yield control, store
    finally:
        await asyncio.to_thread(control.stop)
        store.close()


def _server(console: Console, settings: ConsoleSettings) -> Server:
    return Server(
        console.application(),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=settings.head_timeout_s * 1000),
        websockets=False,
        backlog=settings.connections_max,
        backpressure=settings.connections_max,
        log_enabled=False,
    )


async def _drained(console: Console, timeout_s: float) -> None:
    """Returns when nothing is being answered, no later than told."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while console.busy:  # noqa: ASYNC110 - threads count down
                await asyncio.sleep(DRAIN_POLL_S)


def _stop_signal(environ: Mapping[str, str]) -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    end_with_parent(environ, partial(_wake, loop, stop))
    return stop


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)
