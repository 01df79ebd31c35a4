"""A stream worker's life in a process: start, say when it is ready, stop in order, and never go on after a bug.

Whoever runs the group does so in our own event loop: Faust as a service, not under `faust worker`, which would bring its own
logging, signals and exit codes.
"""

import asyncio
import signal
from collections.abc import Mapping

import structlog

from runtime.ending import die, leave
from runtime.parent import end_with_parent
from runtime.streams.delivery import Delivery
from runtime.streams.group import Group

log = structlog.get_logger()

LEAVE_S = 5.0
READY_POLL_S = 0.05


async def serve(group: Group, delivery: Delivery, environ: Mapping[str, str], stop_timeout_s: float) -> None:
    """Until SIGTERM, SIGINT or the parent's end. Does not return when the group breaks."""
    stop = _stop_signal(environ)
    life = asyncio.create_task(group.run())
    announcing = asyncio.create_task(_announce(delivery))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({life, stopping}, return_when=asyncio.FIRST_COMPLETED)
    announcing.cancel()
    if life.done():
        die(life.exception() or RuntimeError("the group stopped by itself"))
    log.info("stopping")
    life.cancel()
    try:
        async with asyncio.timeout(stop_timeout_s):
            await delivery.stop()
    except TimeoutError as error:
        die(error)
    await _leave(group)
    log.info("stopped")


async def _leave(group: Group) -> None:
    """Every Part is closed, so only the group is still to be left; with Kafka away that may take for ever."""
    leaving = asyncio.create_task(group.leave())
    done, _ = await asyncio.wait({leaving}, timeout=LEAVE_S)
    if not done:
        log.warning("stopped without leaving the group")
        leave(0)
    elif not leaving.cancelled() and (error := leaving.exception()):
        log.error("stopped, but the group was not left in order", exc_info=error)


async def _announce(delivery: Delivery) -> None:
    # Polled: readiness is the sum of what many tasks and threads do.
    while not delivery.is_ready:  # noqa: ASYNC110
        await asyncio.sleep(READY_POLL_S)
    log.info("ready")


def _stop_signal(environ: Mapping[str, str]) -> asyncio.Event:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ended() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)

    end_with_parent(environ, ended)
    return stop
