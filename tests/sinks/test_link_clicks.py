"""View `link_clicks`: what only later events show of a click."""

import msgspec
import pytest

from schemas.wire.codec import RESOLVED_EVENT
from schemas.wire.stamps import Device
from tests.sinks.stage import START_MS, Tables, event

ANN, BOB = 7, 8
BOT = msgspec.to_builtins(Device(kind="bot", is_bot=True))


def click(number: int, visitor: int, after_ms: int, recipient: int = 0, **more: object) -> bytes:
    claimed = (
        {"identifiers": [{"node": recipient, "kind": "x", "value": "r"}], "claimed": [recipient]}
        if recipient
        else {}
    )
    return event(
        number,
        message_id=f"click {number}",
        type="track",
        event="Link Clicked",
        timestamp=START_MS + after_ms,
        visitor=visitor,
        properties=f'{{"url": "https://shop.example/{number}", "name": "link {number}"}}',
        **(claimed | more),
    )


def page(number: int, visitor: int, after_ms: int) -> bytes:
    return event(
        number,
        message_id=f"page {number}",
        type="page",
        event="",
        timestamp=START_MS + after_ms,
        visitor=visitor,
    )


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    tables = Tables(clickhouse, module_database)
    scanner = [click(number, 100 + number, 1_000 * number, ANN) for number in range(3)]
    reader = [click(10, 200, 60_000, ANN), page(11, 200, 61_000)]
    quick = [click(20 + number, 300, 2_000 * number, BOB) for number in range(4)]
    others = [
        click(30, 400, 0, bot={"score": 100, "reasons": ["program"]}, device=BOT),
        click(31, 500, 0),
        page(32, 500, 1_800_001),
    ]
    tables.insert(
        "events_in",
        RESOLVED_EVENT,
        [*scanner, *reader, *quick, page(28, 300, 30_000), *others],
        "t-0-0-99",
    )
    return tables


def seen(tables: Tables, *clicks: int) -> list[tuple[object, ...]]:
    names = ", ".join(f"'click {number}'" for number in clicks)
    return tables.rows(f"""\
SELECT together, is_followed, is_scanner FROM link_clicks(since = '2000-01-01', until = '2100-01-01')
WHERE message_id IN ({names}) ORDER BY timestamp, message_id""")  # noqa: S608 - ours


def test_many_links_of_a_recipient_together_and_nothing_after_them_is_a_scanner(tables: Tables) -> None:
    assert seen(tables, 0, 1, 2) == [(3, False, True)] * 3


def test_the_reader_who_comes_later_is_none(tables: Tables) -> None:
    assert seen(tables, 10) == [(1, True, False)]


def test_a_quick_reader_is_heard_of_again(tables: Tables) -> None:
    assert seen(tables, 20, 21, 22, 23) == [(4, True, False)] * 4


def test_a_click_that_names_nobody_stands_for_itself(tables: Tables) -> None:
    assert seen(tables, 31) == [(1, False, False)]


def test_a_bots_click_is_a_scanners(tables: Tables) -> None:
    assert seen(tables, 30) == [(1, False, True)]


def test_a_click_tells_where_it_led_and_what_it_is_called(tables: Tables) -> None:
    found = tables.row("""\
SELECT url, name, recipient, visitor, bot.score FROM link_clicks(since = '2000-01-01', until = '2100-01-01')
WHERE message_id = 'click 10'""")
    assert found == ("https://shop.example/10", "link 10", ANN, 200, 0)
