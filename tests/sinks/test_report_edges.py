"""Where ranges, lengths of time and people begin and end: each case a workspace of its own, its answer worked out by hand."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from schemas.wire.codec import POINTER, RESOLVED_EVENT
from schemas.wire.stamps import Commerce, Meaning, Touch
from sinks.storing.tables import DICTIONARIES
from tests.sinks.shop import plain
from tests.sinks.stage import Tables, event, pointer

HOUR, DAY = 3_600_000, 86_400_000
AT = 1_714_521_600_000  # 2024-05-01
RANGE = "since = '2024-05-01', until = '2024-06-01', zone = 'UTC'"
NUMBERS = itertools.count(1)

Step = tuple[int, str]


FUNNELS: list[tuple[str, list[Step], list[int]]] = [
    ("exactly-within", [(0, "A"), (DAY, "B")], [1, 1]),
    ("a-millisecond-late", [(0, "A"), (DAY + 1, "B")], [1, 0]),
    ("at-one-moment", [(0, "B"), (0, "A")], [1, 1]),
    ("in-the-wrong-order", [(0, "B"), (1, "A")], [1, 0]),
    ("by-a-later-start", [(0, "A"), (DAY - 1, "A"), (2 * DAY - 1, "B")], [1, 1]),
    ("at-the-first-moment", [(0, "A")], [1, 0]),
    ("before-it", [(-1, "A"), (5, "B")], [0, 0]),
    ("at-the-end", [(31 * DAY, "A")], [0, 0]),
    ("ends-after-the-range", [(31 * DAY - 1, "A"), (32 * DAY - 1, "B")], [1, 1]),
]
TOUCHES: list[tuple[str, list[Step], list[str]]] = [
    ("none", [], ["direct"]),
    ("at-the-order", [(10 * DAY, "email")], ["email"]),
    ("after-it", [(10 * DAY + 1, "email")], ["direct"]),
    ("as-long-before-as-counts", [(3 * DAY, "email")], ["email"]),
    ("a-millisecond-longer", [(3 * DAY - 1, "email")], ["direct"]),
    ("before-the-range", [(-DAY, "referral"), (9 * DAY, "email")], ["email"]),
    (
        "several",
        [(5 * DAY, "email"), (4 * DAY, "referral"), (6 * DAY, "email")],
        ["referral", "email", "email"],
    ),
]
BEGIN = -31 * DAY - HOUR  # of the last day of March in Berlin, which has 23 hours
CLOCKS = (BEGIN - 1, BEGIN, BEGIN + 23 * HOUR - 1, BEGIN + 23 * HOUR)
SHARED = (0, DAY - 1, DAY, 2 * DAY - 1, 2 * DAY, 3 * DAY)


def told(workspace: str, node: int, kind: str, at: int, **fields: Any) -> bytes:
    number = next(NUMBERS)
    known = {"node": node, "kind": kind, "value": f"{kind}{node}"}
    return event(number, workspace=workspace, subject=node, timestamp=AT + at, identifiers=[known], **fields)


def journey(name: str, touches: list[Step], first: int) -> Iterator[tuple[bytes, bytes | None]]:
    """The events of a case, each touch on a device of its own with the pointer that links it."""
    order = {
        "meaning": plain(Meaning(event="Order Completed")),
        "commerce": plain(Commerce(order_id="1", total=Decimal("0.000007"))),
    }
    yield told(name, 1, "u", 10 * DAY, event="Order Completed", **order), None
    for device, (at, channel) in enumerate(touches, first):
        touch = plain(Touch(channel=channel, source=channel, campaign=f"c{at}"))
        page = told(name, device, "a", at, type="page", event="", visitor=device, session_id="s", touch=touch)
        yield page, pointer(device, 1, workspace=name)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    """All cases at once."""
    tables = Tables(clickhouse, module_database)
    funnels = [told(name, 1, "u", at, event=step) for name, steps, _ in FUNNELS for at, step in steps]
    journeys = [
        pair
        for number, (name, touches, _) in enumerate(TOUCHES)
        for pair in journey(name, touches, 1_000 + 10 * number)
    ]
    clocks = [told("clocks", 1, "u", at, event="A") for at in CLOCKS]
    shared = [told("shared", 70, "a", at, event="A") for at in SHARED]
    segments = [
        {"valid_from": AT, "valid_to": AT + DAY, "owner": 71},
        {"valid_from": AT + 2 * DAY, "valid_to": AT + 9 * DAY, "owner": 72},
    ]
    links = [link for _, link in journeys if link]
    values = [*funnels, *(value for value, _ in journeys), *clocks, *shared]
    tables.insert("events_in", RESOLVED_EVENT, values, "events")
    links.append(pointer(70, 70, segments=segments, workspace="shared"))
    tables.insert("pointers_in", POINTER, links, "pointers")
    tables.reload(DICTIONARIES)
    yield tables
    tables.client.close()


@pytest.mark.parametrize(("name", "people"), [(case[0], case[2]) for case in FUNNELS])
def test_a_funnel_ends_where_it_says(tables: Tables, name: str, people: list[int]) -> None:
    rows = tables.rows(
        f"SELECT people FROM funnel(workspace = '{name}', {RANGE}, steps = ['A', 'B'], within = '1d', "  # noqa: S608 - ours
        "people = 'known', bots = 'exclude', by = 'none') ORDER BY step"
    )
    assert [row[0] for row in rows] == people


@pytest.mark.parametrize(("name", "channels"), [(case[0], case[2]) for case in TOUCHES])
def test_touches_count_on_every_device_also_from_before_the_person_was_known(
    tables: Tables, name: str, channels: list[str]
) -> None:
    """The order is reported by a server; each device was linked afterwards."""
    asked = f"workspace = '{name}', since = '2024-05-11', until = '2024-05-12', zone = 'UTC', lookback = '7d', people = 'known'"
    rows = tables.rows(
        f"SELECT touch.channel, first_net, last_net, linear_net, position_net FROM order_touches({asked}) ORDER BY number"  # noqa: S608 - ours
    )
    assert [row[0] for row in rows] == channels
    assert [sum(row[model] for row in rows) for model in range(1, 5)] == [Decimal("0.000007")] * 4


def test_a_day_is_one_of_the_zone_also_when_clocks_change(tables: Tables) -> None:
    """The last day of March 2024 in Berlin begins at 23:00 UTC and ends at 22:00."""
    rows = tables.rows(
        "SELECT toString(period), events FROM engagement(workspace = 'clocks', since = '2024-03-30', until = '2024-04-02', "
        "zone = 'Europe/Berlin', unit = 'day', people = 'known', bots = 'exclude') ORDER BY period"
    )
    assert rows == [("2024-03-30", 1), ("2024-03-31", 2), ("2024-04-01", 1)]


def test_a_device_is_nobodys_between_two_owners(tables: Tables) -> None:
    """Known while somebody had it, and as itself alone in between."""
    for people, counted in (("known", (2, 4)), ("anonymous", (1, 2)), ("any", (3, 6))):
        asked = f"workspace = 'shared', {RANGE}, unit = 'month', people = '{people}', bots = 'exclude'"
        found = tables.row(f"SELECT people, events FROM engagement({asked})")  # noqa: S608 - ours
        assert found == counted, people
