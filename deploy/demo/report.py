"""The demonstration's report as text: what was sent, what came out in SQL, and which numbers are right."""

from collections.abc import Sequence

import msgspec

from deploy.demo.examine import Check, Conservation, Outcome, Rows
from deploy.demo.oracle import Expected
from deploy.demo.plan import Traffic
from deploy.demo.send import Sent
from deploy.queries import ready

SEGMENT_SHOWN_MAX = 6
WRONG_SHOWN_MAX = 3

RIGHT = "every number is right"
WRONG = "SOME NUMBERS ARE WRONG"


class Pace(msgspec.Struct, frozen=True):
    """Seconds since the first request."""

    accepted_s: float
    queryable_s: float


def report(outcome: Outcome, expected: Expected, shown: str) -> list[str]:
    return [
        *_journey(outcome, expected, shown),
        *_segment(outcome.segment),
        *_channels(outcome),
        *_dead(outcome.dead),
        "",
        "Checked against the traffic that was made:",
        *(
            [f"  ({outcome.again:,} events were sent again by clients that had no answer in time)"]
            if outcome.again
            else []
        ),
        *(line for check in outcome.checks for line in check_lines(check)),
        "",
        _conserved(outcome.conservation),
        RIGHT if outcome.is_right else WRONG,
    ]


def _conserved(found: Conservation) -> str:
    forgotten = f" + forgotten {found.forgotten:,}" if found.forgotten else ""
    dropped = f" + dropped {found.dropped:,}" if found.dropped else ""
    withheld = f" + withheld {found.withheld:,}" if found.withheld else ""
    return (
        f"accepted {found.accepted:,} = stored {found.stored:,} + duplicates {found.duplicates:,} "
        f"+ dead letters {found.dead_letters:,}{forgotten}{dropped}{withheld}"
    )


def traffic_lines(traffic: Traffic, sent: Sequence[Sent]) -> list[str]:
    made = f"{len(traffic.calls):,} events, {len(traffic.sendings) - len(traffic.calls):,} of them sent twice"
    return [
        f"Two weeks of a small shop, {traffic.visitors} visitors, shuffled: {made}, and {len(traffic.refused)} bad ones",
        *(f"  {one.events:>6,}  by {one.client}{f'  ({one.note})' if one.note else ''}" for one in sent),
    ]


def pace_line(accepted: int, pace: Pace) -> str:
    return (
        f"accepted in {pace.accepted_s:.1f} s: {accepted / pace.accepted_s:,.0f} events/s; all of them in ClickHouse "
        f"{pace.queryable_s:.1f} s after the first request: {accepted / pace.queryable_s:,.0f} events/s"
    )


def _journey(outcome: Outcome, expected: Expected, shown: str) -> list[str]:
    text = [
        "",
        f"The journey of {shown} over two devices, and how each event is known to be theirs (journey.sql):",
    ]
    for (at, kind, what, device, _, client), known in zip(
        outcome.journey, expected.journey_known, strict=False
    ):
        text.append(f"  {at:%m-%d %H:%M}  {kind:<8} {what:<16} {device[:8]:<8}  {known:<18}  {client}")
    return text


def _segment(rows: Rows) -> list[str]:
    text = ["", "Segment: added to cart twice, never ordered, last 7 days (segment.sql)"]
    text += [f"  {line}" for line in ready("segment").sql.splitlines()]
    for profile, user, emails, devices in rows[:SEGMENT_SHOWN_MAX]:
        text.append(
            f"  {profile}  {user or '-':<10}  {', '.join(emails) or '-':<26}  {len(devices)} device(s)"
        )
    more = len(rows) - SEGMENT_SHOWN_MAX
    return [*text, f"  and {more} more"] if more > 0 else text


def _channels(outcome: Outcome) -> list[str]:
    text = ["", f"Channels (channels.sql)  {'visits':>8} {'people':>8} {'orders':>8} {'revenue':>10}"]
    for channel, visits, people, orders, revenue in outcome.channels:
        text.append(f"  {channel:<22} {visits:>8,} {people:>8,} {orders:>8,} {revenue:>10,.2f}")
    viewed, added, ordered = outcome.funnel
    return [
        *text,
        f"  of the people {viewed:,} viewed a product, {added:,} added one to a cart, {ordered:,} ordered",
    ]


def _dead(rows: Rows) -> list[str]:
    text = ["", "Refused, and kept whole (dead_letters.sql)"]
    return text + [f"  {row[2]:>3}  {row[0]:<16} {row[4][:90]}" for row in rows]


def check_lines(check: Check) -> list[str]:
    if check.is_right:
        return [f"  right  {check.name}{_size(check.found)}"]
    if isinstance(check.expected, list) and isinstance(check.found, list):
        return _differences(check.name, check.expected, check.found)
    return [f"  WRONG  {check.name}: found {check.found}, expected {check.expected}"]


def _size(found: object) -> str:
    match found:
        case bool():
            return ""
        case [int(), *_]:
            return ": " + ", ".join(f"{number:,}" for number in found)
        case list():
            return f": {len(found):,}"
        case dict():
            return ": " + ", ".join(f"{name} {number}" for name, number in found.items())
        case _:
            return f": {found:,}"


def _differences(name: str, expected: list[object], found: list[object]) -> list[str]:
    """The first few places where the two lists differ."""
    places = [n for n in range(max(len(expected), len(found))) if expected[n : n + 1] != found[n : n + 1]]
    lines = [f"  WRONG  {name}: {len(found)} found, {len(expected)} expected; the first differences:"]
    for place in places[:WRONG_SHOWN_MAX]:
        lines += [f"           found    {_at(found, place)}", f"           expected {_at(expected, place)}"]
    return lines


def _at(items: list[object], place: int) -> object:
    return items[place] if place < len(items) else "nothing"
