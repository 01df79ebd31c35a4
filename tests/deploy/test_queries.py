"""Ready queries and their parameters: what a file says is what the command line takes."""

from datetime import UTC, datetime

import pytest

from deploy.queries import Query, UnknownQuery, described, given, names, ready

NOW = datetime(2026, 5, 10, 23, 30, tzinfo=UTC)
QUERY = Query(
    "shop",
    "-- What a shop sold,\n-- day by day.\n"
    "-- since (today - 30): the first day\n-- zone (UTC): of days\n-- names (Tea, Red pot): products\n-- who: a person\n"
    "SELECT {since:String}, {zone:String}, {names:Array(String)}, {who:String}",
)


def test_a_query_tells_its_meaning_and_its_parameters() -> None:
    assert QUERY.meaning == "What a shop sold, day by day."
    assert [(each.name, each.default) for each in QUERY.parameters] == [
        ("since", "today - 30"),
        ("zone", "UTC"),
        ("names", "Tea, Red pot"),
        ("who", None),
    ]
    assert "--since" in described(QUERY)[1]
    assert "today - 30" in described(QUERY)[1]


def test_what_is_not_given_has_its_default_as_of_today_in_the_zone() -> None:
    assert QUERY.filled({"who": "ann"}, NOW) == {
        "since": "2026-04-10",
        "zone": "UTC",
        "names": ["Tea", "Red pot"],
        "who": "ann",
    }
    berlin = QUERY.filled({"who": "ann", "zone": "Europe/Berlin", "since": "today", "names": "A,B"}, NOW)
    assert (berlin["since"], berlin["names"]) == ("2026-05-11", ["A", "B"])
    assert QUERY.filled({"who": "ann", "since": "2026-01-01 12:00"}, NOW)["since"] == "2026-01-01 12:00"
    assert QUERY.filled({"who": "ann", "since": "today + 1"}, NOW)["since"] == "2026-05-11"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "asks for 'who'"),
        ({"who": "ann", "whom": "bob"}, "no parameter 'whom'; it has: since, zone, names, who"),
        ({"who": "ann", "zone": "Europe/Nowhere"}, "no time zone 'Europe/Nowhere'"),
        ({"who": "ann", "zone": "../UTC"}, "no time zone"),
    ],
)
def test_what_cannot_be_asked_is_said(said: dict[str, str], told: str) -> None:
    with pytest.raises(UnknownQuery, match=told):
        QUERY.filled(said, NOW)


def test_options_are_read_as_they_are_typed() -> None:
    assert given(["--since", "2026-05-01", "--first-day=a=b"]) == {"since": "2026-05-01", "first_day": "a=b"}
    for wrong in (["since"], ["--since"]):
        with pytest.raises(UnknownQuery, match="--name VALUE"):
            given(wrong)


@pytest.mark.parametrize("name", names())
def test_every_query_says_what_it_tells_and_what_each_parameter_is(name: str) -> None:
    query = ready(name)
    assert query.meaning.endswith(".")
    assert {each.name for each in query.parameters} == set(query.places)
