"""What of a dead letter can be sent again, by the configuration of now."""

from typing import Any

import msgspec
import pytest

from collector.limits import Limits
from deploy.dead import again
from deploy.dead.again import Door, found_in
from deploy.dead.letters import PAGE_BYTES_MAX, Letter, NoSuchLetter, moment_of, page_end
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.events.dead_letter import Lineage
from schemas.events.pack import PackedEvent, encode_pack
from schemas.sources.quotas import QuotaStop
from schemas.sources.webhooks import webhook_records

NOW = 1_790_000_000_000
LIMITS = Limits(event_bytes_max=1_000, body_bytes_max=100_000, batch_events_max=3, shared_bytes_max=10_000)
SHOP = {"id": "shop", "write_keys": ["write-shop"], "quota": {"events_per_day_max": 10}}
STATE = ControlState().updated(parse_file({"sources": [SHOP]}).items())
CALL = {"type": "track", "event": "Signed Up", "userId": "ann", "messageId": "m-1"}
RAW = PackedEvent(
    workspace="main",
    source="shop",
    routing=b"main|u:ann",
    type="track",
    message_id="",
    received_at=NOW,
    sent_at="2026-09-21T12:00:00Z",
    context=b'{"ip":"192.0.2.1"}',
    payload=b'{"userId":"ann"}',
    unsigned_links=False,
)


def letter(payload: Any = CALL, **fields: Any) -> Letter:
    text = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    made = Letter(
        id="1-1",
        workspace="main",
        source="shop",
        stage="collector",
        reason="quota_exceeded",
        detail="",
        message_id="",
        received_at=NOW - 5,
        payload=text,
    )
    return msgspec.structs.replace(made, **fields)


def door(state: ControlState = STATE, **fields: Any) -> Door:
    return msgspec.structs.replace(Door(state, LIMITS, NOW, is_origin_meant=False), **fields)


def ids(found: again.Found) -> list[str]:
    return [event.message_id for event in found.events]


def test_an_event_goes_as_it_was_received_under_its_own_id() -> None:
    found = found_in(letter(), door())
    assert found.whys == []
    assert [(event.message_id, event.received_at, event.routing) for event in found.events] == [
        ("m-1", NOW - 5, b"main|u:ann")
    ]


def test_an_event_without_an_id_has_the_same_one_each_time_and_another_than_its_like() -> None:
    bare = letter({"type": "track", "event": "Signed Up", "userId": "ann"})
    first, second = found_in(bare, door()), found_in(bare, door())
    other = found_in(msgspec.structs.replace(bare, received_at=NOW), door())
    assert ids(first) == ids(second) != ids(other)


def test_what_is_over_its_quota_stays_until_the_quota_is_raised() -> None:
    stop = QuotaStop(source="shop", period="day", events_max=10, until=NOW + 1)
    stopped = STATE.updated([(stop.key, msgspec.json.encode(stop))])
    found = found_in(letter(), door(stopped))
    assert (found.events, [why.partition(":")[0] for why in found.whys]) == ([], ["quota_exceeded"])
    raised = parse_file({"sources": [SHOP | {"quota": {"events_per_day_max": 20}}]})
    assert ids(found_in(letter(), door(stopped.updated(raised.items())))) == ["m-1"]


def test_what_strange_pages_sent_goes_only_when_somebody_answers_for_them() -> None:
    strange = letter(reason="origin_not_allowed")
    assert found_in(strange, door()).whys == [again.OF_ORIGINS]
    assert ids(found_in(strange, door(is_origin_meant=True))) == ["m-1"]


def test_a_batch_that_was_too_long_goes_when_the_limit_is_raised() -> None:
    batch = letter(
        {"batch": [CALL | {"messageId": f"m-{number}"} for number in range(4)]}, reason="batch_too_long"
    )
    assert found_in(batch, door()).events == []
    wider = door(limits=msgspec.structs.replace(LIMITS, batch_events_max=4))
    assert ids(found_in(batch, wider)) == ["m-0", "m-1", "m-2", "m-3"]


@pytest.mark.parametrize(
    ("payload", "fields", "why"),
    [
        (CALL, {"source": "gone"}, again.UNKNOWN_SOURCE),
        (CALL, {"workspace": "second"}, again.UNKNOWN_SOURCE),
        (CALL, {"detail": "too large; payload cut from 2000000 bytes"}, again.CUT),
        (b"facts", {"stage": "identity", "reason": "unreadable_pack"}, again.BETWEEN),
        (b"row", {"stage": "sink", "reason": "refused_row"}, again.STORED),
        (b"no pack", {"stage": "resolve", "reason": "unreadable_pack"}, again.UNREADABLE),
        (CALL, {"reason": "unmapped"}, again.NO_WEBHOOK),
    ],
)
def test_what_cannot_be_sent_again_is_told(payload: Any, fields: dict[str, Any], why: str) -> None:
    assert found_in(letter(payload, **fields), door()) == again.Found(whys=[why])


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"[]", b'{"type":"dance","userId":"ann"}', b"null"])
def test_what_the_collector_refuses_still_is_told_with_its_reason(payload: bytes) -> None:
    found = found_in(letter(payload, reason="invalid_json"), door())
    assert not found.events
    assert len(found.whys) == 1
    assert ": " in found.whys[0]


def test_what_the_resolver_refused_goes_as_it_stood_in_its_topic() -> None:
    """With its batch's context and sending time, under the id that the resolver gave it."""
    refused = letter(RAW.payload, stage="resolve", reason="plan_violation", message_id="raw-0-7-0")
    assert found_in(refused, door(), RAW).events == [msgspec.structs.replace(RAW, message_id="raw-0-7-0")]


def test_what_the_topic_no_longer_has_goes_as_its_letter_has_it() -> None:
    refused = letter(
        CALL | {"messageId": None}, stage="resolve", reason="plan_violation", message_id="raw-0-7-0"
    )
    assert ids(found_in(refused, door())) == ["raw-0-7-0"]


def test_a_pack_that_can_be_read_now_goes_event_by_event() -> None:
    pack = encode_pack([RAW, msgspec.structs.replace(RAW, message_id="m-2")])
    refused = letter(pack, stage="resolve", reason="unreadable_pack", lineage=Lineage(1, 9, 0))
    assert ids(found_in(refused, door())) == ["raw-1-9-0", "m-2"]


def webhooks(**entry: Any) -> ControlState:
    document = {
        "id": "till",
        "signature": {"scheme": "query", "parameter": "key", "secrets": ["env:TILL"]},
        "events": [
            {"type": "track", "event": "Paid", "userId": "=body.who", "messageId": "=body.id"} | entry
        ],
    }
    return ControlState().updated(webhook_records([document]).items())


def test_what_no_entry_of_a_webhook_wanted_goes_once_one_does() -> None:
    unmapped = letter({"id": "w-1", "who": "ann", "kind": "paid"}, source="till", reason="unmapped")
    (why,) = found_in(unmapped, door(webhooks(when="body.kind == 'other'"))).whys
    assert why.startswith("unmapped: ")
    found = found_in(unmapped, door(webhooks()))
    assert found.whys == []
    assert [event.routing for event in found.events] == [b"main|u:ann"]


def test_a_webhook_that_reads_headers_cannot_be_asked_again() -> None:
    unmapped = letter({"id": "w-1", "who": "ann"}, source="till", reason="unmapped")
    state = webhooks(messageId="=headers.x_delivery")
    assert found_in(unmapped, door(state)).whys == [again.NEEDS_HEADERS]


def test_a_page_ends_before_its_payloads_are_too_many_and_never_before_its_first_letter() -> None:
    half = PAGE_BYTES_MAX // 2 + 1
    assert page_end([(1, "a", half), (2, "b", half)]) == (1, "a")
    assert page_end([(1, "a", 9 * half)]) == (1, "a")
    assert page_end([(1, "a", 1), (2, "b", 1)]) == (2, "b")


def test_an_id_that_is_none_is_told() -> None:
    assert moment_of("1790000000000-0123456789abcdef") == NOW
    with pytest.raises(NoSuchLetter):
        moment_of("m-1")
