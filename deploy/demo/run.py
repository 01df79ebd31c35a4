"""`stitchline demo`: start, send, wait, show, stop. Always on engines of its own, so that every number is this traffic's."""

import asyncio
import logging
import signal
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import aiohttp
import msgspec
from clickhouse_connect.driver.client import Client

from deploy.demo import example, journeys
from deploy.demo.examine import AtTheDoor, Outcome, at_the_door, conservation, examine
from deploy.demo.libraries import Door
from deploy.demo.oracle import Expected, expect
from deploy.demo.plan import Traffic
from deploy.demo.report import RIGHT, WRONG, Pace, pace_line, report, traffic_lines
from deploy.demo.send import send
from deploy.demo.traffic import make_traffic
from deploy.stack.folder import DataFolder, FolderInUse
from deploy.stack.stack import Addresses, Ports, Stack
from runtime import logs
from runtime.environment.settings import ClickHouseSettings, KafkaSettings, load
from sinks.storing.clickhouse import connect

SETTLE_S_MAX = 90.0
POLL_S = 0.1
ANY_PORTS = Ports(collector=0, console=0, kafka=0, clickhouse=0)
STOPPED = 130  # the exit code of a program that was interrupted
OTHERS = ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL", "STITCHLINE_TOPIC_PREFIX", "STITCHLINE_DATABASE")
# Carts of the last day would fire events of their own on a machine that takes longer, and in a folder that is kept each number is
# counted again. What the examples do besides fires for their own carts alone.
NOTHING_FIRES = {"CART_ABANDONED_AFTER_S": str(60 * 86_400)}
KEPT = "demo.json"  # in a folder that is kept: from what the traffic can be made again

Say = Callable[[str], None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the traffic is made from."""

    visitors: int
    seed: int
    now: datetime

    def traffic(self) -> Traffic:
        return make_traffic(self.visitors, self.seed, self.now)


async def run(data: Path | None, wanted: Wanted, environ: Mapping[str, str], say: Say) -> int:
    """The exit code: 0 when every number is right. Progress goes to `say`, the report to standard output.

    Raises FolderInUse when a folder is given that is not new, and what Stack.start and send raise.
    """
    logs.configure("demo", logging.WARNING)
    secret = "whsec_" + b64encode(token_bytes(24)).decode()
    firing = {**journeys.SOON, journeys.SECRET: secret} if data is None else NOTHING_FIRES
    own = {name: value for name, value in environ.items() if name not in OTHERS} | firing
    shown = asyncio.create_task(_run(data, wanted, own, say))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop_once, stopping, shown)
    try:
        return await shown
    except asyncio.CancelledError:
        say("stopped before the end")
        return STOPPED


async def _run(data: Path | None, wanted: Wanted, environ: Mapping[str, str], say: Say) -> int:
    if data is not None and await asyncio.to_thread(_is_used, data):
        raise FolderInUse(
            f"{data} is not empty, and the demonstration needs a new folder (--data DIR, or none)"
        )
    with tempfile.TemporaryDirectory(prefix="stitchline-demo-") as temporary:
        folder = DataFolder(data or Path(temporary))
        stack = Stack(folder, ANY_PORTS, environ, say)
        started = time.monotonic()
        try:
            await folder.acquire(say)
            addresses = await stack.start()
            say(f"ready after {time.monotonic() - started:.1f} s: {addresses.collector} takes events")
            await asyncio.to_thread(folder.path(KEPT).write_bytes, msgspec.json.encode(wanted))
            right = await _show(addresses, wanted, environ, say)
            # A folder that is kept has the made traffic alone, which demo.json can make again.
            return 0 if right and (data or await _examples(addresses, environ, say)) else 1
        finally:
            await stack.stop()


async def _examples(addresses: Addresses, environ: Mapping[str, str], say: Say) -> bool:
    client = connect(load(ClickHouseSettings, {**environ, "CLICKHOUSE_URL": addresses.clickhouse}))
    say("playing the example journeys")
    kafka = load(KafkaSettings, {**environ, "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka})
    door = Door(addresses.collector, addresses.write_key)
    receiver = await journeys.play(door, kafka, environ[journeys.SECRET])
    played = await asyncio.to_thread(journeys.judge, client, receiver)
    _write(journeys.lines(played))
    say("visiting the example shop in a browser")
    visited = await example.visit(addresses, environ)
    checks = [] if visited.none else await asyncio.to_thread(example.judge, client, visited)
    is_right = all(check.is_right for check in (*played, *checks))
    _write([*example.lines(visited, checks), RIGHT if is_right else WRONG])
    return is_right


def _write(lines: list[str]) -> None:
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


async def _show(addresses: Addresses, wanted: Wanted, environ: Mapping[str, str], say: Say) -> bool:
    traffic = wanted.traffic()
    expected = expect(traffic, wanted.now)
    say(f"sending {expected.accepted:,} events")
    started = time.monotonic()
    sent = await send(traffic, Door(addresses.collector, addresses.write_key), _clock)
    accepted_s = time.monotonic() - started
    door = await _at_the_door(addresses.collector)
    client = connect(load(ClickHouseSettings, {**environ, "CLICKHOUSE_URL": addresses.clickhouse}))
    await asyncio.to_thread(_arrived, client, expected)
    pace = Pace(accepted_s, time.monotonic() - started)
    outcome = await asyncio.to_thread(_settled, client, expected, traffic.shown_user, door)
    lines = [*traffic_lines(traffic, sent), pace_line(expected.accepted, pace)]
    _write([*lines, *report(outcome, expected, traffic.shown_user)])
    return outcome.is_right


async def _at_the_door(collector: str) -> AtTheDoor:
    async with aiohttp.ClientSession() as session, session.get(f"{collector}/metrics") as reply:
        return at_the_door(await reply.text())


def _arrived(client: Client, expected: Expected) -> None:
    """Until as many events as were accepted can be found somewhere, or time is up."""
    end = time.monotonic() + SETTLE_S_MAX
    while conservation(client).arrived < expected.accepted and time.monotonic() < end:
        time.sleep(POLL_S)


def _settled(client: Client, expected: Expected, person: str, door: AtTheDoor) -> Outcome:
    """Ask until every number is right, or time is up: what is wrong then is wrong."""
    end = time.monotonic() + SETTLE_S_MAX
    while True:
        outcome = examine(client, expected, person, door)
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


def _clock() -> datetime:
    return datetime.now(UTC)


def wanted_now(visitors: int, seed: int) -> Wanted:
    """The traffic of today; the root's clock is here."""
    return Wanted(visitors=visitors, seed=seed, now=_clock())
