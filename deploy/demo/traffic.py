"""Made traffic of a small shop over two weeks: who does what, by which client each event is sent, what is sent twice, and in
which order. Pure: the same seed and `now` give the same traffic. What must come out of it is the oracle's business.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from deploy.demo.call import Call
from deploy.demo.plan import BROWSER, NODE, PIXEL, RUDDER, SEGMENT, Sending, Traffic
from deploy.demo.story import Story, new_id
from deploy.demo.visitors import KINDS, Kind, shown

TWICE_SHARE = 0.1  # of all events: sent again by their client, as after an answer that got lost
BROWSER_VISITORS = 4  # whose visits are made again in a real browser, where there is one
CLOCK_AHEAD_S = 26 * 3600  # of one visitor's computer


def make_traffic(visitors: int, seed: int, now: datetime) -> Traffic:
    """Over the fourteen days before `now` (aware). The first visitor is the one whose journey is shown."""
    chance = Random(seed)  # noqa: S311 - made traffic, no secret
    told = [_kind(number, chance)(Story(chance, number, now)) for number in range(visitors)]
    browsing = [calls for calls in told[1:] if _is_for_a_browser(calls)]
    in_browser = {call.message_id for calls in browsing[:BROWSER_VISITORS] for call in calls}
    wrong_clock = {
        call.message_id for calls in browsing[BROWSER_VISITORS : BROWSER_VISITORS + 1] for call in calls
    }
    calls = [call for calls in told for call in calls]
    sendings = []
    for call in calls:
        is_live = call.message_id in in_browser
        ahead = CLOCK_AHEAD_S if call.message_id in wrong_clock else 0
        sending = Sending(BROWSER if is_live else PIXEL if ahead else client_of(call), call, ahead)
        sendings += [sending] * (2 if chance.random() < TWICE_SHARE and not is_live else 1)
    chance.shuffle(sendings)
    return Traffic(
        calls=calls,
        sendings=sendings,
        refused=refused_events(chance),
        visitors=visitors,
        shown_user=shown_user(told[0]),
    )


def client_of(call: Call) -> str:
    """By the system of the shop that would know of it: orders, accounts, the app; all else is the pixel's."""
    if not call.anonymous_id:
        return SEGMENT
    if call.type == "identify":
        return RUDDER
    return NODE if "iPhone" in str(call.context.get("userAgent")) else PIXEL


def refused_events(chance: Random) -> list[dict[str, object]]:
    """Nobody's event, types that the spec does not have, an id that is an object, an event that is too large."""
    return [
        {"type": "track", "event": "Nobody's Event", "messageId": new_id(chance)},
        {"type": "track", "event": "Nobody's Event", "messageId": new_id(chance)},
        {"type": "dance", "anonymousId": "a-dancer", "messageId": new_id(chance)},
        {"event": "No Type", "anonymousId": "a-dancer", "messageId": new_id(chance)},
        {"type": "track", "event": "Odd", "userId": {"id": 7}, "messageId": new_id(chance)},
        {
            "type": "track",
            "event": "Big",
            "userId": "u",
            "properties": {"text": "x" * 40_000},
            "messageId": new_id(chance),
        },
    ]


def _kind(number: int, chance: Random) -> Kind:
    return chance.choice(KINDS) if number else shown


def shown_user(calls: Sequence[Call]) -> str:
    return next(call.user_id for call in calls if call.user_id)


def _is_for_a_browser(calls: Sequence[Call]) -> bool:
    """One computer, known in the end, whose every event a page could send."""
    devices = {call.anonymous_id for call in calls}
    on_desktop = all("Windows" in str(call.context.get("userAgent")) for call in calls)
    return len(devices) == 1 and on_desktop and any(call.type == "identify" for call in calls)
