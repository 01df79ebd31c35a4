"""What is told of products: a function of the set of statements."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.commerce.commerce_facts import ProductFact, Values
from processors.commerce.products import KEPT_MS, STATEMENTS_MAX
from tests.processors.shop import HOUR, ONE, START, Shop, product_fact

statements = st.lists(
    st.builds(
        lambda minute, name, price: product_fact(START + minute * 60_000, name=name, price=price),
        st.integers(0, 300),
        st.sampled_from(["", "Mug", "Cup"]),
        st.none() | st.sampled_from([8 * ONE, 9 * ONE]),
    ),
    min_size=1,
    max_size=12,
)


def stored(shop: Shop) -> dict[tuple[int, int], Any]:
    """As ClickHouse keeps it: of each statement the earliest time."""
    found: dict[tuple[int, int], Any] = {}
    for record in shop.catalogue:
        place = record["hour"], record["statement"]
        moment = record["valid_from"], str(record["stated"])
        found[place] = min(found.get(place, moment), moment)
    return found


@settings(max_examples=150)
@given(statements, st.randoms(use_true_random=False))
def test_the_catalogue_is_the_same_in_whatever_order_products_are_seen(
    facts: list[ProductFact], random: Any
) -> None:
    straight = Shop().take(*facts)
    shuffled = [*facts, *random.choices(facts, k=2)]
    random.shuffle(shuffled)
    other = Shop(seed=1).take(*shuffled)
    assert stored(other) == stored(straight)
    assert other.catalogue[-1]["latest"].keys() == Values.__struct_fields__ or other.catalogue[-1]["latest"]


@settings(max_examples=100)
@given(statements, st.randoms(use_true_random=False))
def test_the_latest_value_of_each_field_wins_by_event_time(facts: list[ProductFact], random: Any) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)
    straight, other = Shop().take(*facts), Shop(seed=1).take(*shuffled)
    product = next(key for key in straight.state if key[:1] == b"p")
    assert other.state[product] == straight.state[product]


def test_a_product_that_is_looked_at_all_the_time_is_told_once_an_hour() -> None:
    shop = Shop().take(*(product_fact(START + second * 1000, name="Mug") for second in range(100)))
    assert [record["stated"]["name"] for record in shop.catalogue] == ["Mug"]
    shop.take(
        product_fact(START + HOUR, name="Mug"), product_fact(START + HOUR + 1, name="Mug", price=8 * ONE)
    )
    assert [record["latest"]["price"] for record in shop.catalogue] == [None, None, 8]


def test_state_of_a_product_has_a_limit_and_an_end() -> None:
    shop = Shop().take(*(product_fact(START + hour * HOUR, name="Mug") for hour in range(3 * STATEMENTS_MAX)))
    assert max(map(len, shop.state.values())) < 2_000
    shop.take(START, START + KEPT_MS + 200 * HOUR)
    assert not [key for key in shop.state if key[:1] == b"p"]
