"""A name for a day: the same one all day long, and nothing that another day's name could be found by."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from collector.daily import PREFIX, Salt, Salts, daily_id, day_of
from schemas.events.pack import Connection
from schemas.sources.sources import Source
from schemas.topics import DAY_MS, SALT_AHEAD_MS, SALT_RETENTION_MS

SALT = b"s" * 32
NOON = 20_000 * DAY_MS + DAY_MS // 2


def source(name: str = "shop", workspace: str = "main") -> Source:
    return Source(id=name, workspace=workspace, write_key_hashes=[])


def browser(address: str = "203.0.113.7", agent: str = "Firefox") -> Connection:
    return Connection(address=address, is_browser=True, user_agent=agent)


def test_who_differs_in_anything_has_another_name() -> None:
    names = {
        daily_id(salt, source(name, workspace), browser(address, agent))
        for salt, name, workspace, address, agent in product(
            (SALT, b"t" * 32),
            ("shop", "blog"),
            ("main", "other"),
            ("203.0.113.7", "203.0.113.8"),
            ("Firefox", "Chrome"),
        )
    }
    assert len(names) == 2**5
    assert all(name.startswith(PREFIX) and len(name) == len(PREFIX) + 32 for name in names)


@given(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9), st.text(max_size=9))
def test_what_stands_side_by_side_is_never_run_together(a: str, b: str, c: str, d: str) -> None:
    one, other = daily_id(SALT, source(), browser(a, b)), daily_id(SALT, source(), browser(c, d))
    assert (one == other) == ((a, b) == (c, d))


def test_the_first_salt_of_a_day_is_everybodys() -> None:
    salts = Salts()
    salts.take([Salt(day_of(NOON), b"first"), Salt(day_of(NOON), b"second"), Salt(day_of(NOON) + 1, b"next")])
    assert salts.of(NOON) == b"first"
    assert salts.of(NOON + DAY_MS) == b"next"
    assert salts.of(NOON - DAY_MS) == b""


def test_a_salt_is_made_before_its_day_and_forgotten_after_it() -> None:
    salts = Salts()
    today = day_of(NOON)
    assert list(salts.missing(NOON - 1)) == [today]
    assert list(salts.missing(NOON)) == [today, today + 1]
    salts.take([Salt(today, b"a"), Salt(today + 1, b"b")])
    assert list(salts.missing(NOON)) == []
    salts.forget(NOON + DAY_MS)
    assert salts.of(NOON) == b""
    assert salts.of(NOON + DAY_MS) == b"b"


def test_kafka_keeps_a_salt_as_long_as_its_day_and_hardly_longer() -> None:
    assert 0 < SALT_RETENTION_MS - SALT_AHEAD_MS - DAY_MS <= 2 * 3_600_000
