"""Which facts are news."""

import pytest

from processors.identity.facts import ASSERTED, CLAIMED, Fact
from processors.identity.known import LINKS_PER_NODE_MAX, KnownFacts

HASH_KEY = bytes(range(16))
DEVICE = b"main|a:d1"


def link(time: int, *, user: str = "ann", strength: int = ASSERTED, stamp: bool = False) -> Fact:
    return Fact(DEVICE, b"main|u:" + user.encode(), time, strength, stamp)


CASES = [
    ("the first of its link", link(50, user="bob"), True),
    ("the first of its class", link(50, strength=CLAIMED), True),
    ("an earlier one", link(9), True),
    ("the same again", link(10), False),
    ("a later one", link(11), False),
    ("a later stamp", link(20, stamp=True), True),
    ("a stamp where a link without one was known", link(10, stamp=True), True),
    ("the last stamp again", link(15, stamp=True), False),
]


@pytest.mark.parametrize(("sentence", "fact", "expected"), CASES, ids=[line[0] for line in CASES])
@pytest.mark.parametrize("chunks", [1, 2])
def test_a_fact_is_news_when_identity_would_learn_from_it(sentence, fact, expected, chunks):
    state: dict[bytes, bytes] = {}
    known = KnownFacts(state, HASH_KEY)
    known.news([link(12), link(15, stamp=True), link(10)])
    if chunks == 2:
        known.save()
        known = KnownFacts(state, HASH_KEY)
    assert (known.news([fact]) == [fact]) is expected


def test_nothing_is_written_when_nothing_is_new():
    state: dict[bytes, bytes] = {}
    known = KnownFacts(state, HASH_KEY)
    known.news([link(10)])
    known.save()
    before = dict(state)
    state.clear()
    again = KnownFacts(before, HASH_KEY)
    again.news([link(11)])
    again.save()
    assert state == {}


def test_links_per_node_are_limited_and_a_forgotten_link_is_news_again():
    state: dict[bytes, bytes] = {}
    known = KnownFacts(state, HASH_KEY)
    known.news([link(10, user=str(number)) for number in range(LINKS_PER_NODE_MAX + 1)])
    known.save()
    (value,) = state.values()
    assert len(value) == 1 + 25 * LINKS_PER_NODE_MAX
    fresh = KnownFacts(state, HASH_KEY)
    assert fresh.news([link(10, user="0"), link(10, user="1")]) == [link(10, user="0")]
