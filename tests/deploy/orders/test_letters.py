"""Which payloads speak of a person, and where a value stands as a word; by ClickHouse's own matching."""

from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from deploy.orders.letters import anywhere, letter_pattern
from schemas.identifiers import hash_email

ADDRESS = "ann.o+x@mail.example"


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    found = clickhouse_connect.get_client(dsn=clickhouse, autogenerate_session_id=False)
    yield found
    found.close()


def matches(client: Client, text: str, pattern: str) -> bool:
    asked = {"text": text, "pattern": pattern}
    sql = "SELECT match({text:String}, {pattern:String})"
    return bool(client.query(sql, parameters=asked).result_rows[0][0])


@pytest.mark.parametrize(
    ("kind", "value", "payload", "wanted"),
    [
        ("u", "ann", '{"userId":"ann"}', True),
        ("u", "ann", '{"userId": " ann "', True),
        ("u", "ann", '{"userId":"anna"}', False),
        ("u", "ann", '{"name":"ann of green gables"}', False),
        ("u", "42", '{"userId":42}', True),
        ("u", "42", '{"total":42}', False),
        ("u", "42", '{"total":142,"userId":"7"}', False),
        ("x", "contact_id:7", '{"url":"https://x.example/?contact_id=7&a=1"}', True),
        ("x", "contact_id:7", '{"url":"https://x.example/?contact_id=77"}', False),
        ("e", ADDRESS, f'{{"any":"to {ADDRESS.upper()}."}}', True),
        ("e", ADDRESS, '{"url":"https://x.example/?em=ann.o%2Bx%40mail.example"}', True),
        ("e", ADDRESS, f'{{"eh":"{hash_email(ADDRESS)}"}}', True),
        ("e", ADDRESS, '{"email":"joann.o+x@mail.example"}', False),
        ("a", "a|b(c", '{"anonymousId":"a|b(c"}', True),
        ("a", "a|b(c", '{"anonymousId":"a"}', False),
        ("u", "ännchen", '{"userId":"ännchen"}', True),
    ],
)
def test_a_letter_is_somebodys_when_it_holds_an_identifier_of_theirs_as_one(
    client, kind, value, payload, wanted
):
    assert matches(client, payload, letter_pattern(kind, value)) is wanted


@pytest.mark.parametrize(
    ("kind", "value", "text", "wanted"),
    [
        ("u", "ann", "hello ann, hello", True),
        ("u", "ann", "ann", True),
        ("u", "ann", "ann@mail.example", False),
        ("u", "ann", "joann", False),
        ("e", ADDRESS, f"<{ADDRESS}>", True),
    ],
)
def test_a_value_is_found_as_a_word_of_its_own(client, kind, value, text, wanted):
    assert matches(client, text, anywhere(kind, value)) is wanted
