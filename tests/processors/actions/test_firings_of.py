"""The keys of a node's firings: all are found, however many, and none is left behind."""

from hypothesis import given
from hypothesis import strategies as st

from processors.actions import firings_of
from processors.actions.firing_state import KEY_BYTES
from processors.actions.firings_of import PAGE_KEYS_MAX, FiringsOf
from schemas.identity.orders import Erase
from tests.processors.actions.desk import Desk, named
from tests.processors.firings import AT, NODE, a_firing, a_rule


def key(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES, "big")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(1, 2))), st.integers(1, 4))
def test_it_is_a_set_of_keys_for_each_node_on_any_size_of_page(
    steps: list[tuple[bool, int, int]], size: int
) -> None:
    usual, firings_of.PAGE_KEYS_MAX = firings_of.PAGE_KEYS_MAX, size
    try:
        state: dict[bytes, bytes] = {}
        known: dict[int, set[bytes]] = {1: set(), 2: set()}
        for is_more, number, node in steps:
            if is_more and key(number) not in known[node]:
                FiringsOf(state).add(node, key(number))
                known[node].add(key(number))
            elif not is_more:
                FiringsOf(state).remove(node, key(number))
                known[node].discard(key(number))
            for each, keys in known.items():
                found = list(FiringsOf(state).of(each))
                assert (len(found), set(found)) == (len(keys), keys)
        pages = sum(-(-len(keys) // size) for keys in known.values())
        assert len(state) == pages, "nothing is left of what went"
    finally:
        firings_of.PAGE_KEYS_MAX = usual


def test_whoever_is_forgotten_gets_none_of_more_firings_than_a_page_has() -> None:
    many = 2 * PAGE_KEYS_MAX + 10
    one = a_firing(a_rule(limits={"delay": "2h", "expires_after": "3h"}))
    desk = Desk().wait(5_000).take(*(named(one, id=f"fire_{number}") for number in range(many)))
    desk.take(orders=[Erase(NODE, 0, AT)])
    ended = [each for each in desk.firings if (each["state"], each["reason"]) == ("refused", "forgotten")]
    assert len({each["firing_id"] for each in ended}) == many
    assert not [place for place in desk.states[0] if place[:1] == firings_of.LETTER]
