"""Properties that the sink reads are what ClickHouse's own reader makes of their texts, and what it leaves is read there."""

import json
import random
from typing import Any

import pytest

from schemas.compiled import is_compiled
from schemas.wire.codec import RESOLVED_EVENT
from sinks.storing import objects, paths
from sinks.storing.objects import Objects
from sinks.storing.rows import rows_of
from tests.sinks.stage import Tables, event
from tests.sinks.storing.as_written import as_written

PLAIN = as_written("sinks.storing.objects")  # whose limits can be seen
DEPTH_MAX, KEYS_MAX, PATHS_MAX = PLAIN.DEPTH_MAX, PLAIN.KEYS_MAX, PLAIN.PATHS_MAX
NATIVE = frozenset([RESOLVED_EVENT])
BLOCKS, ROWS = 60, 25
NAMES = ("a", "b", "price", "c d", "\u00e9t\u00e9", "\U0001f600", "size0", "null", "^a", "x" * 130)
WORDS = (
    "",
    "x",
    "Blue chair",
    "\u20ac",
    "\U0001f600",
    'a"b\\c/\n\t\r\b\f\u0001',
    "2024-01-01",
    "1",
    "true",
    "y" * 200,
    "\0",
)
NUMBERS = (0, 1, -1, 7, 10**18 - 1, 1 - 10**18, 0.5, -0.0, 1e-7, 1e300, 5e-324, 0.1 + 0.2, 12.0, 4.35)
LISTS: tuple[Any, ...] = ([], [1], [1, "x"], [{"a": 1}], [[1]])


STORED = """SELECT toString(properties_parsed), JSONAllPathsWithTypes(properties_parsed), properties
FROM {table} WHERE workspace = '{block}' ORDER BY raw_offset"""


def any_value(chance: random.Random, depth: int, lists: float) -> Any:
    if chance.random() < lists:
        return chance.choice(LISTS)
    if depth and chance.random() < 0.15:
        return any_object(chance, depth - 1, lists)
    kinds = (chance.choice(NUMBERS), chance.choice(WORDS), chance.random() < 0.5, None)
    return chance.choices(kinds, weights=(5, 5, 2, 1))[0]


def any_object(chance: random.Random, depth: int, lists: float) -> dict[str, Any]:
    return {name: any_value(chance, depth, lists) for name in chance.sample(NAMES, chance.randrange(6))}


def any_text(chance: random.Random, lists: float) -> str:
    found = json.dumps(any_object(chance, 3, lists), ensure_ascii=chance.random() < 0.5)
    spaced = chance.random() < 0.3
    return f" \n{found.replace(': ', chr(9) + ':  ')}\r " if spaced else found


def few_types(chance: random.Random, lists: float) -> str:
    """As shops send them: one type a path, but for numbers, with and without a point."""
    known = {
        "sku": "s-1",
        "price": chance.choice((5, 4.5, 5.0)),
        "new": chance.random() < 0.5,
        "of": {"name": "\u00e9"},
    }
    some = {name: known[name] for name in chance.sample(sorted(known), chance.randrange(5))}
    return json.dumps(some | ({"tags": ["x"]} if chance.random() < lists else {}))


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    """With tables `by_avro` and `by_columns`, which keep what an ingest table is given."""
    tables = Tables(clickhouse, module_database)
    for name in ("by_avro", "by_columns"):
        tables.client.command(f"CREATE TABLE {name} AS events_in ENGINE = Memory")
    return tables


def taken(texts: list[str]) -> Objects:
    found = Objects()
    for text in texts:
        content = b"##" + text.encode(errors="surrogatepass") + b"#1"
        found.take(content, 2, len(content) - 4)
    return found


def stored(tables: Tables, block: str, texts: list[str]) -> tuple[list[Any], list[Any]]:
    """Text and types of each row as the server reads it, and as the sink does."""
    values = [event(number, workspace=block, properties=text) for number, text in enumerate(texts)]
    found = []
    for name, by_columns in (("by_avro", frozenset[int]()), ("by_columns", NATIVE)):
        tables.writer.insert(name, rows_of(RESOLVED_EVENT, values, by_columns), "")
        found.append(tables.rows(STORED.format(table=name, block=block)))
    assert len(found[0]) == len(texts)
    return found[0], found[1]


@pytest.mark.parametrize("text_of", [any_text, few_types])
def test_what_is_read_is_what_clickhouse_reads(tables: Tables, text_of: Any) -> None:
    chance = random.Random(text_of.__name__)  # noqa: S311 - the content of a test
    read, whole = 0, 0
    for number in range(BLOCKS // 2):
        texts = [text_of(chance, 0.0) for _ in range(ROWS)]
        found = taken(texts)
        fitting = [text for text, is_taken in zip(texts, found.taken, strict=True) if is_taken]
        by_server, by_sink = stored(tables, f"{text_of.__name__}{number}", fitting)
        assert by_sink == by_server
        read, whole = read + len(fitting), whole + len(texts)
    assert read > whole / 3


def test_blocks_with_lists_in_them_say_the_same(tables: Tables) -> None:
    """Of which the server reads some rows and the sink the others."""
    chance, ways = random.Random(5), set()  # noqa: S311 - the content of a test
    for number in range(BLOCKS // 3):
        texts = [few_types(chance, 0.3) for _ in range(ROWS)]
        ways.add(len(taken(texts).columns()))
        by_server, by_sink = stored(tables, f"lists{number}", texts)
        assert by_sink == by_server
    assert 2 in ways


def test_more_paths_than_the_column_has_places_for(tables: Tables) -> None:
    texts = [json.dumps({f"p{number}_{key}": key for key in range(8)}) for number in range(12)]
    assert all(taken(texts).taken)
    by_server, by_sink = stored(tables, "paths", texts)
    assert by_sink == by_server


LEFT = {
    "a list": '{"a":[1]}',
    "a key twice": '{"a":1,"a":2}',
    "a key twice, once an object": '{"a":{"b":1},"a":2}',
    "a key twice, once null": '{"a":null,"a":2}',
    "a dot": '{"a.b":1}',
    "no key": '{"":1}',
    "a backslash in a key": '{"a\\n":1}',
    "nineteen digits": '{"a":1234567890123456789}',
    "a zero before": '{"a":01}',
    "minus nothing": '{"a":-0}',
    "minus": '{"a":-}',
    "no digits behind the point": '{"a":1.}',
    "no digits before it": '{"a":.5}',
    "no exponent": '{"a":1e}',
    "more than a double": '{"a":1e400}',
    "not a number": '{"a":NaN}',
    "half a pair": '{"a":"\\ud800"}',
    "half a pair as such": '{"a":"\ud800"}',
    "no escape": '{"a":"\\x"}',
    "a control character": '{"a":"\x01"}',
    "a control character in a key": '{"\x01":1}',
    "no end of a text": '{"a":"x',
    "an escape at the end": '{"a":"x\\',
    "no word": '{"a":tru}',
    "a longer word": '{"a":truex}',
    "a comma more": '{"a":1,}',
    "no comma": '{"a":1 "b":2}',
    "no colon": '{"a" 1}',
    "no value": '{"a":}',
    "no end": '{"a":1',
    "only a start": "{",
    "more behind": '{"a":1}x',
    "a text": '"x"',
    "an array": "[]",
    "nothing": "",
    "too deep": '{"a":' * (DEPTH_MAX + 1) + "1" + "}" * (DEPTH_MAX + 1),
    "too many keys": json.dumps({f"k{n}": 0 for n in range(KEYS_MAX + 1)}),
}


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_what_is_left_to_the_server(text: str) -> None:
    found = taken([text])
    assert (bytes(found.taken), found.columns()) == (b"\0", [])


def test_a_row_that_is_left_leaves_nothing_behind() -> None:
    """Neither a path nor a type, and the row after it is read."""
    with_rest = taken(['{"a":1}', '{"a":"x","b":[1]}', '{"a":2}'])
    assert bytes(with_rest.taken) == b"\1\0\1"
    assert b"String" not in with_rest.columns()[0]
    third = taken(['{"a":1}', '{"a":"x"}', '{"a":true,"c":1}', '{"a":"y"}'])
    assert bytes(third.taken) == b"\1\1\0\1"


def test_a_block_has_so_many_paths() -> None:
    texts = [json.dumps({f"k{number}": 0}) for number in range(PATHS_MAX + 2)]
    assert sum(taken([*texts, texts[0]]).taken) == PATHS_MAX + 1


def test_few_rows_that_could_be_read_are_not_worth_a_column() -> None:
    assert taken(['{"a":1}', '{"a":[1]}', '{"a":[2]}']).columns() == []
    assert len(taken(['{"a":1}', '{"a":[1]}']).columns()) == 2
    assert len(taken(['{"a":1}', "{}"]).columns()) == 1


def test_the_compiler_and_python_read_the_same() -> None:
    """Each of the two modules interpreted alone, and both."""
    chance = random.Random(3)  # noqa: S311 - the content of a test
    texts = [*LEFT.values(), *(any_text(chance, 0.02) for _ in range(300))]
    plain_paths = as_written("sinks.storing.paths")
    for places in (paths, plain_paths):
        plain = as_written("sinks.storing.objects")
        for name in ("Path", "Member", "bits", "text_of", "column_of"):
            setattr(plain, name, getattr(places, name))
        found, expected = plain.Objects(), taken(texts)
        for text in texts:
            content = text.encode(errors="surrogatepass")
            found.take(content, 0, len(content))
        assert found.taken == expected.taken
        assert found.columns() == expected.columns()
    assert is_compiled(objects) == is_compiled(paths)
