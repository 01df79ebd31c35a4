"""Amounts of an order against its items and each other."""

from typing import Any

import pytest

from processors.enrichment.commerce import typed_commerce
from tests.processors.enrichment.test_commerce import MONOPOLY, ORDER, UNO


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"total": 27.51}, []),  # one cent is no difference
        ({"total": 27.52}, ["total: does not fit revenue, shipping, tax and discount"]),
        ({"total": 25}, []),  # the discount may be off already or not
        ({"total": 30}, ["total: does not fit revenue, shipping, tax and discount"]),
        ({"discount": -2.5}, []),  # some write with its sign what it takes off
        ({"subtotal": 25, "revenue": 25}, []),
        ({"revenue": 26}, ["revenue: does not fit the sum of the products"]),
        ({"revenue": 26, "subtotal": None}, [
            "revenue: does not fit the sum of the products", "total: does not fit revenue, shipping, tax and discount"
        ]),
        ({"shipping": None, "tax": None, "total": 99}, []),  # nothing says what is in the total
        ({"currency": "JPY", "subtotal": 23.4}, []),  # there are no parts of a yen
        ({"currency": "JPY", "subtotal": 23.6, "revenue": None, "total": None}, [
            "subtotal: does not fit the sum of the products"
        ]),
        ({"products": [MONOPOLY]}, [
            "subtotal: does not fit the sum of the products", "revenue: does not fit the sum of the products"
        ]),
        ({"products": [MONOPOLY, {"sku": "no price"}]}, []),
        ({"products": [MONOPOLY, {**UNO, "currency": "EUR"}]}, []),
        ({"products": [MONOPOLY, "not an object"]}, []),
    ],
    ids=str,
)  # fmt: skip
def test_amounts_are_held_against_the_items_and_each_other(changed: dict[str, Any], said: list[str]) -> None:
    assert typed_commerce("Order Completed", ORDER | changed).said == [
        f"properties.{words}" for words in said
    ]
