"""`stitchline demo`: start, send, wait, show, stop."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.report import Outcome, examine, lines
from deploy.demo.send import send
from deploy.demo.traffic import Traffic, make_traffic
from deploy.folder import DataFolder
from deploy.stack import Addresses, Ports, Stack
from runtime import logs
from runtime.settings import ClickHouseSettings, load
from sinks.clickhouse import connect

SETTLE_S_MAX = 60.0
POLL_S = 0.25
ANY_PORTS = Ports(collector=0, kafka=0, clickhouse=0)

Say = Callable[[str], None]


async def run(data: Path | None, visitors: int, seed: int, environ: Mapping[str, str], say: Say) -> int:
    """The exit code: 0 when every number is right. A given folder must be new, as the numbers are those of this traffic alone."""
    logs.configure("demo", logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="stitchline-demo-") as temporary:
        stack = Stack(DataFolder(data or Path(temporary)), ANY_PORTS, environ, say)
        started = time.monotonic()
        try:
            addresses = await stack.start()
            say(f"ready after {time.monotonic() - started:.1f} s: {addresses.collector} takes events")
            return await _show(addresses, make_traffic(visitors, seed, datetime.now(UTC)), environ, say)
        finally:
            await stack.stop()


async def _show(addresses: Addresses, traffic: Traffic, environ: Mapping[str, str], say: Say) -> int:
    say(
        f"sending {traffic.accepted} events of {len(traffic.people)} visitors: shuffled, {traffic.duplicates} of them twice"
    )
    started = time.monotonic()
    await send(traffic, addresses.collector, addresses.write_key)
    outcome = await asyncio.to_thread(_settled, addresses, traffic, environ)
    say(f"sent, resolved and stored in {time.monotonic() - started:.1f} s")
    for line in lines(outcome, traffic):
        say(line)
    say("every number is right" if outcome.is_right else "SOME NUMBERS ARE WRONG")
    return 0 if outcome.is_right else 1


def _settled(addresses: Addresses, traffic: Traffic, environ: Mapping[str, str]) -> Outcome:
    """Ask until every number is right, or time is up: what is wrong then is wrong."""
    client = connect(load(ClickHouseSettings, {**environ, "CLICKHOUSE_URL": addresses.clickhouse}))
    end = time.monotonic() + SETTLE_S_MAX
    while True:
        outcome = examine(client, traffic)
        if outcome.is_right or time.monotonic() > end:
            return outcome
        time.sleep(POLL_S)
