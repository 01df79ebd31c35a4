"""Orders at a resolver: what is erased, forgotten or suppressed is not stored, not stated, no identifier."""

from typing import Any

import pytest

from processors.identity.facts import Fact, decode_facts
from processors.identity.orders import FILTER_BYTES, PREFIX, RANGES_MAX, Orders
from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase, Forget, Order, Suppress, Unlink
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, packed

ANN, DEVICE = b"main|u:ann", b"main|a:d1"


def of(node: bytes) -> int:
    return node_id(node, HASH_KEY)


def visit(message_id: str, time: int, **fields: Any) -> dict[str, Any]:
    call = {"type": "track", "event": "Seen", "messageId": message_id, "timestamp": 10**12 + time}
    return call | {"userId": "ann", "anonymousId": "d1"} | fields


def run(state: dict[bytes, bytes], *items: dict[str, Any] | Order) -> list[OutputRecord]:
    limits: dict[str, Any] = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
    step = Resolver(hash_key=HASH_KEY, partitions=4, **limits)
    values = [
        encode_pack([packed(item)]) if isinstance(item, dict) else encode_pack([], [item]) for item in items
    ]
    return step(0, [InputRecord(n, RECEIVED, None, value) for n, value in enumerate(values)], state)


def stored(outputs: list[OutputRecord]) -> list[dict[str, Any]]:
    return [decode(out.value) for out in outputs if out.topic == "events.resolved"]


def stated(outputs: list[OutputRecord]) -> list[Fact]:
    packs = [decode_facts(out.value) for out in outputs if out.topic == "identity.facts"]
    return [fact for pack in packs for fact in pack.facts]


def ways(outputs: list[OutputRecord]) -> dict[str, int]:
    lines = [decode(out.value) for out in outputs if out.topic == "ledger"]
    return {line["outcome"]: line["events"] for line in lines}


def at(time: int) -> int:
    return 10**12 + time


def test_an_erased_event_is_not_stored_states_nothing_and_is_counted():
    state: dict[bytes, bytes] = {}
    outputs = run(state, Erase(of(ANN), at(10), at(20)), visit("m1", 10), visit("m2", 20))
    assert (stored(outputs), stated(outputs)) == ([], [])
    assert ways(outputs) == {"accepted": 2, "forgotten": 2}


def test_it_stays_erased_however_often_it_is_sent():
    state: dict[bytes, bytes] = {}
    run(state, Erase(of(ANN), at(10), at(20)))
    for _ in range(2):
        assert ways(run(state, visit("m1", 15))) == {"accepted": 1, "forgotten": 1}


@pytest.mark.parametrize(
    "fields", [{"timestamp": at(9)}, {"timestamp": at(21)}, {"userId": "bob"}, {"userId": None}]
)
def test_an_event_of_another_time_or_subject_is_stored(fields):
    outputs = run({}, Erase(of(ANN), at(10), at(20)), visit("m1", 15) | fields)
    assert ways(outputs) == {"accepted": 1, "resolved": 1}
    assert len(stored(outputs)) == 1


def test_erased_ranges_are_united_in_any_order_and_limited():
    ranges = [Erase(1, 10, 20), Erase(1, 21, 30), Erase(1, 50, 60), Erase(1, 15, 18), Erase(1, 9, 8)]
    values = set()
    for orders in (ranges, ranges[::-1]):
        state: dict[bytes, bytes] = {}
        run(state, *orders)
        values.add(state[PREFIX + (1).to_bytes(8, "big")])
    assert len(values) == 1
    many: dict[bytes, bytes] = {}
    run(many, *(Erase(1, 10 * number, 10 * number) for number in range(RANGES_MAX + 5)))
    assert max(map(len, many.values())) < 20 * RANGES_MAX


def test_a_forgotten_link_is_not_stated_and_a_later_one_is_although_it_was_known():
    state: dict[bytes, bytes] = {}
    assert len(stated(run(state, visit("m1", 5)))) == 1
    assert stated(run(state, visit("m2", 15))) == []
    run(state, Forget(of(DEVICE), at(10)))
    assert stated(run(state, visit("m3", 7))) == []
    (again,) = stated(run(state, visit("m4", 15)))
    assert (again.node, again.target, again.time) == (DEVICE, ANN, at(15))
    assert stated(run(state, visit("m5", 16))) == []


def test_a_forgotten_target_leaves_the_links_to_others():
    state: dict[bytes, bytes] = {}
    run(state, Forget(of(DEVICE), at(10), of(ANN)))
    assert stated(run(state, visit("m1", 5))) == []
    (other,) = stated(run(state, visit("m2", 5, userId="bob")))
    assert other.target == b"main|u:bob"


def test_an_order_amid_a_chunk_parts_what_was_before_from_what_comes_after():
    outputs = run({}, visit("m1", 5), Forget(of(DEVICE), at(10)), visit("m2", 15), visit("m3", 15))
    assert [fact.time for fact in stated(outputs)] == [at(5), at(15)]


def test_a_suppressed_id_is_ignored_and_the_event_stays_under_its_other_ids():
    (event,) = stored(run({}, Suppress(of(ANN)), visit("m1", 5)))
    assert (event["subject"], event["user_id"], event["anonymous_id"]) == (of(DEVICE), "", "d1")
    assert [found["value"] for found in event["identifiers"]] == ["d1"]


def test_with_all_its_ids_suppressed_an_event_stays_alone():
    outputs = run({}, Suppress(of(ANN)), Suppress(of(DEVICE)), visit("m1", 5))
    (event,) = stored(outputs)
    assert event["subject"] == of(b"main|m:m1")
    assert stated(outputs) == []


@pytest.mark.parametrize("suppressed", [[ANN], [ANN, DEVICE]])
def test_an_erased_event_is_not_stored_under_what_suppressing_left_of_its_ids(suppressed):
    orders: list[Order] = [Erase(of(ANN), 0, at(10)), *(Suppress(of(node)) for node in suppressed)]
    for given in (orders, orders[::-1]):
        outputs = run({}, *given, visit("m1", 5), visit("m2", 15))
        assert ways(outputs) == {"accepted": 2, "forgotten": 1, "resolved": 1}
        assert [event["message_id"] for event in stored(outputs)] == ["m2"]


@pytest.mark.parametrize("suppressed", [b"main|u:zoe", b"main|a:zoe"])
def test_a_suppressed_previous_id_is_not_merged(suppressed):
    alias = visit("m1", 5, type="alias", previousId="zoe", anonymousId=None)
    outputs = run({}, Suppress(of(suppressed)), alias)
    facts = stated(outputs)
    assert [event["previous_id"] for event in stored(outputs)] == ["" if b"u:" in suppressed else "zoe"]
    assert suppressed not in {node for fact in facts for node in (fact.node, fact.target)}
    assert len(facts) == 1


def test_a_partition_without_orders_has_no_state_of_them_and_an_unlink_is_none_of_its_business():
    state: dict[bytes, bytes] = {}
    run(state, visit("m1", 5), Unlink(of(DEVICE), of(ANN)))
    assert not [key for key in state if key.startswith(PREFIX)]
    assert not Orders(state, HASH_KEY)
    run(state, Suppress(1))
    assert len(state[PREFIX]) == FILTER_BYTES
    assert Orders(state, HASH_KEY)


def test_orders_come_before_the_events_of_their_own_pack():
    limits: dict[str, Any] = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
    step = Resolver(hash_key=HASH_KEY, partitions=4, **limits)
    value = encode_pack([packed(visit("m1", 5))], [Erase(of(ANN), 0, at(9))])
    assert ways(step(0, [InputRecord(0, RECEIVED, None, value)], {})) == {"accepted": 1, "forgotten": 1}
