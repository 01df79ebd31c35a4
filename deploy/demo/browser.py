"""The pixel in a real browser: some visitors' calls, made again on pages of the shop in the machine's Chromium.

The anonymous ids and message ids are the pixel's own, and the collector's cookie says which visitor a browser is: these visitors
are counted and not named.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.demo.call import Call
from deploy.demo.javascript import browser
from deploy.demo.libraries import Door, NotAccepted, run_node

DRIVER = Path(__file__).with_name("browser.mjs")
NONE_STARTED = "no browser: "


class NoBrowser(Exception):
    """Nothing was sent; the message says why."""


async def by_browser(calls: Sequence[Call], door: Door) -> None:
    """Raises NoBrowser, NoJavaScript or NotAccepted."""
    found = browser()
    if found is None:
        raise NoBrowser("no Chromium here: install one, or name it in $CHROMIUM")
    settings = {"browser": str(found), "collector": door.collector, "writeKey": door.write_key}
    lines = [msgspec.json.encode(line) for line in (settings, *visitors(calls))]
    answer = (await run_node(DRIVER, b"\n".join(lines))).decode()
    if answer.startswith(NONE_STARTED):
        raise NoBrowser(f"{found} does not start: {answer.removeprefix(NONE_STARTED)}")
    if answer != "ok":
        raise NotAccepted(f"the pixel in {found.name} reports: {answer}")


def visitors(calls: Sequence[Call]) -> list[list[Call]]:
    """Each one's calls in the order of time: a browser sends as it goes."""
    told: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.timestamp):
        told[call.anonymous_id].append(call)
    return list(told.values())
