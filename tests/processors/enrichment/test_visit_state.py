"""What is kept of a visitor's sessions: how many bytes, and until when."""

from typing import Any

import msgspec
import pytest

from processors.enrichment.arrivals import arrival_of
from processors.enrichment.enrichment import Rules
from processors.enrichment.visit_state import Stay, Visitor, decode_visitor, encode_visitor, without
from processors.enrichment.visits import PREFIX, SessionRules
from processors.identity.known import PREFIX as KNOWN
from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase, Forget, Order, Suppress
from schemas.stream import InputRecord
from schemas.wire.codec import decode
from schemas.wire.stamps import NO_TOUCH, NO_VISIT, Touch
from tests.processors.driver import HASH_KEY, Pipeline, kept, packed
from tests.processors.visits import LONG, MINUTE, SERVER, START, stamped


def state_bytes(pipeline: Pipeline) -> int:
    """Of all that resolvers keep of people, but for the duplicate window."""
    return sum(
        len(key) + len(value)
        for (topic, _), state in pipeline.states.items()
        if topic == "events.raw"
        for section in (PREFIX, KNOWN)
        for key, value in kept(state, section).items()
    )


def test_a_device_of_one_visit_keeps_fewer_than_150_bytes_and_an_active_one_fewer_than_400():
    state: dict[bytes, bytes] = {}
    far = 7_200_000_000_000
    stamped([(far, LONG), (far + 50 * MINUTE // 2, NO_TOUCH)], SessionRules(), state)
    assert sum(len(key) + len(value) for key, value in state.items()) <= 150
    other = msgspec.structs.replace(LONG, source="o" * 90)
    stamped([(far + n * 40 * MINUTE, (LONG, other)[n % 2]) for n in range(400)], SessionRules(), state)
    visits = sum(len(key) + len(value) for key, value in state.items())
    pipeline = Pipeline(4)
    pipeline.send(packed(one) for one in two_links())
    assert visits + state_bytes(pipeline) < 400


def two_links() -> list[dict[str, Any]]:
    """What a device sends whose person is known by user id and e-mail."""
    call = {"type": "identify", "anonymousId": "6f1c1c5e", "traits": {"email": "ann@shop.example"}}
    return [call | {"messageId": f"m{n}", "userId": "ann"} for n in range(3)]


def stored(
    calls: list[dict[str, Any]], orders: list[Order], after: list[dict[str, Any]]
) -> tuple[list[Any], dict[bytes, bytes]]:
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=100
    ).with_rules(Rules())
    state: dict[bytes, bytes] = {}
    outputs = []
    for offset, (some, given_orders) in enumerate(((calls, []), ([], orders), (after, []))):
        pack = encode_pack([packed(call) for call in some], given_orders)
        outputs += resolver(0, [InputRecord(offset, START, None, pack)], state)
    return [decode(out.value) for out in outputs if out.topic == "events.resolved"], state


NODE = node_id(b"main|a:d1", HASH_KEY)
FORGOTTEN: list[tuple[str, Order]] = [
    ("forget", Forget(NODE, START + 10 * MINUTE)),
    ("erase", Erase(NODE, START, START + 10 * MINUTE)),
    ("suppress", Suppress(NODE)),
]


@pytest.mark.parametrize(("sentence", "order"), FORGOTTEN, ids=[case[0] for case in FORGOTTEN])
def test_what_is_forgotten_leaves_no_visits(sentence, order):
    page = {"type": "page", "anonymousId": "d1", "userId": "ann"}
    _, state = stored([page | {"messageId": "1", "timestamp": START}], [order], [])
    assert not kept(state, PREFIX)
    _, before = stored([page | {"messageId": "1", "timestamp": START}], [], [])
    assert kept(before, PREFIX)


def test_what_is_later_than_a_forgetting_stays_and_is_counted_anew():
    page = {"type": "page", "anonymousId": "d1"}
    calls = [page | {"messageId": str(n), "timestamp": START + n * 60 * MINUTE} for n in range(3)]
    last = page | {"messageId": "9", "timestamp": START + 121 * MINUTE}
    events, _ = stored(calls, [Forget(NODE, START + 90 * MINUTE)], [last])
    assert [event["visit"]["number"] for event in events] == [1, 2, 3, 1]
    assert events[2]["session_id"] == events[3]["session_id"]


def test_a_server_event_is_stored_without_a_visit():
    events, _ = stored(
        [{"type": "track", "event": "x", "anonymousId": "d1", "messageId": "1", "context": SERVER}], [], []
    )
    assert [event["session_id"] for event in events] == [""]
    assert NO_VISIT.number == events[0]["visit"]["number"]


def test_what_an_erasure_leaves_is_the_same_before_and_after_it_was_stored():
    touch = arrival_of(Touch(channel="email", source="letter", medium="email")).kept
    stays = [Stay(START + 90 * MINUTE, MINUTE, 2), Stay(START, MINUTE, 1)]
    kept = without(Visitor(stays, touch=touch, first=touch, first_at=START), START, START + MINUTE)
    stored = decode_visitor(encode_visitor(kept))
    assert (stored.touch, stored.signs, stored.first, stored.first_at) == (
        kept.touch,
        kept.signs,
        kept.first,
        kept.first_at,
    )
    assert encode_visitor(stored) == encode_visitor(kept)
    assert (kept.first, kept.first_at) == (touch, START + 90 * MINUTE)
