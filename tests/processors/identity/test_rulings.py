"""Orders at a node: unlink, forget and suppress, before the facts, after them and again."""

from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.identity.facts import (
    ASSERTED,
    CLAIMED,
    DERIVED,
    MERGED,
    Derivation,
    Fact,
    decode_facts,
    encode_facts,
    encode_orders,
)
from processors.identity.identity import PREFIX, Identity
from processors.identity.node_state import RULINGS_MAX, NodeState
from processors.identity.rulings import ruled
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase, Forget, Order, Suppress, Unlink
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED

ANN, BOB, ZOE, CONTACT = b"main|u:ann", b"main|u:bob", b"main|u:zoe", b"main|x:contact_id:7"
MAIL, DEVICE = b"main|e:00ff", b"main|a:d1"


def of(node: bytes) -> int:
    return node_id(node, HASH_KEY)


def link(node: bytes, target: bytes, time: int = 5, strength: int = ASSERTED, *, stamp: bool = False) -> Fact:
    return Fact(node, target, time, strength, stamp)


Item = Fact | Derivation | Order


def as_message(item: Item) -> bytes:
    if isinstance(item, Fact):
        return next(encode_facts([item], []))
    return next(encode_facts([], [item])) if isinstance(item, Derivation) else encode_orders([item])


def run(state: dict[bytes, bytes], *items: Item) -> list[OutputRecord]:
    step = Identity(hash_key=HASH_KEY, partitions=4)
    return step(0, [InputRecord(n, RECEIVED, None, as_message(item)) for n, item in enumerate(items)], state)


def pointers(outputs: list[OutputRecord]) -> list[dict[str, object]]:
    return [decode(out.value) for out in outputs if out.topic == "identity.pointers"]


def told(outputs: list[OutputRecord]) -> list[Derivation]:
    packs = [decode_facts(out.value) for out in outputs if out.topic == "identity.facts"]
    return [derivation for pack in packs for derivation in pack.derivations]


def settled(items: list[Item]) -> tuple[dict[int, dict[str, object]], dict[bytes, bytes]]:
    """The last pointer of each node after one chunk per item, and the state."""
    state: dict[bytes, bytes] = {}
    last: dict[int, dict[str, object]] = {}
    for item in items:
        for pointer in pointers(run(state, item)):
            node = pointer["node"]
            assert isinstance(node, int)
            assert node not in last or version(last[node]) < version(pointer)
            last[node] = pointer
    return last, state


def owner_of(node: bytes, last: dict[int, dict[str, object]]) -> object:
    return last[of(node)]["owner"] if of(node) in last else of(node)


CASES: list[tuple[str, bytes, list[Item], bytes]] = [
    ("an unlinked target is none", MAIL, [link(MAIL, ANN), Unlink(of(MAIL), of(ANN))], MAIL),
    ("the next best takes its place", MAIL, [link(MAIL, ANN), link(MAIL, BOB, 9), Unlink(of(MAIL), of(ANN))], BOB),
    ("a stamp is unlinked with its link", DEVICE, [link(DEVICE, ANN, stamp=True), Unlink(of(DEVICE), of(ANN))], DEVICE),
    ("claims count when the assertion is unlinked", DEVICE,
     [link(DEVICE, ANN), link(DEVICE, MAIL, 9, CLAIMED), Unlink(of(DEVICE), of(ANN))], MAIL),
    ("a derived link is unlinked too", MAIL, [Derivation(MAIL, DEVICE, 1, {ANN: (5, DERIVED)}), Unlink(of(MAIL), of(ANN))], MAIL),
    ("a merge of two users is undone", ZOE, [link(ZOE, ANN, 5, MERGED), Unlink(of(ZOE), of(ANN))], ZOE),
    ("what was unlinked elsewhere counts here", MAIL, [link(MAIL, ANN), Unlink(of(DEVICE), of(ANN))], ANN),
    ("a forgotten link never was", MAIL, [link(MAIL, ANN), Forget(of(MAIL), 5)], MAIL),
    ("a later one stays", MAIL, [link(MAIL, ANN, 6), Forget(of(MAIL), 5)], ANN),
    ("the latest order counts", MAIL, [link(MAIL, ANN, 6), Forget(of(MAIL), 7), Forget(of(MAIL), 5)], MAIL),
    ("a forgotten claim of a device never was", DEVICE,
     [link(DEVICE, ANN, stamp=True), link(DEVICE, BOB, 9), Forget(of(DEVICE), 5)], BOB),
    ("a logout is forgotten as well", DEVICE,
     [link(DEVICE, ANN, 9), link(DEVICE, b"", 5, stamp=True), Forget(of(DEVICE), 8)], ANN),
    ("a derived link is forgotten by its time", MAIL,
     [Derivation(MAIL, DEVICE, 1, {ANN: (5, DERIVED)}), Forget(of(MAIL), 5)], MAIL),
    ("one target is forgotten", MAIL, [link(MAIL, ANN), link(MAIL, CONTACT, 5), Forget(of(MAIL), 5, of(ANN))], CONTACT),
    ("and returns when it is linked later", MAIL, [link(MAIL, ANN, 6), Forget(of(MAIL), 5, of(ANN))], ANN),
    ("a suppressed node has no links, ever", MAIL, [link(MAIL, ANN, 2**42), Suppress(of(MAIL))], MAIL),
    ("erased events are no links", MAIL, [link(MAIL, ANN), Erase(of(MAIL), 0, 9)], ANN),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "node", "items", "expected"), CASES, ids=[case[0] for case in CASES])
def test_orders_hold_in_any_order_and_when_repeated(sentence, node, items, expected):
    for order in permutations(items):
        last, _ = settled([*order, *order])
        assert owner_of(node, last) == of(expected)


def test_facts_that_come_again_after_an_order_change_nothing_and_send_nothing():
    state: dict[bytes, bytes] = {}
    run(state, link(DEVICE, ANN, stamp=True), link(DEVICE, MAIL))
    run(state, Forget(of(DEVICE), 5))
    before = dict(state)
    assert run(state, link(DEVICE, ANN, stamp=True), link(DEVICE, MAIL), Forget(of(DEVICE), 5)) == []
    assert state == before


def test_a_forgotten_node_keeps_nothing_in_clear_and_says_that_it_is_its_own():
    state: dict[bytes, bytes] = {}
    facts = (
        link(DEVICE, ANN, stamp=True),
        link(DEVICE, MAIL),
        Derivation(DEVICE, b"main|m:1", 1, {BOB: (3, DERIVED)}),
    )
    (before,) = pointers(run(state, *facts))
    outputs = run(state, Forget(of(DEVICE), 10))
    (after,) = pointers(outputs)
    assert (after["owner"], after["segments"], after["is_deleted"]) == (of(DEVICE), [], False)
    assert version(after) > version(before)
    assert told(outputs) == [Derivation(MAIL, DEVICE, version(after), {})]
    assert not [
        name for name in (b"ann", b"bob", b"d1", b"00ff", b"main") if name in b"".join(state.values())
    ]


def version(pointer: dict[str, object]) -> int:
    found = pointer["version"]
    assert isinstance(found, int)
    return found


def test_a_person_who_returns_is_linked_anew_with_a_higher_version():
    state: dict[bytes, bytes] = {}
    run(state, link(DEVICE, ANN))
    (gone,) = pointers(run(state, Forget(of(DEVICE), 10)))
    (back,) = pointers(run(state, link(DEVICE, ANN, 11)))
    assert back["owner"] == of(ANN)
    assert version(back) > version(gone)


def test_one_forgotten_target_leaves_no_trace_in_clear():
    state: dict[bytes, bytes] = {}
    run(state, link(DEVICE, ANN, stamp=True), link(DEVICE, BOB, 9), link(DEVICE, MAIL, 7))
    run(state, Forget(of(DEVICE), 10, of(ANN)))
    (kept,) = state.values()
    assert b"ann" not in kept
    assert b"bob" in kept


def test_an_order_for_a_node_that_nobody_knows_is_kept_in_a_few_bytes_and_sends_nothing():
    state: dict[bytes, bytes] = {}
    assert run(state, Forget(of(DEVICE), 10)) == []
    assert run(state, Unlink(of(DEVICE), of(ANN))) == []
    assert list(state) == [PREFIX + of(DEVICE).to_bytes(8, "big")]
    assert max(map(len, state.values())) < 50


def test_what_an_unlinked_node_had_told_is_taken_back():
    state: dict[bytes, bytes] = {}
    (before,) = told(run(state, link(DEVICE, MAIL), link(DEVICE, ANN, 9)))
    assert before.targets == {ANN: (9, DERIVED)}
    (after,) = told(run(state, Unlink(of(DEVICE), of(ANN))))
    assert (after.node, after.targets) == (MAIL, {})


def test_orders_about_one_node_are_limited_whatever_their_order():
    orders: list[Order] = [Unlink(1, target) for target in range(RULINGS_MAX + 9)]
    orders += [Forget(1, 5 + target, target) for target in range(RULINGS_MAX + 9)]
    one, two = NodeState(), NodeState()
    for order in orders:
        one = ruled(one, [order], of)
    for order in reversed(orders):
        two = ruled(two, [order], of)
    assert one.rulings == two.rulings
    assert (len(one.rulings.unlinked), len(one.rulings.forgotten)) == (RULINGS_MAX, RULINGS_MAX)


targets = st.integers(0, 60).map(lambda number: b"main|%b:%d" % (b"ue"[number % 2 :][:1], number))
claims = st.builds(
    Fact, st.just(DEVICE), targets, st.integers(1, 90), st.sampled_from([ASSERTED, CLAIMED]), st.booleans()
)
unlinks = targets.map(lambda target: Unlink(of(DEVICE), of(target)))


@settings(max_examples=40, deadline=None)
@given(st.lists(claims | unlinks, min_size=40, max_size=120), st.integers(0, 1000))
def test_unlinks_among_more_links_than_are_kept_do_not_depend_on_the_order(items, seed):
    mixed = Random(seed).sample(items, len(items))  # noqa: S311 - an order
    one, two = dict[bytes, bytes](), dict[bytes, bytes]()
    run(one, *items)
    for item in mixed:
        run(two, item)
    assert seen(one) == seen(two)


def seen(state: dict[bytes, bytes]) -> list[object]:
    """All but the number of changes."""
    return [msgspec.msgpack.decode(value, type=list[object])[2:] for value in state.values()]


def test_an_order_that_names_no_node_id_is_a_dead_letter():
    state: dict[bytes, bytes] = {}
    (out,) = run(state, Suppress(-1))
    assert decode(out.value)["reason"] == "unreadable_pack"
    assert state == {}
