"""Values that name nobody."""

import pytest

from processors.events.blocked import BLOCKED, is_blocked

NOBODY = [
    *sorted(BLOCKED),
    "NULL",
    " Guest ",
    '"undefined"',
    "'none'",
    '"\u00a0undefined\u2003"',
    "'\u3000'",
    "\" \v0'",
    "[object Object]",
    "000",
    "0-0-0",
    "--",
    " 0 0 ",
    "x" * 256,
    "\u20ac" * 86,
]
NOBODY += ["00000000-0000-0000-0000-000000000000"]
SOMEBODY = [
    "1",
    "0a",
    "10",
    "-2",
    "user-1",
    "guest@example.com",
    "idaho",
    "x" * 255,
    "\u20ac" * 85,
    "00000000-0000-0000-0000-000000000001",
]


@pytest.mark.parametrize("value", NOBODY)
def test_a_value_that_names_nobody_is_blocked(value):
    assert is_blocked(value)


@pytest.mark.parametrize("value", SOMEBODY)
def test_an_ordinary_id_is_not_blocked(value):
    assert not is_blocked(value)
