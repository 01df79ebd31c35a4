"""The identity step: facts in; pointers and derivations out, and nothing that comes in can stop it."""

from hypothesis import given
from hypothesis import strategies as st

from processors.events.times import TIME_MAX
from processors.identity.facts import (
    ASSERTED,
    DERIVED,
    MERGED,
    Derivation,
    Fact,
    decode_facts,
    encode_facts,
    encode_orders,
)
from processors.identity.identity import Identity
from processors.identity.node_state import CONFLICTS_MAX, TARGETS_MAX
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase, Forget, Suppress, Unlink
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, ms

ANN, BOB, CONTACT, MAIL, DEVICE = (
    b"main|u:ann",
    b"main|u:bob",
    b"main|x:contact_id:7",
    b"main|e:00ff",
    b"main|a:d1",
)


def run(
    state: dict[bytes, bytes], *facts: Fact, generation: int = 0, timestamp: int = RECEIVED
) -> list[OutputRecord]:
    step = Identity(hash_key=HASH_KEY, partitions=4, generation=generation)
    return step(0, [InputRecord(0, timestamp, None, value) for value in encode_facts(list(facts), [])], state)


def link(node: bytes, target: bytes, time: int = 5, *, stamp: bool = False) -> Fact:
    return Fact(node, target, time, ASSERTED, stamp)


def test_a_pointer_says_whom_the_node_points_to():
    out, _ = run({}, link(MAIL, ANN))
    pointer = decode(out.value)
    assert out.topic == "identity.pointers"
    assert ms(pointer.pop("updated_at")) == RECEIVED
    assert pointer == {
        "workspace": "main",
        "node": node_id(MAIL, HASH_KEY),
        "owner": node_id(ANN, HASH_KEY),
        "segments": [],
        "version": 1,
        "is_deleted": False,
        "conflicts": [],
    }


def test_a_change_stands_beside_its_pointer_and_is_keyed_by_its_beginning():
    pointer, out = run({}, link(MAIL, ANN))
    change = decode(out.value)
    assert out.topic == "profile.changes"
    assert out.partition == pointer.partition
    assert out.key == pointer.key + b":0"
    assert {name: ms(change[name]) for name in ("valid_from", "valid_to", "updated_at")} == {
        "valid_from": 0,
        "valid_to": TIME_MAX,
        "updated_at": RECEIVED,
    }
    node, ann = node_id(MAIL, HASH_KEY), node_id(ANN, HASH_KEY)
    assert (change["workspace"], change["node"], change["version"]) == ("main", node, 1)
    assert (change["from"], change["to"]) == (node, ann)


def test_facts_of_one_node_in_one_chunk_make_one_pointer():
    outputs = run({}, link(MAIL, BOB, 9), link(MAIL, ANN, 5), link(MAIL, CONTACT, 7))
    pointers = [decode(out.value) for out in outputs if out.topic == "identity.pointers"]
    assert [pointer["owner"] for pointer in pointers] == [node_id(ANN, HASH_KEY)]


def test_known_facts_send_and_write_nothing():
    state: dict[bytes, bytes] = {}
    run(state, link(MAIL, ANN))
    before = dict(state)
    assert run(state, link(MAIL, ANN), link(MAIL, ANN, 6)) == []
    assert state == before


def test_a_change_without_another_owner_sends_no_pointer():
    state: dict[bytes, bytes] = {}
    run(state, link(MAIL, ANN))
    assert run(state, link(MAIL, ANN, 1), link(MAIL, ANN, 9)) == []


def conflicts(outputs: list[OutputRecord]) -> list[list[tuple[int, int, int]]]:
    """Of each pointer that was sent: target, strength, time."""
    pointers = [decode(out.value) for out in outputs if out.topic == "identity.pointers"]
    return [[(c["target"], c["strength"], ms(c["since"])) for c in one["conflicts"]] for one in pointers]


def test_a_link_that_lost_stands_in_the_pointer_and_says_nothing_more_when_it_comes_again():
    state: dict[bytes, bytes] = {}
    assert conflicts(run(state, link(MAIL, ANN))) == [[]]
    bob, ann = node_id(BOB, HASH_KEY), node_id(ANN, HASH_KEY)
    assert conflicts(run(state, link(MAIL, BOB, 9))) == [[(bob, ASSERTED, 9)]]
    assert run(state, link(MAIL, BOB, 9), link(MAIL, BOB, 20), link(MAIL, ANN, 6)) == []
    assert conflicts(run(state, link(MAIL, BOB, 2))) == [[(ann, ASSERTED, 5)]]


def test_links_to_other_types_and_merges_are_no_conflicts():
    state: dict[bytes, bytes] = {}
    zoe = b"main|u:zoe"
    outputs = run(
        state,
        link(MAIL, ANN),
        link(MAIL, CONTACT),
        Fact(zoe, ANN, 5, MERGED, False),
        Fact(zoe, BOB, 7, MERGED, False),
    )
    assert conflicts(outputs) == [[], []]


def test_the_best_conflicts_are_named_and_the_number_is_limited():
    stated = [link(MAIL, b"main|u:%03d" % number, 100 + number) for number in range(40)]
    derived = [
        Derivation(MAIL, DEVICE, 1, {b"main|x:crm:%d" % number: (number, DERIVED) for number in range(30)})
    ]
    step = Identity(hash_key=HASH_KEY, partitions=4)
    values = [*encode_facts(stated, []), *encode_facts([], derived)]
    (found,) = conflicts(
        step(0, [InputRecord(n, RECEIVED, None, value) for n, value in enumerate(values)], {})
    )
    assert len(found) == CONFLICTS_MAX
    assert [strength for _, strength, _ in found] == [ASSERTED] * (TARGETS_MAX - 1) + [DERIVED]


def test_an_unlinked_target_is_no_conflict():
    state: dict[bytes, bytes] = {}
    run(state, link(MAIL, ANN), link(MAIL, BOB, 9))
    step = Identity(hash_key=HASH_KEY, partitions=4)
    order = encode_orders([Unlink(node_id(MAIL, HASH_KEY), node_id(BOB, HASH_KEY))])
    assert conflicts(step(0, [InputRecord(0, RECEIVED, None, order)], state)) == [[]]


def test_versions_grow_and_a_later_generation_beats_every_earlier_one():
    state: dict[bytes, bytes] = {}
    first = decode(run(state, link(MAIL, BOB, 9))[0].value)["version"]
    second = decode(run(state, link(MAIL, ANN, 5))[0].value)["version"]
    fresh = decode(run({}, link(MAIL, ANN), generation=1)[0].value)["version"]
    assert first < second < fresh


def told(outputs: list[OutputRecord]) -> list[Derivation]:
    packs = [decode_facts(out.value) for out in outputs if out.topic == "identity.facts"]
    return [derivation for pack in packs for derivation in pack.derivations]


def test_what_a_node_derives_is_sent_once_and_taken_back_when_it_no_longer_holds():
    state: dict[bytes, bytes] = {}
    out = told(run(state, link(DEVICE, MAIL, 5), link(DEVICE, ANN, 9)))
    assert out == [Derivation(MAIL, DEVICE, 2, {ANN: (9, DERIVED)})]
    assert told(run(state, link(DEVICE, ANN, 9, stamp=True))) == []
    assert told(run(state, Fact(DEVICE, b"", 7, ASSERTED, True))) == [Derivation(MAIL, DEVICE, 4, {})]


def test_an_unreadable_record_is_kept_and_the_others_are_applied():
    state: dict[bytes, bytes] = {}
    (good,) = encode_facts([link(MAIL, ANN)], [])
    step = Identity(hash_key=HASH_KEY, partitions=4)
    records = [
        InputRecord(number, RECEIVED, None, value) for number, value in enumerate((b"\xc1", good, None))
    ]
    outputs = step(0, records, state)
    letters = [decode(out.value) for out in outputs if out.topic == "events.dead"]
    assert [(letter["stage"], letter["reason"], letter["payload"]) for letter in letters] == [
        ("identity", "unreadable_pack", b"\xc1"),
        ("identity", "unreadable_pack", b""),
    ]
    assert [out.topic for out in outputs].count("identity.pointers") == 1


nodes = st.sampled_from(
    [ANN, BOB, CONTACT, MAIL, DEVICE, b"", b"|", b"main|", b"main|q:1", b"main|a:\xff", b"\xff|a:1"]
)
numbers = st.integers(-(2**63), 2**63 - 1)
facts = st.builds(Fact, nodes, nodes, numbers, numbers, st.booleans())
derivations = st.builds(
    Derivation, nodes, nodes, numbers, st.dictionaries(nodes, st.tuples(numbers, numbers), max_size=2)
)
ids = st.sampled_from([node_id(node, HASH_KEY) for node in (ANN, MAIL, DEVICE, b"")]) | numbers
orders = (
    st.builds(Unlink, ids, ids)
    | st.builds(Forget, ids, numbers, ids)
    | st.builds(Suppress, ids)
    | st.builds(Erase, ids, numbers, numbers)
)
packs = st.tuples(st.lists(facts, max_size=4), st.lists(derivations, max_size=3)).map(
    lambda pair: next(encode_facts(*pair))
) | st.lists(orders, max_size=3).map(encode_orders)


@given(st.lists(st.binary(max_size=60) | packs, max_size=4))
def test_any_bytes_become_records_that_can_be_read(values):
    step = Identity(hash_key=HASH_KEY, partitions=4)
    for out in step(0, [InputRecord(n, RECEIVED, None, value) for n, value in enumerate(values)], {}):
        assert out.topic == "identity.facts" or decode(out.value)
