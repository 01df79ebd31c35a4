"""Which payloads speak of a person, and where a value stands as a word; by ClickHouse's own matching."""

import json
from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from deploy.orders.letters import anywhere, letter_pattern, words_within
from schemas.identity.identifiers import hash_email

ADDRESS = "ann.o+x@mail.example"
ODD = 'it\'s "100%" \\ [a]{b}\t$(c)'


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
        ("u", "ännchen", json.dumps({"userId": "ännchen"}), True),
        ("u", "😀 zoë", '{"userId":"😀 zoë"}', True),
        ("u", "😀 zoë", json.dumps({"userId": "😀 zoë"}), True),
        ("u", "😀 zoë", '{"url":"https://x.example/?user=%F0%9F%98%80+zo%C3%AB&a=1"}', True),
        ("u", ODD, json.dumps({"userId": ODD}), True),
        ("u", ODD, json.dumps({"userId": ODD + "x"}), False),
        ("u", "a/b", r'{"userId":"a\/b"}', True),
        ("u", "-7.5", '{"userId":-7.5}', True),
        ("a", "\x00\u200b", json.dumps({"anonymousId": "\x00\u200b"}), True),
        ("a", "😀" * 63, json.dumps({"anonymousId": "😀" * 63}), True),
        ("x", "contact_id:a&b", r'{"url":"https://x.example/?c=1\u0026contact_id=a%26b\u0026d=1"}', True),
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
        ("e", ADDRESS, json.dumps(f"to\n{ADDRESS}\n"), True),
        ("e", ADDRESS, rf"\u003c{ADDRESS}\u003e", True),
        ("e", ADDRESS, f"mailto%3A{ADDRESS}", True),
        ("e", "zoë@mail.example", json.dumps("ZOË@mail.example"), True),
        ("u", "zoë", json.dumps("hello zoë, hello"), True),
        ("e", "kim.s@mail.example", "\u212aIM.\u017f@mail.example", True),
        ("e", "ks@mail.example", hash_email("ks@mail.example"), True),
        ("u", "it's 100%", "it's 100%", True),
        ("u", "\u4e2d-\u6587", json.dumps("\u4e2d-\u6587"), True),
    ],
)
def test_a_value_is_found_as_a_word_of_its_own(client, kind, value, text, wanted):
    assert matches(client, text, anywhere(kind, value)) is wanted
    if wanted and (words := words_within(kind, value)):
        assert any(word.lower() in text.lower() for word in words)
