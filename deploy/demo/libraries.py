"""Sends calls through three client libraries as they are: Segment's for Python and for Node, and RudderStack's for Python.

Each batches and retries by itself. Deliberately absent: anything that a shop would not write around its client.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from deploy.demo.call import Call
from deploy.demo.javascript import node

DRIVER = Path(__file__).with_name("segment_node.mjs")
NODE_S_MAX = 240
END_S_MAX = 10
QUEUE_MAX = 100_000


class NotAccepted(Exception):
    """A client reports that the collector did not take an event that it had to accept."""


class Door(msgspec.Struct, frozen=True):
    """Where events are sent to, and under which source's key."""

    collector: str
    write_key: str


def by_segment_python(calls: Sequence[Call], door: Door) -> None:
    _by_python("segment-analytics-python", SegmentClient, calls, door)


def by_rudder_python(calls: Sequence[Call], door: Door) -> None:
    """Its bodies are gzipped, and it puts traits into the context."""
    _by_python("rudder-sdk-python", RudderClient, calls, door)


def _by_python(name: str, library: Callable[..., Any], calls: Sequence[Call], door: Door) -> None:
    """The client sends in a thread of its own; `flush` waits for it."""
    errors: list[str] = []
    client = library(
        door.write_key,
        host=door.collector,
        on_error=lambda error, _items: errors.append(str(error)),
        max_queue_size=QUEUE_MAX,
    )
    for call in calls:
        getattr(client, call.type)(**_arguments(call))
    client.flush()
    client.shutdown()
    if errors:
        raise NotAccepted(f"{name} reports: {errors[0]}")


def _arguments(call: Call) -> dict[str, Any]:
    """The keyword arguments that both libraries have. A copy of each object, since they write into it."""
    arguments: dict[str, Any] = {
        "user_id": call.user_id or None,
        "anonymous_id": call.anonymous_id or None,
        "message_id": call.message_id,
        "timestamp": call.happened,
        "context": dict(call.context),
    }
    match call.type:
        case "track":
            arguments |= {"event": call.event, "properties": dict(call.properties)}
        case "page":
            arguments |= {"name": call.name, "properties": dict(call.properties)}
        case "identify":
            arguments |= {"traits": dict(call.traits)}
    return arguments


async def by_segment_node(calls: Sequence[Call], door: Door) -> None:
    """In a process of Node's. Raises NoJavaScript or NotAccepted."""
    lines = [
        msgspec.json.encode(item) for item in ({"host": door.collector, "writeKey": door.write_key}, *calls)
    ]
    answer = await run_node(DRIVER, b"\n".join(lines))
    if answer != b"ok":
        raise NotAccepted(f"@segment/analytics-node reports: {answer.decode()}")


async def run_node(program: Path, text: bytes, *arguments: str, patience_s: float = NODE_S_MAX) -> bytes:
    """What the program writes when it is given `text`. Raises NoJavaScript, and NotAccepted when it fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *(str(node()), str(program), *arguments),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        told, wrong = await asyncio.wait_for(process.communicate(text), patience_s)
    except TimeoutError as error:
        raise NotAccepted(f"{program.name} did not end within {patience_s} s") from error
    finally:
        await _end(process)
    if process.returncode:
        raise NotAccepted(f"{program.name} failed: {wrong.decode(errors='replace').strip()[-500:]}")
    return told.strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asked first, so that it can end what it started itself."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), END_S_MAX)
        except TimeoutError:
            process.kill()
            await process.wait()
