"""What the caps of identity promise: no state and no message outgrows Kafka, and within them order changes nothing."""

from random import Random

import pytest

from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from processors.events.times import TIME_MAX
from processors.identity.facts import (
    ASSERTED,
    BOUNDARY,
    CLAIMED,
    DERIVED,
    MERGED,
    NODE_BYTES_MAX,
    PACK_BYTES_MAX,
    Derivation,
    Fact,
    encode_facts,
    encode_orders,
    facts_of,
)
from processors.identity.forest import apply, outcome
from processors.identity.identity import Identity
from processors.identity.node_state import PROVENANCES_MAX, RULINGS_MAX, STATE_BYTES_MAX, NodeState
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Forget, Order, Unlink
from schemas.stream import InputRecord
from tests.processors.driver import HASH_KEY, RECEIVED, Pipeline, packed, profile_of_node
from tests.processors.oracle import Oracle, Visit

VERSION = 2**60
LAST = TIME_MAX - 1000  # as wide as a number of msgpack gets


def long(kind: str, number: int) -> bytes:
    """A node key of the greatest length."""
    return f"main|{kind}:{number:05}:".encode().ljust(NODE_BYTES_MAX, b"x")


def outsized(node: bytes) -> list[tuple[list[Fact], list[Derivation]]]:
    """More of everything than any cap keeps: links of each strength, stamps of ever other targets, provenances."""
    targets = [long("x", number) for number in range(40)] + [long("u", number) for number in range(40)]
    links = [Fact(node, t, LAST, s, stamp=False) for t in targets for s in (MERGED, ASSERTED, CLAIMED)]
    stamps = []
    for number in range(100):
        time = LAST + number
        stamps.append(Fact(node, targets[number % 80], time, ASSERTED, stamp=True))
        if number % 3 == 2:
            stamps.append(Fact(node, BOUNDARY, time, ASSERTED, stamp=True))
    said: dict[bytes, tuple[int, int]] = dict.fromkeys(targets, (LAST, DERIVED))
    derivations = [Derivation(node, long("a", number), VERSION, said) for number in range(150)]
    return [
        (links, []),
        (stamps, []),
        *(([], derivations[start : start + 10]) for start in range(0, 150, 10)),
    ]


@pytest.mark.parametrize("kind", ["a", "e"])
def test_no_facts_make_a_state_or_a_message_that_kafka_refuses(kind):
    node, state, largest = long(kind, 99_999), dict[bytes, bytes](), 0
    step = Identity(hash_key=HASH_KEY, partitions=1, generation=9)
    for facts, derivations in outsized(node):
        records = [InputRecord(0, RECEIVED, None, value) for value in encode_facts(facts, derivations)]
        for out in step(0, records, state):
            assert out.topic in ("identity.facts", "identity.pointers", "profile.changes")
            assert len(out.value) <= PACK_BYTES_MAX
        largest = max(largest, *map(len, state.values()))
    orders: list[Order] = [
        *(Unlink(node_id(node, HASH_KEY), VERSION + number) for number in range(RULINGS_MAX)),
        *(Forget(node_id(node, HASH_KEY), LAST, VERSION + number) for number in range(RULINGS_MAX)),
    ]
    step(0, [InputRecord(0, RECEIVED, None, encode_orders(orders))], state)
    assert len(*state.values()) > largest
    largest = len(*state.values())
    assert STATE_BYTES_MAX / 5 < largest <= STATE_BYTES_MAX


def test_many_devices_of_many_users_with_long_ids_and_one_email_keep_the_state_small():
    """The driver checks each state and each message."""
    visits = [
        Visit(f"{user}-{device}-{kind}", kind, RECEIVED - user, user=name, email=email, device=f"{user}-{device}-" + "d" * 240)
        for user in range(32)
        for device in range(66)
        for kind, name, email in (("page", f"{user}-" + "u" * 240, ""), ("identify", "", "all@x.io"))
    ]  # fmt: skip
    pipeline = Pipeline(1).visit(visits)
    assert max(len(value) for state in pipeline.states.values() for value in state.values()) > 50_000


def test_a_node_key_that_is_too_long_has_no_facts():
    event = parse(
        packed({"type": "page", "userId": "ann", "anonymousId": "d1"}, workspace="w" * NODE_BYTES_MAX)
    )
    assert isinstance(event, ParsedEvent)
    about = mentions(event, "m1")
    assert about
    assert facts_of(event, about) == []


def devices(count: int, logouts: int) -> list[Visit]:
    """Each device names an e-mail, then a user; the first ones log out in between, which takes the link back."""
    found = []
    for number in range(count):
        name = f"d{number}"
        found.append(Visit(f"mail-{name}", "identify", RECEIVED - 9000, email="all@x.io", device=name))
        found.append(Visit(f"user-{name}", "identify", RECEIVED - 5000 + number, user="ann", device=name))
        if number < logouts:
            found.append(Visit(f"out-{name}", "logout", RECEIVED - 7000, device=name))
    return found


@pytest.mark.parametrize(
    ("count", "logouts"),
    [(PROVENANCES_MAX, PROVENANCES_MAX), (PROVENANCES_MAX, PROVENANCES_MAX - 1), (PROVENANCES_MAX + 40, 0)],
)
def test_within_the_cap_of_provenances_any_order_is_the_same_and_beyond_it_while_nothing_is_taken_back(
    count, logouts
):
    visits = devices(count, logouts)
    oracle = Oracle(visits)
    expected = {visit.id: profile_of_node(oracle.profile(visit)) for visit in visits}
    by_kind = sorted(visits, key=lambda visit: visit.kind)
    for order in (visits, by_kind, by_kind[::-1], Random(1).sample(visits, len(visits))):  # noqa: S311 - an order
        found = Pipeline(2)
        for start in range(0, len(order), 40):
            found.visit(order[start : start + 40])
        assert found.profiles() == expected


def test_beyond_the_cap_the_provenances_that_were_dropped_do_not_return_by_themselves():
    """The one case in which order counts: docs/decisions/0010."""
    mail, ann = b"main|e:00ff", b"main|u:ann"
    said = [Derivation(mail, b"main|a:%d" % n, 1, {ann: (n, DERIVED)}) for n in range(PROVENANCES_MAX + 1)]
    taken_back = [Derivation(mail, one.via, 2, {}) for one in said[:PROVENANCES_MAX]]
    state = apply(mail, apply(mail, NodeState(), [], said), [], taken_back)
    assert outcome(mail, state).owners == [(0, mail)]
    assert outcome(mail, apply(mail, state, [], said[-1:])).owners == [(0, ann)]
