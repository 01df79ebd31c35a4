"""`stitchline up`: start the stack, print its addresses, stay until told to stop.

A terminal shows sentences; what is for tools and for later goes to `logs/up.log` in the data folder.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from deploy.stack.folder import DataFolder
from deploy.stack.stack import Addresses, Ports, Stack
from deploy.stack.supervisor import rotate
from deploy.stack.welcome import welcome
from runtime import logs
from runtime.environment.settings import ClickHouseSettings, load


async def run(data: Path, wanted: Ports, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Returns after SIGINT or SIGTERM, when every child has stopped."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    folder = DataFolder(data)
    stack = Stack(folder, wanted, environ, say)
    starting = asyncio.create_task(_start(folder, stack, say))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            addresses = starting.result()
            sys.stdout.write(msgspec.json.encode(addresses).decode() + "\n")
            sys.stdout.flush()
            for line in welcome(addresses, Path.cwd(), load(ClickHouseSettings, environ).database):
                say(line)
            await stopped
    finally:
        starting.cancel()
        await asyncio.wait([starting])
        await stack.stop()


async def _start(folder: DataFolder, stack: Stack, say: Callable[[str], None]) -> Addresses:
    await folder.acquire(say)
    _log_into(folder.path("logs", "up.log"))
    return await stack.start()


def _log_into(path: Path) -> None:
    """Not before the folder is ours."""
    rotate(path)
    logs.configure("up", out=path.open("a", buffering=1))
