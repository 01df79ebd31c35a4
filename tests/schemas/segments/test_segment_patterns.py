"""Patterns: what a definition may have is what ClickHouse runs."""

from collections.abc import Iterator
from random import Random

import pytest
from clickhouse_connect.driver.client import Client

from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import BadSegment

PARTS = (
    r"a b . * + ? *? {2} {1,1000} {1001} x{3,2} { } ( ) (?: (?i) (?s) (?U) (?i: (?= (?<n> (?P<n> [a-z] [^\d] [[:alpha:]] [a ] "
    r"\d \b \1 \C \pL \p{Greek} \p{Foo} \Q \E \x{10FFFF} \x{110000} | ^ $ \z \A \K \h \ é"
)
TRIED = 1_000
TAKEN_MIN = 100  # or the test says little


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    client = connect(ClickHouseSettings(url=clickhouse, database="default"))
    yield client
    client.close()


def is_taken(pattern: str) -> bool:
    try:
        read_segment({"segment": "a", "where": {"trait": {"name": "n", "op": "matches", "value": pattern}}})
    except BadSegment:
        return False
    return True


def test_every_pattern_that_a_definition_may_have_runs_in_clickhouse(client: Client) -> None:
    random = Random(3)  # noqa: S311 - seeded
    parts = PARTS.split()
    patterns = ["".join(random.choices(parts, k=random.randint(1, 6))) for _ in range(TRIED)]
    taken = sorted(set(filter(is_taken, patterns)))
    assert TAKEN_MIN < len(taken) < TRIED
    for start in range(0, len(taken), 100):
        some = {f"p{number}": pattern for number, pattern in enumerate(taken[start : start + 100])}
        columns = ", ".join(f"match(materialize('abc'), {{{name}:String}})" for name in some)
        (row,) = client.query(f"SELECT {columns}", parameters=some).result_rows
        assert set(row) <= {0, 1}
