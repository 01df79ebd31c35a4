"""What the resolver makes of the answers of a deployment's own steps, and that each event is counted once."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from processors.resolver.resolve import Resolver
from runtime.environment.settings import UserStepSettings
from runtime.user_steps import UserSteps
from schemas.events import user_steps
from schemas.events.pack import PackedEvent, encode_pack
from schemas.events.reasons import Reason
from schemas.events.user_steps import DROPPED, UNCHANGED, Answer
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase, Forget, Order, Suppress
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, packed
from tests.runtime.own_steps import ODD, install

Sent = list[PackedEvent] | Order
FAILED = Answer(reason=Reason.USER_STEP_FAILED, detail="step odd: ValueError")


def by_property(documents: Sequence[bytes]) -> list[Answer]:
    """Steps that do what the property `do` says, worked out here."""
    answers = {
        "drop": DROPPED,
        "raise": FAILED,
        "big": Answer({"properties": json.dumps({"x": "y" * 1_000_000})}),
    }
    events = [json.loads(document) for document in documents]
    return [answers.get(event["properties"].get("do"), UNCHANGED) for event in events]


def unchanged(documents: Sequence[bytes]) -> list[Answer]:
    return [UNCHANGED] * len(documents)


def resolver(steps: user_steps.UserSteps | None) -> Resolver:
    limits: dict[str, Any] = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
    return Resolver(hash_key=HASH_KEY, partitions=4, **limits).with_user_steps(steps)


def event(message_id: str, do: str = "", **call: Any) -> PackedEvent:
    whole = {
        "type": "track",
        "event": "x",
        "messageId": message_id,
        "userId": "ann",
        "properties": {"do": do},
    }
    return packed({**whole, **call})


def run(
    steps: user_steps.UserSteps | None, *packs: Sent, state: dict[bytes, bytes] | None = None
) -> list[OutputRecord]:
    values = [encode_pack(pack) if isinstance(pack, list) else encode_pack([], [pack]) for pack in packs]
    records = [InputRecord(offset, 0, None, value) for offset, value in enumerate(values)]
    return resolver(steps)(0, records, {} if state is None else state)


def records_of(outputs: list[OutputRecord], topic: str) -> list[dict[str, Any]]:
    return [decode(output.value) for output in outputs if output.topic == topic]


def ledger(outputs: list[OutputRecord]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for entry in records_of(outputs, "ledger"):
        if entry["stage"] == "resolve":
            sums[entry["outcome"]] += entry["events"]
    return dict(sums)


def test_each_event_goes_one_way():
    pack = [
        event("1"),
        event("2", "drop"),
        event("3", "raise"),
        event("1"),
        event("2", "drop"),
        event("3", "raise"),
    ]
    outputs = run(by_property, pack)
    assert [found["message_id"] for found in records_of(outputs, "events.resolved")] == ["1"]
    assert ledger(outputs) == {"accepted": 6, "resolved": 1, "dropped": 1, "dead": 1, "duplicate": 3}
    (letter,) = records_of(outputs, "events.dead")
    assert (letter["reason"], letter["detail"]) == ("user_step_failed", "step odd: ValueError")
    assert json.loads(letter["payload"])["messageId"] == "3"


def test_a_dropped_event_that_comes_again_is_a_duplicate_and_a_dead_one_may_pass():
    state: dict[bytes, bytes] = {}
    run(by_property, [event("1", "drop"), event("2", "raise")], state=state)
    again = run(None, [event("1", "drop"), event("2", "raise")], state=state)
    assert ledger(again) == {"accepted": 2, "duplicate": 1, "resolved": 1}


def test_nothing_is_told_of_an_event_that_is_not_stored():
    said: dict[str, Any] = {"type": "identify", "anonymousId": "d1", "traits": {"email": "ann@shop.example"}}
    topics = {output.topic for output in run(by_property, [event("1", "drop", **said)])}
    assert topics == {"ledger"}
    assert "identity.facts" in {output.topic for output in run(by_property, [event("1", **said)])}


def test_an_event_that_a_step_made_too_large_is_a_dead_letter():
    (letter,) = records_of(run(by_property, [event("1", "big")]), "events.dead")
    assert letter["reason"] == "event_too_large"


def test_an_event_that_a_step_made_too_deep_is_a_dead_letter():
    deep = Answer({"properties": '{"a":' * 5_000 + "1" + "}" * 5_000})
    outputs = run(lambda documents: [deep, UNCHANGED], [event("m1"), event("m2")])
    (letter,) = records_of(outputs, "events.dead")
    assert (letter["message_id"], letter["reason"]) == ("m1", Reason.USER_STEP_FAILED)
    assert ledger(outputs) == {"accepted": 2, "dead": 1, "resolved": 1}


def test_orders_count_for_the_events_behind_them_alone():
    ann = node_id(b"main|u:ann", HASH_KEY)
    device = node_id(b"main|a:d1", HASH_KEY)
    orders: list[Order] = [Forget(device, 1 << 62), Erase(ann, 0, 1 << 62), Suppress(ann)]
    for order in orders:
        sent: list[Sent] = [[event("1", anonymousId="d1")], order, [event("2", anonymousId="d1")]]
        assert run(unchanged, *sent) == run(None, *sent)


def test_steps_that_change_nothing_change_nothing():
    packs: list[Sent] = [[event(str(number), anonymousId=f"d{number % 3}") for number in range(20)]]
    assert run(None, *packs) == run(unchanged, *packs)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSteps]:
    environ = install(tmp_path_factory.mktemp("steps"), {"odd": "odd"}, ODD)
    running = UserSteps(UserStepSettings(ms_max=30_000, chunk_s_max=120), environ)
    yield running
    running.close()


def test_real_steps_see_what_enrichment_says_and_change_what_is_stored(odd: UserSteps):
    page = {"url": "https://shop.example/?utm_source=google&utm_medium=cpc"}
    shown = event("1", "clock", context={"page": page})
    changed = event("2", "change", context={"page": page}, integrations={"All": False})
    first, second = records_of(run(odd, [shown, changed]), "events.resolved")
    assert json.loads(first["properties"]) == {"do": "clock", "channel": "paid_search"}
    assert json.loads(second["properties"]) == {"do": "change", "price": 12.5, "seen": "ann"}
    assert json.loads(second["traits"]) == {"plan": "gold"}
    assert json.loads(second["context"]) == {"page": page, "shop": 1}
    assert json.loads(second["integrations"]) == {"All": False}
    assert "price" not in second["envelope"]


def test_a_process_that_ends_costs_one_event_of_a_chunk(odd: UserSteps):
    ways = ["", "exit", "drop", "raise", "", "change"]
    outputs = run(odd, [event(str(number), do) for number, do in enumerate(ways)])
    assert ledger(outputs) == {"accepted": 6, "resolved": 3, "dropped": 1, "dead": 2}
    details = [letter["detail"] for letter in records_of(outputs, "events.dead")]
    assert details == ["step odd: its process ended: exit code 7", "step odd: ValueError"]
    assert "ann@shop.example" not in str(details)
