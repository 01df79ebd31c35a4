"""What the resolver tells agent `commerce` of an event."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.commerce.commerce_facts import (
    ADDED,
    ORDERED,
    VIEWED,
    FactPack,
    Line,
    Values,
    decode_facts,
    encode_facts,
    encode_tick,
)
from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.identity.identifiers import node_id, node_key, partition_of
from schemas.stream import InputRecord
from tests.processors.driver import HASH_KEY, RECEIVED, packed
from tests.processors.shop import ONE, START, cart_fact, product_fact, read_facts

MUG = {
    "product_id": "mug",
    "name": "Mug",
    "price": 8,
    "currency": "EUR",
    "quantity": 2,
    "url": "https://shop.example/mug",
}
VISITOR = node_id(node_key("main", "a", "phone"), HASH_KEY)
PARTITIONS = 3


def told(*calls: dict[str, Any]) -> list[FactPack]:
    """What one chunk with these calls sends; each message goes where its facts belong."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=PARTITIONS, duplicate_window_days=7, duplicate_ids_per_key_max=100
    )
    known = {"type": "track", "anonymousId": "phone"}
    events = [packed(known | {"messageId": f"m{number}"} | call) for number, call in enumerate(calls)]
    outputs = resolver(0, [InputRecord(0, RECEIVED, None, encode_pack(events))], {})
    for out in outputs:
        if out.topic == "commerce.facts":
            for fact in decode_facts(out.value).carts:
                assert partition_of(fact.key, PARTITIONS) == out.partition
    return read_facts(outputs)


def test_an_ordinary_event_tells_nothing() -> None:
    assert (
        told({"type": "page"}, {"event": "Signed Up", "properties": MUG}, {"event": "Video Playback Started"})
        == []
    )


def test_an_addition_tells_of_the_cart_and_of_the_product() -> None:
    packs = told({"event": "Product Added", "properties": MUG | {"cart_id": "k1"}, "userId": "ann"})
    (fact,) = [fact for pack in packs for fact in pack.carts]
    assert (fact.cart_id, fact.visitor, fact.kind, fact.source) == ("k1", VISITOR, ADDED, "shop")
    assert fact.subject == node_id(node_key("main", "u", "ann"), HASH_KEY)
    assert fact.lines == [Line("mug", "Mug", "", "EUR", 2 * ONE, 8 * ONE)]
    (stated,) = [fact for pack in packs for fact in pack.products]
    assert stated.product == "mug"
    assert stated.values == Values(name="Mug", currency="EUR", url="https://shop.example/mug", price=8 * ONE)


def test_a_list_tells_of_each_product_with_what_stands_beside_it() -> None:
    listed = [MUG, {"sku": "t-1", "name": "Tea", "image_url": "https://shop.example/tea.png"}]
    packs = told({"event": "Product List Viewed", "properties": {"products": listed}})
    found = {fact.product: fact.values for pack in packs for fact in pack.products}
    assert found["mug"].url == "https://shop.example/mug"
    assert found["t-1"] == Values(name="Tea", image_url="https://shop.example/tea.png")
    (view,) = [
        fact
        for pack in told({"event": "Cart Viewed", "properties": {"products": listed}})
        for fact in pack.carts
    ]
    assert (view.kind, [line.product for line in view.lines]) == (VIEWED, ["mug", "t-1"])


def test_an_order_is_told_of_its_cart_and_its_prices_are_no_catalogue() -> None:
    (pack,) = told({"event": "Order Completed", "properties": {"order_id": "o1", "products": [MUG]}})
    assert pack.products == []
    assert [(fact.kind, fact.lines, fact.cart_id) for fact in pack.carts] == [(ORDERED, [], "")]


def test_nothing_happens_after_it_was_told() -> None:
    (fact,) = [
        fact
        for pack in told({"event": "Cart Viewed", "timestamp": "2100-01-01T00:00:00Z"})
        for fact in pack.carts
    ]
    assert fact.time == RECEIVED


def test_what_a_chunk_states_again_is_told_once() -> None:
    packs = told(*[{"event": "Product Viewed", "properties": MUG}] * 5)
    assert len([fact for pack in packs for fact in pack.products]) == 1


def test_facts_without_end_are_many_messages() -> None:
    carts = [cart_fact(number, START, cart_id="k" * 200) for number in range(5_000)]
    messages = list(encode_facts(carts, [product_fact(START, name="Mug")]))
    packs = [decode_facts(message) for message in messages]
    assert max(map(len, messages)) < 900_000
    assert [fact for pack in packs for fact in pack.carts] == carts
    assert sum(len(pack.products) for pack in packs) == 1
    assert decode_facts(encode_tick(START)).tick == START


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("8.5"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["product_id", "sku", "name", "price", "quantity", "url", "image_url", "products", "cart_id"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.sampled_from(["Product Added", "Cart Viewed", "Product Viewed", "Order Completed"]), anything)
def test_any_json_gives_facts(event: str, properties: Any) -> None:
    for pack in told({"event": event, "properties": properties}):
        for fact in pack.carts:
            assert all(line.product for line in fact.lines)


def test_a_statement_is_told_once_an_hour_and_again_when_it_was_made_earlier() -> None:
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=100
    )
    state: dict[bytes, bytes] = {}
    found = []
    hour = 3_600_000
    for number, (time, price) in enumerate(
        [(5, 8), (9, 8), (3, 8), (4, 8), (9, 7), (hour, 8), (6, 7), (2 * hour, 8)]
    ):
        call = {
            "type": "track",
            "event": "Product Viewed",
            "anonymousId": f"d{number}",
            "messageId": f"m{number}",
            "timestamp": RECEIVED // hour * hour - 5 * hour + time,
            "properties": MUG | {"price": price},
        }
        pack = encode_pack([packed(call)])
        outputs = resolver(0, [InputRecord(number, RECEIVED, None, pack)], state)
        found.append(sum(len(pack.products) for pack in read_facts(outputs)))
    assert found == [1, 0, 1, 0, 1, 1, 1, 1]
    assert {len(value) for key, value in state.items() if key[:1] == b"p"} == {1 + 20 * 4}
