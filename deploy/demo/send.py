"""Sends the made traffic: through segment-analytics-python as it is, and as plain HTTP in the two forms that clients use."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import aiohttp
import msgspec
from segment.analytics.client import Client

from deploy.demo.traffic import Call, Sending, Traffic

BATCH = 10


class NotAccepted(Exception):
    """The collector answered something else than 200 to an event that it had to accept."""


async def send(traffic: Traffic, collector: str, write_key: str) -> None:
    """Returns when every event was answered 200. Raises NotAccepted."""
    by_sdk = [sending.call for sending in traffic.sendings if sending.by == "sdk"]
    by_http = [sending for sending in traffic.sendings if sending.by == "http"]
    await asyncio.gather(
        asyncio.to_thread(send_by_sdk, by_sdk, collector, write_key),
        send_by_http(by_http, traffic.refused, collector, write_key),
    )


def send_by_sdk(calls: Sequence[Call], collector: str, write_key: str) -> None:
    """The client batches by itself, in a thread of its own; `flush` waits for it."""
    errors: list[str] = []
    client = Client(
        write_key,
        host=collector,
        on_error=lambda error, _items: errors.append(str(error)),
        max_queue_size=100_000,
    )
    for call in calls:
        getattr(client, call.type)(**_arguments(call))
    client.flush()
    client.shutdown()
    if errors:
        raise NotAccepted(f"segment-analytics-python reports: {errors[0]}")


def _arguments(call: Call) -> dict[str, Any]:
    """The SDK's keyword arguments of one call."""
    arguments: dict[str, Any] = {
        "user_id": call.user_id or None,
        "anonymous_id": call.anonymous_id or None,
        "message_id": call.message_id,
        "timestamp": datetime.fromisoformat(call.timestamp),
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


async def send_by_http(
    sendings: Sequence[Sending], refused: Sequence[dict[str, object]], collector: str, write_key: str
) -> None:
    """The first half one by one to `/v1/<type>`, the rest in batches; the last batch has the events that will be refused."""
    half = len(sendings) // 2
    batches = [list(sendings[at : at + BATCH]) for at in range(half, len(sendings), BATCH)]
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(write_key), base_url=collector) as session:
        await asyncio.gather(*(_post(session, f"/v1/{one.call.type}", one.call) for one in sendings[:half]))
        await asyncio.gather(
            *(_post(session, "/v1/batch", {"batch": [one.call for one in batch]}) for batch in batches)
        )
        await _post(session, "/v1/batch", {"batch": list(refused)})


async def _post(session: aiohttp.ClientSession, path: str, body: object) -> None:
    async with session.post(
        path, data=msgspec.json.encode(body), headers={"Content-Type": "application/json"}
    ) as reply:
        if reply.status != 200:
            raise NotAccepted(f"POST {path} was answered {reply.status}: {await reply.text()}")
