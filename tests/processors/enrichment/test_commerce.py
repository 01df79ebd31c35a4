"""What of an event of the ecommerce family is typed: the examples of the public spec, and what does not fit."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment import commerce
from processors.enrichment.commerce import FAMILY, ONE_PRODUCT, typed_commerce, with_commerce
from processors.resolver.resolve import Resolver
from schemas.events.catalogue import catalogue, event_spec
from schemas.events.pack import encode_pack
from schemas.stream import InputRecord
from schemas.topics import EVENTS_RESOLVED
from schemas.wire.avro import Writer
from schemas.wire.codec import decode
from schemas.wire.stamp_codec import put_stamps
from schemas.wire.stamps import MONEY_MAX, NO_COMMERCE, NO_MEANING, Commerce, Item, Meaning, Stamps
from tests.processors.driver import HASH_KEY, packed
from tests.processors.enrichment.test_money import JSON

SPEC = json.loads((Path(__file__).parents[2] / "schemas" / "semantic_examples.json").read_text())
EXAMPLES = [case for case in SPEC if (spec := event_spec(case["event"])) and spec.family == FAMILY]
NAMES = sorted(spec.name for spec in catalogue().values() if spec.family == FAMILY)

MONOPOLY = {
    "product_id": "507f1f77bcf86cd799439011",
    "sku": "45790-32",
    "name": "Monopoly: 3rd Edition",
    "price": 19,
    "quantity": 1,
    "category": "Games",
}
UNO = {
    "product_id": "505bd76785ebb509fc183733",
    "sku": "46493-32",
    "name": "Uno Card Game",
    "price": 3,
    "quantity": 2,
    "category": "Games",
}
ORDER = {
    "checkout_id": "fksdjfsdjfisjf9sdfjsd9f",
    "order_id": "50314b8e9bcf000000000000",
    "affiliation": "Google Store",
    "total": 27.5,
    "subtotal": 22.5,
    "revenue": 22.5,
    "shipping": 3,
    "tax": 2,
    "discount": 2.5,
    "coupon": "hasbros",
    "currency": "USD",
    "products": [MONOPOLY, UNO],
}


def money(text: str) -> Decimal:
    return Decimal(text)


def item(product: dict[str, Any], currency: str) -> Item:
    price, quantity = Decimal(product["price"]), Decimal(product["quantity"])
    return Item(**product | {"price": price, "quantity": quantity, "currency": currency})


def test_the_order_of_the_spec_is_typed() -> None:
    typed = typed_commerce("Order Completed", ORDER)
    assert typed.said == []
    assert typed.commerce == Commerce(
        checkout_id="fksdjfsdjfisjf9sdfjsd9f",
        order_id="50314b8e9bcf000000000000",
        affiliation="Google Store",
        total=money("27.5"),
        subtotal=money("22.5"),
        revenue=money("22.5"),
        shipping=money("3"),
        tax=money("2"),
        discount=money("2.5"),
        coupon="hasbros",
        currency="USD",
    )
    assert typed.items == (item(MONOPOLY, "USD"), item(UNO, "USD"))


def test_the_order_of_the_first_version_is_typed_too() -> None:
    products = [{**MONOPOLY, "id": MONOPOLY["product_id"]}, {**UNO, "id": UNO["product_id"]}]
    for product in products:
        del product["product_id"]
    sent = {
        "orderId": "5",
        "revenue": 25.0,
        "shipping": 3.0,
        "tax": 2.0,
        "discount": 2.5,
        "products": products,
    }
    typed = typed_commerce("Order Completed", sent)
    assert (typed.said, typed.commerce.order_id, typed.commerce.revenue) == ([], "5", Decimal(25))
    assert typed.items == (item(MONOPOLY, ""), item(UNO, ""))


@pytest.mark.parametrize(
    ("event", "amounts"),
    [
        ("Checkout Started", {"value": 30, "revenue": 25.0, "shipping": 3, "tax": 2, "discount": 2.5}),
        ("Order Updated", {"total": 27.5, "revenue": 25.0, "shipping": 3, "tax": 2, "discount": 2.5}),
        ("Order Cancelled", {"total": 30, "revenue": 25.0, "shipping": 3, "tax": 2, "discount": 2.5}),
        ("Order Refunded", {"total": 30}),
    ],
)
def test_whichever_way_the_spec_counts_the_discount_its_amounts_fit(
    event: str, amounts: dict[str, float]
) -> None:
    sent = {"order_id": "5", **amounts, "currency": "USD", "products": [MONOPOLY, UNO]}
    typed = typed_commerce(event, sent)
    assert typed.said == []
    kept = {name: getattr(typed.commerce, name) for name in amounts}
    assert kept == {name: Decimal(str(value)) for name, value in amounts.items()}


def test_a_viewed_product_is_the_item_itself() -> None:
    sent = {
        "product_id": "507f",
        "sku": "G-32",
        "category": "Games",
        "name": "Monopoly",
        "brand": "Hasbro",
        "variant": "200 pieces",
        "price": 18.99,
        "quantity": 1,
        "coupon": "MAYDEALS",
        "currency": "usd",
        "position": 3,
        "value": 18.99,
    }
    typed = typed_commerce("Product Viewed", sent)
    assert typed.commerce == Commerce(currency="USD", value=money("18.99"))
    assert typed.items == (
        Item(
            product_id="507f",
            sku="G-32",
            category="Games",
            name="Monopoly",
            brand="Hasbro",
            variant="200 pieces",
            price=money("18.99"),
            quantity=Decimal(1),
            coupon="MAYDEALS",
            currency="USD",
            position=3,
        ),
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["event"])
def test_every_example_of_the_spec_fits(example: dict[str, Any]) -> None:
    spec = event_spec(example["event"])
    assert spec is not None
    properties = example["properties"]
    typed = typed_commerce(spec.name, properties)
    assert [words for words in typed.said if "does not fit" not in words] == []  # the amounts are made up
    listed = properties.get("products")
    assert len(typed.items) == (len(listed) if listed else spec.name in ONE_PRODUCT)
    for sent, typed_item in zip(listed or [properties], typed.items, strict=False):
        assert typed_item.product_id == sent.get("product_id", sent.get("id", ""))
        assert typed_item.price == (None if "price" not in sent else Decimal(str(sent["price"])))
    order = properties.get("order_id", properties.get("orderId", ""))
    assert typed.commerce.order_id == order


def test_every_family_of_names_has_an_example() -> None:
    specs = [event_spec(example["event"]) for example in EXAMPLES]
    assert {spec.name for spec in specs if spec} == set(NAMES)


def test_a_resolved_event_has_its_order_and_its_items() -> None:
    call = {
        "type": "track",
        "messageId": "m",
        "userId": "ann",
        "event": "Completed Order",
        "properties": ORDER,
    }
    resolver = Resolver(hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=9)
    outputs = resolver(0, [InputRecord(0, 0, None, encode_pack([packed(call)]))], {})
    (event,) = (decode(output.value) for output in outputs if output.topic == EVENTS_RESOLVED.name)
    assert event["meaning"] == {"family": FAMILY, "event": "Order Completed", "violations": []}
    assert (event["commerce"]["total"], event["commerce"]["currency"]) == (money("27.5"), "USD")
    assert [(found["sku"], found["price"], found["quantity"]) for found in event["items"]] == [
        ("45790-32", 19, 1),
        ("46493-32", 3, 2),
    ]


def test_an_event_of_another_family_says_nothing() -> None:
    meaning = Meaning(family="video", event="Video Playback Started")
    for other in (NO_MEANING, meaning):
        found, commerce, items = with_commerce(other, ORDER)
        assert found is other
        assert commerce is NO_COMMERCE
        assert items == ()


def test_what_is_wrong_joins_what_the_catalogue_says() -> None:
    meaning = Meaning(family=FAMILY, event="Cart Viewed", violations=("properties.x: y",))
    found, _, _ = with_commerce(meaning, {"value": "1,299"})
    assert found.violations == (
        "properties.x: y",
        "properties.value: left out, text that can be read as two amounts",
    )


def test_its_own_name_goes_before_the_others() -> None:
    for sent in (
        {"order_id": "own", "orderId": "camel", "id": "old"},
        {"id": "old", "orderId": "camel", "order_id": "own"},
    ):
        assert typed_commerce("Order Updated", sent).commerce.order_id == "own"
    assert typed_commerce("Cart Viewed", {"id": "x"}).commerce is NO_COMMERCE
    assert typed_commerce("Product Viewed", {"id": "x"}).items == (Item(product_id="x"),)
    assert typed_commerce("Coupon Applied", {"coupon_id": "may"}).commerce.coupon == "may"


def test_a_number_is_an_id_too() -> None:
    sent = {"order_id": 1001.0, "products": [{"product_id": 7, "sku": 1e300, "name": True, "brand": ["x"]}]}
    typed = typed_commerce("Order Completed", sent)
    assert (typed.commerce.order_id, typed.items) == ("1001", (Item(product_id="7", sku="1e+300"),))


def test_an_item_has_the_currency_of_the_event_unless_it_has_its_own() -> None:
    sent = {"currency": "EUR", "products": [{"sku": "a"}, {"sku": "b", "currency": "chf"}]}
    assert [found.currency for found in typed_commerce("Order Completed", sent).items] == ["EUR", "CHF"]


def test_bad_values_are_left_out_and_named_and_the_rest_is_kept() -> None:
    products = [{"sku": "a", "price": "5 €", "quantity": -1}, {"sku": "b", "position": "top"}]
    typed = typed_commerce(
        "Order Completed", {"order_id": "5", "tax": 1e12, "currency": "€", "products": products}
    )
    assert typed.said == [
        "properties.tax: left out, out of range",
        "properties.currency: no code of a currency, stored as XXX",
        "properties.products.0.price: left out, no amount",
        "properties.products.0.quantity: left out, negative",
        "properties.products.1.position: left out, no amount",
    ]
    assert typed.commerce == Commerce(order_id="5", currency="XXX")
    assert typed.items == (Item(sku="a", currency="XXX"), Item(sku="b", currency="XXX"))


def test_a_list_without_end_is_cut_and_said_to_be() -> None:
    typed = typed_commerce(
        "Order Completed", {"products": [{"sku": "x", "price": []}] * (commerce.ITEMS_MAX + 1)}
    )
    assert len(typed.items) == commerce.ITEMS_MAX
    assert (
        typed.said[-1]
        == f"properties.products: the first {commerce.ITEMS_MAX} of {commerce.ITEMS_MAX + 1} are kept as items"
    )
    assert len(typed.said) <= commerce.COMPLAINTS_MAX + 1


KEYS = st.sampled_from(
    ["order_id", "orderId", "id", "total", "revenue", "subtotal", "shipping", "tax", "discount", "value", "currency", "coupon",
     "product_id", "sku", "price", "quantity", "position", "name", "url"]
)  # fmt: skip
PROPERTIES = st.dictionaries(KEYS, JSON, max_size=6)


@given(
    st.sampled_from(NAMES), PROPERTIES, st.none() | JSON | st.lists(JSON | PROPERTIES, min_size=1, max_size=3)
)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_stamps_that_can_be_written(
    event: str, properties: dict[str, Any], products: object
) -> None:
    sent = properties | ({} if products is None else {"products": products})
    meaning, commerce, items = with_commerce(Meaning(family=FAMILY, event=event), sent)
    put_stamps(Writer(), Stamps(meaning=meaning, commerce=commerce, items=items))
    amounts = [commerce.total, commerce.revenue, *(found.price for found in items)]
    assert all(abs(found) < MONEY_MAX for found in amounts if found is not None)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["event"])
def test_what_is_remembered_by_its_text_is_what_its_properties_say(example: dict[str, Any]) -> None:
    meaning, sent = Meaning(family=FAMILY, event=example["event"]), example["properties"]
    for _ in range(2):
        assert with_commerce(meaning, sent, json.dumps(sent).encode()) == with_commerce(meaning, sent)


@pytest.mark.parametrize("listed", [[], "junk", {"product_id": "b"}, 7, False])
def test_an_event_about_one_product_is_that_item_beside_a_list_that_holds_none(listed: Any) -> None:
    typed = typed_commerce("Product Viewed", {"product_id": "a", "price": "12", "products": listed})
    assert typed.items == (Item(product_id="a", price=Decimal(12)),)
