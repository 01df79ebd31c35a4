"""`stitchline up`: start the stack, print its addresses, stay until told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from deploy.folder import DataFolder
from deploy.stack import Ports, Stack
from deploy.welcome import welcome
from runtime import logs


async def run(data: Path, wanted: Ports, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Returns after SIGINT or SIGTERM, when every child has stopped."""
    logs.configure("up")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stack = Stack(DataFolder(data), wanted, environ, say)
    starting = asyncio.create_task(stack.start())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            addresses = starting.result()
            sys.stdout.write(msgspec.json.encode(addresses).decode() + "\n")
            sys.stdout.flush()
            for line in welcome(addresses, Path.cwd()):
                say(line)
            await stopped
    finally:
        starting.cancel()
        await asyncio.wait([starting])
        await stack.stop()
