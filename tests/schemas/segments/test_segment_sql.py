"""Queries of segments as text: values apart from it, and written into it for people, so that both say the same to the engine."""

import json
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from schemas.segments.segment_paths import property_json
from schemas.segments.segment_sql import MOMENT, MONEY, Parameters, Query, identifier, plain, quoted
from schemas.segments.segment_words import used

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    found = clickhouse_connect.get_client(dsn=clickhouse, autogenerate_session_id=False)
    yield found
    found.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.lists(TEXTS, max_size=3), st.floats(-1e15, 1e15), st.integers(-(2**53), 2**53))
def test_a_value_reaches_the_engine_as_it_is(
    client: Client, text: str, texts: list[str], number: float, whole: int
) -> None:
    parameters = Parameters()
    places = [
        parameters.place("a text", "String", text),
        parameters.place("texts", "Array(String)", texts),
        parameters.place("number", "Float64", number),
        parameters.place("whole", "Int64", whole),
    ]
    sql = f"SELECT {', '.join(places)}"
    sent = client.query(sql, parameters=parameters.values).result_rows
    written = client.query(plain(Query(sql, parameters.values))).result_rows
    assert sent == written == [(text, texts, number, whole)]


def test_moments_and_money_are_written_with_their_types() -> None:
    parameters = Parameters()
    places = [
        parameters.place("at", MOMENT, "2026-01-01 00:00:00.001"),
        parameters.place("sum", MONEY, "0.1"),
    ]
    written = plain(Query(" ".join(places), parameters.values))
    assert written == "toDateTime64('2026-01-01 00:00:00.001', 3, 'UTC') toDecimal256('0.1', 18)"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS.filter(bool))
@example(":`")
@example(":`Int64`")
@example("^`")
@example("a.:`Int64`")
@example("a.^`b`")
def test_any_text_can_be_the_path_of_a_property(client: Client, path: str) -> None:
    keys = path.split(".")
    assume(all(keys))
    document: Any = 7
    for key in reversed(keys):
        document = {key: document}
    asked = property_json(f"properties.{path}")
    words = "".join(f"{word}, " for word in used(asked, ""))
    sql = f"WITH {words} CAST(%(document)s, 'JSON') AS properties SELECT {asked}"
    written = sql.replace("%(document)s", quoted(json.dumps(document, ensure_ascii=False)))
    assert client.query(written).result_rows == [("7",)]


@given(st.text())
def test_a_name_made_of_any_text_is_a_plain_one(text: str) -> None:
    name = identifier(text)
    assert name.isascii()
    assert name.replace("_", "a").isalnum()
    assert name[0].isalpha()


def test_a_value_that_comes_again_is_one_parameter_and_another_one_a_second() -> None:
    parameters = Parameters()
    places = [parameters.place("Plan is", "String", value) for value in ("pro", "team", "pro")]
    assert places == ["{plan_is:String}", "{plan_is_2:String}", "{plan_is:String}"]
    assert parameters.values == {"plan_is": "pro", "plan_is_2": "team"}
