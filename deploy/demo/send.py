"""Sends the made traffic by all its clients at once, each in its own shuffled order. Says which client sent how much, and what
stood in for a client that this machine cannot run.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from deploy.demo.browser import NoBrowser, by_browser
from deploy.demo.javascript import NoJavaScript
from deploy.demo.libraries import Door, by_rudder_python, by_segment_node, by_segment_python
from deploy.demo.plan import BROWSER, NODE, PIXEL, RUDDER, SEGMENT, Sending, Traffic
from deploy.demo.wire import Clock, bad_events, by_pixel


class Sent(msgspec.Struct, frozen=True):
    """`note` says why another client was used than the one that was meant."""

    client: str
    events: int
    note: str = ""


async def send(traffic: Traffic, door: Door, clock: Clock) -> list[Sent]:
    """Returns when every event was answered 200. Raises NotAccepted."""
    return list(
        await asyncio.gather(
            _by_browser(traffic.sent_by(BROWSER), door, clock),
            _by_pixel(traffic.sent_by(PIXEL), door, clock),
            _by_node(traffic.sent_by(NODE), door, clock),
            _by_rudder(traffic.sent_by(RUDDER), door),
            _by_segment(traffic.sent_by(SEGMENT), door),
            _bad(traffic.refused, door),
        )
    )


async def _by_pixel(sendings: Sequence[Sending], door: Door, clock: Clock) -> Sent:
    await by_pixel(sendings, door, clock)
    return Sent("the pixel's wire format", len(sendings))


async def _by_node(sendings: Sequence[Sending], door: Door, clock: Clock) -> Sent:
    try:
        await by_segment_node([sending.call for sending in sendings], door)
        return Sent("@segment/analytics-node", len(sendings))
    except NoJavaScript as missing:
        await by_pixel(sendings, door, clock)
        return Sent("the HTTP API", len(sendings), f"in place of @segment/analytics-node: {missing}")


async def _by_rudder(sendings: Sequence[Sending], door: Door) -> Sent:
    await asyncio.to_thread(by_rudder_python, [sending.call for sending in sendings], door)
    return Sent("rudder-sdk-python", len(sendings))


async def _by_segment(sendings: Sequence[Sending], door: Door) -> Sent:
    await asyncio.to_thread(by_segment_python, [sending.call for sending in sendings], door)
    return Sent("segment-analytics-python", len(sendings))


async def _bad(events: Sequence[dict[str, object]], door: Door) -> Sent:
    await bad_events(events, door)
    return Sent("a broken program", len(events))


async def _by_browser(sendings: Sequence[Sending], door: Door, clock: Clock) -> Sent:
    try:
        await by_browser([sending.call for sending in sendings], door)
        return Sent("the pixel, in Chromium", len(sendings))
    except (NoBrowser, NoJavaScript) as missing:
        await by_pixel(sendings, door, clock)
        return Sent("the pixel's wire format", len(sendings), f"in place of a browser: {missing}")
