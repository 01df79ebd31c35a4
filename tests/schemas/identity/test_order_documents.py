"""Orders as documents of `control`: every order comes back as it was, and a repeated one has the same key."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity.order_documents import Addressed, decode, encode, key_of, orders_in, outdated
from schemas.identity.orders import Erase, Forget, Order, Suppress, Unlink

NODES = st.integers(0, (1 << 63) - 1)
TIMES = st.integers(0, 7_258_118_400_000)
ORDERS: st.SearchStrategy[Order] = st.one_of(
    st.builds(Unlink, NODES, NODES),
    st.builds(Forget, NODES, TIMES),
    st.builds(Forget, NODES, TIMES, NODES),
    st.builds(Erase, NODES, TIMES, TIMES),
    st.builds(Suppress, NODES),
)
ADDRESSED = st.builds(Addressed, ORDERS, st.none() | st.integers(0, (1 << 31) - 1), st.text(max_size=20))


@given(ADDRESSED)
def test_an_order_is_read_as_it_was_written(addressed):
    assert decode(encode(addressed)) == addressed


@given(st.lists(ADDRESSED, max_size=6))
def test_all_orders_of_control_are_found_among_other_documents(given_orders):
    documents = {"source/shop": b"{}"} | {key_of(each.order): encode(each) for each in given_orders}
    last = {key_of(each.order): each for each in given_orders}
    assert list(orders_in(documents)) == list(last.values())


def test_forgetting_later_takes_the_place_of_forgetting_earlier_and_of_nothing_else():
    assert key_of(Forget(1, 10)) == key_of(Forget(1, 20))
    assert (
        len({key_of(Forget(1, 10)), key_of(Forget(1, 10, 2)), key_of(Suppress(1)), key_of(Unlink(1, 2))}) == 4
    )
    assert key_of(Erase(1, 0, 10)) != key_of(Erase(1, 0, 20)), "each range that was erased stays known"


@pytest.mark.parametrize(
    "text",
    [
        b"nothing",
        b'{"order": "burn", "node": "01", "by": ""}',
        b'{"order": "unlink", "node": "01", "by": ""}',
        b'{"order": "erase", "node": "01", "by": "", "until": 3}',
    ],
)
def test_what_is_no_order_of_this_release_is_an_error(text):
    with pytest.raises((msgspec.DecodeError, ValueError)):
        decode(text)


def test_an_earlier_forgetting_replaces_no_later_one_of_the_same():
    first, second, other, parted = (
        Addressed(order, None, "forget/x")
        for order in (Forget(1, 10), Forget(1, 20), Forget(2, 10), Forget(1, 10, 7))
    )
    assert outdated([first, other, parted], [second]) == [first]
    assert outdated([second, first], []) == [first], "whichever comes last"
    assert outdated([second], [first]) == []
    assert outdated([first, Addressed(Erase(1, 0, 10), None, "forget/x")], [first]) == []
