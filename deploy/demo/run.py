"""`stitchline demo`: start, send, wait, show, stop. Always on engines of its own, so that every number is this traffic's."""

import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from deploy.demo.report import Outcome, Taken, examine, lines, taken
from deploy.demo.send import send
from deploy.demo.traffic import Traffic, make_traffic
from deploy.folder import DataFolder, FolderInUse
from deploy.stack import Addresses, Ports, Stack
from runtime import logs
from runtime.settings import ClickHouseSettings, load
from sinks.clickhouse import connect

SETTLE_S_MAX = 60.0
POLL_S = 0.25
ANY_PORTS = Ports(collector=0, kafka=0, clickhouse=0)
STOPPED = 130  # the exit code of a program that was interrupted
OTHERS = ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL", "STITCHLINE_TOPIC_PREFIX", "STITCHLINE_DATABASE")

Say = Callable[[str], None]


async def run(data: Path | None, traffic: Traffic, environ: Mapping[str, str], say: Say) -> int:
    """The exit code: 0 when every number is right. Progress goes to `say`, the report to standard output.

    Raises FolderInUse when a folder is given that is not new, and what Stack.start and send raise.
    """
    logs.configure("demo", logging.WARNING)
    own = {name: value for name, value in environ.items() if name not in OTHERS}
    shown = asyncio.create_task(_run(data, traffic, own, say))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop_once, stopping, shown)
    try:
        return await shown
    except asyncio.CancelledError:
        say("stopped before the end")
        return STOPPED


async def _run(data: Path | None, traffic: Traffic, environ: Mapping[str, str], say: Say) -> int:
    if data is not None and await asyncio.to_thread(_is_used, data):
        raise FolderInUse(
            f"{data} is not empty, and the demonstration needs a new folder (--data DIR, or none)"
        )
    with tempfile.TemporaryDirectory(prefix="stitchline-demo-") as temporary:
        stack = Stack(DataFolder(data or Path(temporary)), ANY_PORTS, environ, say)
        started = time.monotonic()
        try:
            addresses = await stack.start()
            say(f"ready after {time.monotonic() - started:.1f} s: {addresses.collector} takes events")
            return await _show(addresses, traffic, environ, say)
        finally:
            await stack.stop()


async def _show(addresses: Addresses, traffic: Traffic, environ: Mapping[str, str], say: Say) -> int:
    say(
        f"sending {traffic.accepted} events of {len(traffic.people)} visitors, shuffled, {traffic.duplicates} of them twice"
    )
    started = time.monotonic()
    await send(traffic, addresses.collector, addresses.write_key)
    at_the_door = await _taken(addresses.collector)
    outcome = await asyncio.to_thread(_settled, addresses, traffic, at_the_door, environ)
    say(f"sent, resolved and stored in {time.monotonic() - started:.1f} s")
    verdict = "every number is right" if outcome.is_right else "SOME NUMBERS ARE WRONG"
    sys.stdout.write("\n".join([*lines(outcome, traffic), verdict, ""]))
    sys.stdout.flush()
    return 0 if outcome.is_right else 1


async def _taken(collector: str) -> Taken:
    """The collector's own count, which no other number here is made from."""
    async with aiohttp.ClientSession() as session, session.get(f"{collector}/metrics") as reply:
        return taken(await reply.text())


def _settled(
    addresses: Addresses, traffic: Traffic, at_the_door: Taken, environ: Mapping[str, str]
) -> Outcome:
    """Ask until every number is right, or time is up: what is wrong then is wrong."""
    client = connect(load(ClickHouseSettings, {**environ, "CLICKHOUSE_URL": addresses.clickhouse}))
    end = time.monotonic() + SETTLE_S_MAX
    while True:
        outcome = examine(client, traffic, at_the_door)
        if outcome.is_right or time.monotonic() > end:
            return outcome
        time.sleep(POLL_S)


def _stop_once(stopping: asyncio.Event, shown: asyncio.Task[int]) -> None:
    """A second signal must not cut the orderly end short."""
    if not stopping.is_set():
        stopping.set()
        shown.cancel()


def _is_used(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def traffic_of(visitors: int, seed: int) -> Traffic:
    """The traffic of today; the root's clock is here."""
    return make_traffic(visitors, seed, datetime.now(UTC))
