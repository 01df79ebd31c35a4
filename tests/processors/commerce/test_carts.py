"""Carts and their timers: what order, repetition, chunks and restarts change of them, which is nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.commerce.carts import KEPT_MS, SUBJECTS_MAX
from processors.commerce.commerce_facts import (
    ADDED,
    ORDERED,
    REMOVED,
    TOUCHED,
    VIEWED,
    CartFact,
    Line,
    encode_facts,
    encode_tick,
)
from processors.timers import PAGE_KEYS_MAX, STRETCH_MS, Timers
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase
from tests.processors.shop import AFTER_S, HASH_KEY, HOUR, ONE, START, Shop, cart_fact

LATER = START + AFTER_S * 1000 + 10 * HOUR


def line(product: str, quantity: int | None = None, price: int | None = None, **texts: Any) -> Line:
    return Line(product, quantity=quantity, price=price, **texts)


def quantities(shop: Shop) -> dict[str, Any]:
    return {item["product"]: item["quantity"] for item in shop.cart["items"]}


lines = st.lists(
    st.builds(
        Line,
        st.sampled_from(["mug", "tea", "pot"]),
        st.sampled_from(["", "Name"]),
        st.just(""),
        st.sampled_from(["EUR", "USD", ""]),
        st.none() | st.integers(0, 3).map(lambda number: number * ONE),
        st.none() | st.integers(0, 50).map(lambda number: number * ONE),
    ),
    max_size=3,
)
cart_events = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from([TOUCHED, ADDED, REMOVED, VIEWED, ORDERED]),
        lines,
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=12,
).map(
    lambda events: [
        cart_fact(number, START + minute * 60_000, kind, lines=said, subject=subject, visitor=subject + 4)
        for number, (minute, kind, said, subject) in enumerate(events)
    ]
)


@settings(max_examples=150)
@given(cart_events, st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_events_gives_the_same_cart_and_the_same_candidates(
    facts: list[CartFact], random: Any
) -> None:
    straight = Shop().take(*facts, START, LATER, LATER + STRETCH_MS)
    shuffled = [*facts, *random.choices(facts, k=3)]
    random.shuffle(shuffled)
    other = Shop(seed=1).take(*shuffled, START, LATER, LATER + STRETCH_MS)
    assert other.cart == straight.cart
    assert other.candidates == straight.candidates


@settings(max_examples=100)
@given(cart_events, st.data())
def test_a_worker_that_starts_anew_between_any_two_records_fires_what_the_first_one_would_have(
    facts: list[CartFact], data: st.DataObject
) -> None:
    ticks = [START + minutes * 60_000 for minutes in (0, 5, 66, 71, 200)]
    messages: list[CartFact | int] = sorted(
        [*facts, *ticks], key=lambda each: each if isinstance(each, int) else each.time
    )
    straight = Shop().take(*messages)
    shop, fired = Shop(), []
    for message in messages:
        shop.take(message)
        fired += shop.candidates
        shop.candidates = []
        if data.draw(st.booleans()):
            shop = shop.restarted()
    assert fired == straight.candidates
    assert shop.state == straight.state


def test_what_was_added_and_not_removed_is_in_the_cart() -> None:
    shop = Shop().take(
        cart_fact(1, START, lines=[line("mug", 2 * ONE, 8 * ONE, name="Mug", currency="EUR")]),
        cart_fact(2, START + 1, lines=[line("tea", None, 3 * ONE, currency="EUR")]),
        cart_fact(3, START + 2, REMOVED, lines=[line("mug", ONE)]),
        cart_fact(4, START + 3, lines=[line("pot", ONE)]),
        cart_fact(5, START + 4, REMOVED, lines=[line("pot")]),
    )
    assert quantities(shop) == {"mug": 1, "tea": 1}
    assert (shop.cart["value"], shop.cart["currency"], shop.cart["items"][0]["name"]) == (11, "EUR", "Mug")


def test_a_view_of_the_whole_cart_says_all_that_is_in_it() -> None:
    view = cart_fact(2, START + 5, VIEWED, lines=[line("tea", 2 * ONE)])
    shop = Shop().take(cart_fact(3, START + 9, lines=[line("pot")]), view, cart_fact(1, START))
    assert quantities(shop) == {"tea": 2, "pot": 1}


def test_an_order_empties_the_cart_and_what_comes_after_it_is_the_next_round() -> None:
    shop = Shop().take(cart_fact(1, START), cart_fact(2, START + 9, ORDERED, lines=[]), LATER)
    assert (quantities(shop), shop.candidates) == ({}, [])
    shop.take(cart_fact(3, LATER, lines=[line("tea")]), LATER + 2 * HOUR)
    assert quantities(shop) == {"tea": 1}
    assert [candidate.active_at for candidate in shop.candidates] == [LATER]


def test_each_activity_makes_one_candidate_at_most() -> None:
    shop = Shop().take(cart_fact(1, START), START + HOUR - 1)
    assert shop.candidates == []
    shop.take(*(START + HOUR + STRETCH_MS * number for number in range(1, 5)))
    (candidate,) = shop.candidates
    assert (candidate.active_at, candidate.due_at) == (START, START + HOUR)
    assert (candidate.cart_id, candidate.source, candidate.subject) == ("k1", "shop", 7)
    assert candidate.products == [("mug", "Mug", "", ONE, 8 * ONE)]
    shop.take(cart_fact(2, START + 3 * HOUR), START + 5 * HOUR)
    assert [each.active_at for each in shop.candidates] == [START, START + 3 * HOUR]
    assert len({each.message_id for each in shop.candidates}) == 2


def test_a_late_event_does_not_fire_again() -> None:
    shop = Shop().take(cart_fact(1, START + 60_000), START + 2 * HOUR)
    shop.take(cart_fact(2, START, lines=[line("tea")]), START + 3 * HOUR)
    assert len(shop.candidates) == 1
    assert quantities(shop) == {"tea": 1, "mug": 1}


def test_events_of_long_ago_are_due_at_the_next_tick() -> None:
    shop = Shop().take(START, cart_fact(1, START - 900 * HOUR), START + STRETCH_MS)
    assert [candidate.active_at for candidate in shop.candidates] == [START - 900 * HOUR]


def test_what_is_imported_of_long_ago_is_one_cart_however_ticks_fall_between() -> None:
    long_ago = START - 900 * HOUR
    first, second = cart_fact(1, long_ago), cart_fact(2, long_ago + 1, lines=[line("tea")])
    shop = Shop().take(START, first, START + STRETCH_MS, START + HOUR, second, START + 2 * HOUR)
    assert quantities(shop) == {"mug": 1, "tea": 1}
    shop.take(START + KEPT_MS + 3 * HOUR)
    assert [key for key in shop.state if key[:1] in (b"c", b"i")] == []


def test_a_cart_that_comes_and_leaves_within_a_chunk_is_told_of_all_the_same() -> None:
    messages = [*encode_facts([cart_fact(1, START)], []), encode_tick(START + 2 * KEPT_MS)]
    shop = Shop()
    shop.read([*messages, encode_tick(START + 4 * KEPT_MS)])
    assert [key for key in shop.state if key[:1] in (b"c", b"i")] == []
    assert quantities(shop) == {"mug": 1}
    assert shop.cart["candidate_at"] == shop.cart["active_at"]


def test_amounts_of_more_digits_than_are_kept_are_left_out_of_cart_and_candidate() -> None:
    most = 10**18 - 1
    facts = [cart_fact(number, START + number, lines=[line("mug", most, most)]) for number in range(20)]
    shop = Shop().take(*facts, START + 2 * HOUR)
    assert (shop.cart["value"], shop.cart["items"][0]["quantity"]) == (None, None)
    (candidate,) = shop.candidates
    assert candidate.value is None
    assert candidate.products == [("mug", "", "", None, most)]


def test_a_cart_without_an_id_is_its_visitors() -> None:
    shop = Shop().take(
        cart_fact(1, START, cart_id="", visitor=1),
        cart_fact(2, START, cart_id="", visitor=2),
        cart_fact(3, START + 1, cart_id="", visitor=1, lines=[line("tea")]),
    )
    assert sorted(len(cart["items"]) for cart in shop.carts.values()) == [1, 2]


def test_a_cart_that_nobody_touches_leaves_nothing_behind() -> None:
    shop = Shop().take(cart_fact(1, START), START + 2 * HOUR)
    shop.take(START + KEPT_MS + HOUR, START + KEPT_MS + 2 * HOUR)
    assert [key for key in shop.state if key[:1] in (b"c", b"i")] == []
    shop.take(cart_fact(2, START + KEPT_MS + 3 * HOUR))  # the version that it had is passed
    assert len(shop.candidates) == 1


def test_a_cart_of_somebody_who_was_forgotten_is_gone_and_does_not_come_back() -> None:
    shop = Shop().take(START, cart_fact(1, START, subject=5), cart_fact(2, START + 1, subject=6))
    shop.take(Erase(5, 0, START + HOUR), cart_fact(3, START + 2, subject=5, lines=[line("tea")]))
    assert shop.cart["is_deleted"]
    assert shop.cart["items"] == []
    assert shop.cart["subject"] == 0
    shop.take(LATER)
    assert shop.candidates == []
    assert b"k1" not in b"".join([*shop.state.keys(), *shop.state.values()])
    shop.take(cart_fact(4, LATER, subject=5, lines=[line("tea")]))
    assert quantities(shop) == {"tea": 1}


def test_an_erasure_of_an_earlier_time_takes_what_was_said_then() -> None:
    shop = Shop().take(cart_fact(1, START), cart_fact(2, START + HOUR, lines=[line("tea")]))
    shop.take(Erase(7, 0, START + 1))
    assert quantities(shop) == {"tea": 1}


def test_a_cart_that_many_share_remembers_some_of_them() -> None:
    facts = [cart_fact(number, START + number, subject=number) for number in range(SUBJECTS_MAX + 5)]
    shop = Shop().take(*facts)
    assert sum(key[:1] == b"i" for key in shop.state) == SUBJECTS_MAX


def test_what_is_no_pack_of_facts_becomes_a_dead_letter() -> None:
    shop = Shop()
    shop.read([b"\xc1", b"", b"\x95\x63\x90\x90\x00\x90"])
    assert [letter["stage"] for letter in shop.letters] == ["commerce"] * 3
    assert "version 99" in shop.letters[2]["detail"]


def test_timers_come_up_once_each_however_many_share_a_moment() -> None:
    state: dict[bytes, bytes] = {}
    keys = [
        node_id(str(number).encode(), HASH_KEY).to_bytes(8, "big") for number in range(2 * PAGE_KEYS_MAX + 3)
    ]
    timers = Timers(state, 8)
    assert list(timers.advance(START)) == []
    for key in keys:
        timers.set(timers.moment(START + HOUR), key)
    assert list(timers.advance(START + HOUR - STRETCH_MS)) == []
    assert list(Timers(state, 8).advance(START + HOUR)) == keys
    assert list(Timers(state, 8).advance(START + 9 * HOUR)) == []
    assert len(state) == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_cart_that_is_touched_right_after_it_was_forgotten_is_shown_again(seed: int) -> None:
    shop = Shop(seed=seed)  # which refuses a version that is not above the one before
    shop.take(START, cart_fact(1, START), cart_fact(2, START + 1), cart_fact(3, START + 2))
    shop.take(Erase(7, 0, START + 2), cart_fact(4, START + 3, lines=[line("tea")]))
    (cart,) = shop.carts.values()
    assert not cart["is_deleted"]
    assert [item["product"] for item in cart["items"]] == ["tea"]
