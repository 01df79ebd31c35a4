"""The collector's process: settings in, a served application, an orderly end. `run` is what the command line calls.

One worker is one process with everything in it. More workers are more such processes on one port, each tied to this one
(workers.py).
"""

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import structlog
import uvloop

from collector.app import App, Browsers
from collector.forwarded import Proxies
from collector.holding import Control
from collector.http.listener import Listener
from collector.optout import OptOut
from collector.pages import Pages
from collector.pixel_script import Pixel
from collector.publisher import Publisher
from collector.routes import routes
from collector.salts import SaltReader
from collector.script import FILE, PARTS
from collector.siblings import meeting_siblings
from collector.visitor import CookieRules
from collector.webhooks.webhook_book import WebhookBook
from collector.workers import SHARES_PORT, refuse_taken_port, run_workers
from runtime import logs
from runtime.control import ControlReader
from runtime.environment.browser_settings import BrowserSettings
from runtime.environment.settings import CollectorSettings, KafkaSettings, SettingsError, load
from runtime.parent import end_with_parent
from runtime.secrets import Secrets

log = structlog.get_logger()

# Requests leave no cycles behind, so the search for them is put off until there would be many.
GARBAGE_OBJECTS_MIN = 50_000
CUT_OFF_S = 0.5  # what connections have at a stop when the requests took all of its time: their last answers are on the way
LETTER_OVERHEAD = 8_192  # what a dead letter has besides payload and message id


def run(environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM, SIGINT or the parent's end; the process's exit code. Raises SettingsError."""
    logs.configure("collector")
    kafka, settings = load(KafkaSettings, environ), load(CollectorSettings, environ)
    check(settings)
    if settings.workers > 1:
        return run_workers(environ, settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(kafka, settings, environ))


def check(settings: CollectorSettings) -> None:
    """Raises SettingsError when a whole refused body would not fit into one Kafka message, and for proxies that are none."""
    needed = settings.body_bytes_max + settings.event_bytes_max + LETTER_OVERHEAD
    if settings.pack_bytes_max < needed:
        raise SettingsError(
            f"COLLECTOR_PACK_BYTES_MAX is {settings.pack_bytes_max}, and must be at least {needed}: "
            "COLLECTOR_BODY_BYTES_MAX + COLLECTOR_EVENT_BYTES_MAX, and some room"
        )
    try:
        Proxies(settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(
            f"COLLECTOR_TRUSTED_PROXIES: {error}; give their number, or networks such as 10.0.0.0/8,2001:db8::/32"
        ) from None


async def serve(kafka: KafkaSettings, settings: CollectorSettings, environ: Mapping[str, str]) -> int:
    browsers = load(BrowserSettings, environ)
    refuse_taken_port(settings.host, settings.port, environ)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    end_with_parent(environ, partial(_wake, loop, stop))
    async with (
        collaborators(kafka, settings) as (publisher, control, salts),
        meeting_siblings(environ) as exposition,
    ):
        snapshot_loaded = bool(control.state.documents)
        pages = Pages(
            lambda: missing(publisher.problem, control, snapshot_loaded) + without_salt(salts),
            exposition,
            kafka.topic_prefix,
        )
        pixel = Pixel(
            FILE.read_bytes(), PARTS.read_bytes(), browsers.pixel_age_s, browsers.pixel_config_age_s
        )
        cookies = CookieRules(
            name=browsers.cookie_name,
            days=browsers.cookie_days,
            secure=browsers.cookie_secure,
            optout_name=browsers.optout_cookie,
        )
        webhooks = WebhookBook(Secrets(environ, time.monotonic))
        table = routes(pixel, OptOut(cookies).tell, pages, webhooks.accept)
        app = App(settings, publisher, control, table, Browsers(cookies, salts.of))
        gc.freeze()  # what is there now stays to the end: nobody needs to look through it again
        gc.set_threshold(GARBAGE_OBJECTS_MIN)
        listener = Listener(
            app.reception,
            connections_max=settings.connections_max,
            head_bytes_max=settings.head_bytes_max,
            head_timeout_s=settings.head_timeout_s,
            body_timeout_s=settings.body_timeout_s,
        )
        listener.open(settings.host, settings.port, shares_port=environ.get(SHARES_PORT) == "1")
        log.info("listening", host=settings.host, port=settings.port)
        await _until_stopped(listener, app, publisher, stop, settings.stop_timeout_s)
        return 1 if publisher.fatal.is_set() else 0


@contextlib.asynccontextmanager
async def collaborators(
    kafka: KafkaSettings, settings: CollectorSettings
) -> AsyncIterator[tuple[Publisher, ControlReader, SaltReader]]:
    """Started, and at the end stopped: the publisher last, when nothing can reach it any more."""
    snapshot = Path(settings.control_snapshot) if settings.control_snapshot else None
    publisher, control, salts = (
        Publisher(kafka, settings),
        ControlReader(kafka, snapshot),
        SaltReader(kafka),
    )
    publisher.start()
    control.start()
    salts.start()
    try:
        yield publisher, control, salts
    finally:
        await asyncio.to_thread(control.stop)
        await asyncio.to_thread(salts.stop)
        await publisher.close(settings.stop_timeout_s)


def missing(kafka_problem: str, control: Control, snapshot_loaded: bool) -> list[str]:
    """What keeps the collector from being ready, in words."""
    found = [kafka_problem] if kafka_problem else []
    if control.problem:
        found.append(control.problem)
    elif not (control.is_current or snapshot_loaded):
        found.append("the control topic has not been read to its end, and there is no snapshot of it")
    return found


def without_salt(salts: SaltReader) -> list[str]:
    """The same of the salt that visitors without cookies need, which every collector makes or finds when it starts."""
    if salts.problem or salts.is_ready:
        return [salts.problem] if salts.problem else []
    return ["today's salt of visitors without cookies is not known: is there a topic visitors.salts?"]


async def _until_stopped(
    listener: Listener, app: App, publisher: Publisher, stop: asyncio.Event, timeout_s: float
) -> None:
    loop = asyncio.get_running_loop()
    ends = [loop.create_task(stop.wait()), loop.create_task(publisher.fatal.wait())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in ends:
        task.cancel()
    log.info("stopping", requests=app.busy)
    ends_s = loop.time() + timeout_s
    listener.stop()
    await app.drain(timeout_s)
    listener.end_bodies()
    # Who sends slowly, or never reads, would hold it up as long as they like.
    if not await listener.ended(max(ends_s - loop.time(), CUT_OFF_S)):
        log.warning("connections were cut off", requests=app.busy)
    log.info("stopped")


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)
