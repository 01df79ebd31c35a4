"""Conditions on what a person is called and on lists, of people of whom only little is looked at again. Real ClickHouse."""

from collections.abc import Iterator

import pytest

from tests.console.refresh_stage import HOUR_MS, Shop, segment
from tests.sinks.stage import START_MS, Tables

PERSON, OTHER, DEVICE, EMAIL = 1, 2, 41, 21
MAILED = segment("mailed", {"id": {"has": "email"}})
NAMED = {"node": EMAIL, "kind": "e", "value": "ann@shop.example"}


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return Tables(clickhouse, module_database)


@pytest.fixture
def shop(tables: Tables) -> Iterator[Shop]:
    shop = Shop(tables)
    yield shop
    shop.empty()


def test_an_identifier_that_only_somebody_elses_event_names_is_its_owners(shop: Shop) -> None:
    shop.view(PERSON, 0)
    shop.point(EMAIL, PERSON)
    shop.refresh(HOUR_MS, MAILED)
    assert shop.members("mailed") == set()

    shop.view(OTHER, HOUR_MS, identifiers=[NAMED])
    shop.refresh(2 * HOUR_MS, MAILED)
    assert shop.members("mailed") == {PERSON}


def test_an_identifier_under_which_nothing_is_stored_is_had_after_any_event(shop: Shop) -> None:
    shop.view(PERSON, 0, identifiers=[NAMED])
    shop.point(EMAIL, PERSON)
    shop.refresh(HOUR_MS, MAILED)

    shop.view(PERSON, HOUR_MS)
    shop.refresh(2 * HOUR_MS, MAILED)
    assert shop.members("mailed") == {PERSON}


def test_whoever_is_on_a_list_by_an_identifier_of_no_event_stays_after_any_event(shop: Shop) -> None:
    invited = segment("invited", {"in_list": "spring"})
    rows = [("main", "spring", EMAIL, 1), ("main", "spring", OTHER, 1)]
    shop.tables.client.insert("lists", rows, column_names=["workspace", "list", "node", "version"])
    shop.view(PERSON, 0)
    shop.view(DEVICE, 0)
    shop.point(EMAIL, PERSON)
    shop.point(DEVICE, OTHER)
    shop.refresh(HOUR_MS, invited)

    shop.view(PERSON, HOUR_MS)
    shop.view(DEVICE, HOUR_MS)
    shop.refresh(2 * HOUR_MS, invited)
    assert shop.members("invited") == {PERSON, OTHER}


def test_a_listed_device_of_several_people_moves_when_its_time_with_one_of_them_ends(shop: Shop) -> None:
    invited = segment("invited", {"in_list": "summer"})
    rows = [("main", "summer", DEVICE, 1)]
    shop.tables.client.insert("lists", rows, column_names=["workspace", "list", "node", "version"])
    handed_on, given_back = START_MS + 3 * HOUR_MS, START_MS + 5 * HOUR_MS
    spans = [
        {"valid_from": 0, "valid_to": handed_on, "owner": PERSON},
        {"valid_from": handed_on, "valid_to": given_back, "owner": OTHER},
    ]
    shop.view(PERSON, 0)
    shop.view(OTHER, 0)
    shop.point(DEVICE, DEVICE, segments=spans)
    found = []
    for hour in (1, 2, 4, 6):
        shop.refresh(hour * HOUR_MS, invited)
        found.append(shop.members("invited"))
    assert found == [{PERSON}, {PERSON}, {OTHER}, set()]
