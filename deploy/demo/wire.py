"""Plain HTTP: what a page's pixel sends, as it sends it, and the bad events that some program always sends.

The pixel's request is a small batch as text/plain without headers of ours (so that browsers ask no leave for it), the key in
the body, and `sentAt` by the visitor's own clock, right or wrong.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import aiohttp
import msgspec

from deploy.demo.libraries import Door, NotAccepted
from deploy.demo.plan import Sending

AT_ONCE_MAX = 32
ANSWER_S_MAX = 60
TRIES_MAX = 20
AGAIN_S = 1.0
TEMPORARY = (429, 503)
LIBRARY = {"name": "stitchline-pixel", "version": "0.1.0"}

Clock = Callable[[], datetime]


async def by_pixel(sendings: Sequence[Sending], door: Door, clock: Clock) -> None:
    """One request an event, as on pages where little happens. Raises NotAccepted."""
    turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(sending: Sending, session: aiohttp.ClientSession) -> None:
        async with turn:
            await _post(session, lambda: _body(sending, door, clock()))

    async with _session(door) as session:
        await asyncio.gather(*(one(sending, session) for sending in sendings))


async def bad_events(events: Sequence[dict[str, object]], door: Door) -> None:
    """One batch: it is accepted, and each event becomes a dead letter."""
    async with _session(door) as session:
        await _post(session, lambda: msgspec.json.encode({"batch": events, "writeKey": door.write_key}))


def _body(sending: Sending, door: Door, now: datetime) -> bytes:
    ahead = timedelta(seconds=sending.clock_ahead_s)
    call = msgspec.structs.replace(
        sending.call,
        timestamp=(sending.call.happened + ahead).isoformat(timespec="milliseconds"),
        context={**sending.call.context, "library": LIBRARY},
    )
    sent_at = (now + ahead).isoformat(timespec="milliseconds")
    return msgspec.json.encode({"batch": [call], "writeKey": door.write_key, "sentAt": sent_at})


def _session(door: Door) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
    return aiohttp.ClientSession(base_url=door.collector, timeout=timeout)


async def _post(session: aiohttp.ClientSession, body: Callable[[], bytes]) -> None:
    """What is temporary is tried again, as every client does; `body` is stamped anew each time."""
    for left in reversed(range(TRIES_MAX)):
        async with session.post("/v1/batch", data=body(), headers={"Content-Type": "text/plain"}) as reply:
            if reply.status == 200:
                return
            if reply.status not in TEMPORARY or not left:
                raise NotAccepted(f"POST /v1/batch was answered {reply.status}: {await reply.text()}")
        await asyncio.sleep(AGAIN_S)
