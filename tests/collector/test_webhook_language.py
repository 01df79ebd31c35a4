"""The expressions of webhook mappings: what they give, what is refused, and that no payload takes long."""

import contextlib
import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.webhooks.webhook_budget import Budget, Failed
from collector.webhooks.webhook_language import EXPRESSION_CHARS_MAX, BadExpression, Expression

BODY = {
    "amount": 1999,
    "currency": "eur",
    "email": " Ann@Shop.example ",
    "created": 1_767_225_600,
    "ms": 1_767_225_600_123,
    "none": None,
    "price": "12.50",
    "lines": [{"sku": "A-1", "price": 2.5}, {"sku": "B-2", "price": 4}],
    "notes": [{"name": "gift", "value": "yes"}, {"name": 7, "value": None}, "no pair", {"value": 1}],
}


def search(written: str, body: Any = BODY) -> Any:
    return Expression(written).search({"body": body}, Budget())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("body.amount", 1999),
        ("body.nothing.at.all", None),
        ("body.lines[*].sku", ["A-1", "B-2"]),
        ("body.lines[?price > `3`].{product: sku} | [0]", {"product": "B-2"}),
        ("body.nothing || body.currency", "eur"),
        ("body.amount == `1999` && body.currency == 'eur'", True),
        ("money(body.amount, body.currency)", 19.99),
        ("money(body.amount, 'JPY')", 1999),
        ("money(body.amount, 'kwd')", 1.999),
        ("money(body.amount, body.none)", 19.99),
        ("money('2000', 'EUR')", 20),
        ("money(body.none, 'EUR')", None),
        ("money('a lot', 'EUR')", None),
        ("lower(trim(body.email))", "ann@shop.example"),
        ("upper(body.currency)", "EUR"),
        ("lower(body.none)", None),
        ("sha256(lower(trim(body.email)))", hashlib.sha256(b"ann@shop.example").hexdigest()),
        ("sha256(body.none)", None),
        ("concat(body.currency, '-', body.amount)", "eur-1999"),
        ("concat('customer-', body.none)", None),
        ("split('a,b,c', ',')[1]", "b"),
        ("split(body.none, ',')", None),
        ("split('a', '')", None),
        ("time(body.created)", "2026-01-01T00:00:00.000Z"),
        ("time(body.ms)", "2026-01-01T00:00:00.123Z"),
        ("time('1767225600.5')", "2026-01-01T00:00:00.500Z"),
        ("time('2026-01-01T00:00:00+01:00')", "2026-01-01T00:00:00+01:00"),
        ("time('')", None),
        ("time(body.none)", None),
        ("time(`1e300`)", None),
        ("add('1e999999999', `1`)", None),
        ("multiply(body.price, `2`)", 25),
        ("add(`0.1`, `0.2`)", 0.3),
        ("subtract(body.price, '0.5')", 12),
        ("divide(`1`, `0`)", None),
        ("divide(body.amount, `100`)", 19.99),
        ("add(body.none, `1`)", None),
        ("to_object(body.notes, 'name', 'value')", {"gift": "yes", "7": None}),
        ("to_object(body.none, 'name', 'value')", None),
    ],
)
def test_an_expression_gives_the_value(written: str, value: Any) -> None:
    assert search(written) == value


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "empty"),
        ("body.", "got: eof"),
        ("body[", "Incomplete expression"),
        ("body.lines[*", "Invalid"),
        ("shout(body.amount)", "no function shout(): there are abs, add"),
        ("lower()", r"lower() takes 1, not 0"),
        ("lower(body.a, body.b)", "lower() takes 1, not 2"),
        ("concat()", "concat() takes 1 or more, not 0"),
        ("body." + "a" * EXPRESSION_CHARS_MAX, "at most 2000 characters"),
        ("(" * 990 + "body" + ")" * 990, "nested too deeply"),
        ("body.'a", "Unclosed ' delimiter"),
    ],
)
def test_what_cannot_be_understood_is_refused_before_any_payload_comes(written: str, why: str) -> None:
    with pytest.raises(BadExpression) as caught:
        Expression(written)
    assert why.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        "sort(body.notes)",
        "join('', body.lines)",
        "floor(body.currency)",
        "max_by(body.notes, &value)",
        "contains(body.currency, `1`)",
    ],
)
def test_a_value_that_does_not_fit_is_a_failure_that_quotes_nothing(written: str) -> None:
    with pytest.raises(Failed) as caught:
        search(written)
    assert not any(word in str(caught.value) for word in ("eur", "gift", "A-1", "no pair"))


DOUBLE = " | ".join(["[@, @]"] * 60)


@pytest.mark.parametrize(
    "written",
    [
        f"body | {DOUBLE}",
        f"to_string(body | {DOUBLE})",
        f"(body | {DOUBLE}) == (body | {DOUBLE})",
        " | ".join(["[body, body][]"] + ["[@, @][]"] * 60),
        "body.currency | " + " | ".join(["join('', [@, @])"] * 60),
        "body.currency | " + " | ".join(["concat(@, @)"] * 60),
        "body | " + " | ".join(["{a: @, b: @}"] * 60),
        "body.lines | " + " | ".join(["map(&[@, @], @)"] * 60),
        "body.lines | " + " | ".join(["to_string([@, @])"] * 60),
    ],
)
def test_what_doubles_with_every_step_ends_at_the_budget(written: str) -> None:
    with pytest.raises(Failed, match="more than one payload may cost"):
        search(written)


@pytest.mark.parametrize("each", ["contains(body.l, 'x')", "body.l == body.m"])
def test_looking_through_much_again_and_again_ends_at_the_budget(each: str) -> None:
    body = {"l": list(range(5_000)), "m": [*range(4_999), 0]}
    assert search(each, body) is False
    with pytest.raises(Failed, match="more than one payload may cost"):
        search(" || ".join([each] * 60), body)


def test_comparisons_within_comparisons_cost_each_side_once() -> None:
    written = "body.amount == body.amount"
    for _ in range(30):
        written = f"({written}) == `true`"
    assert search(written) is True


def test_what_an_expression_reads_of_the_scope_is_known() -> None:
    expression = Expression(
        "headers.a || body.lines[?sku == 'A'].{x: price, y: name} && not_null(query.c, item) || !body_hash"
    )
    assert expression.roots() == {"headers", "body", "query", "item", "body_hash"}
    assert Expression("'literal'").roots() == set()
    assert Expression("body.list[].x").roots() == {"body"}
    assert Expression("body.* | [0]").roots() == {"body"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
ANY_EXPRESSION = st.sampled_from(
    [
        "time(body)", "money(body.a, body.b)", "add(body.a, body)", "lower(body)",
        "to_object(body, 'a', 'b')", "body[*].a[]", "sort(body)", "join(',', body)",
        "split(body, ',')", "sum(body)", "body.* | [0]", "to_number(body)", "max(body)",
        "length(body)", "concat(body.a, body.b)", "divide(body.a, body.b)", "to_string(body)",
        "sha256(body)", "body[?a == b]", "avg(body)", "floor(body)", "merge(body, body.a)",
        "keys(body)", "reverse(body)", "sort_by(body, &a)",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(ANY_EXPRESSION, JSON)
def test_whatever_the_payload_there_is_a_value_or_a_failure(written: str, body: Any) -> None:
    with contextlib.suppress(Failed):
        assert not isinstance(search(written, body), Failed)
