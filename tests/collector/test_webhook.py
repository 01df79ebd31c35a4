"""What a delivery becomes once its sender is believed: events, a dead letter with a place, or an answer to a question."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.webhooks.webhook_mapping import EVENTS_MAX, BadWebhook, compile_webhook
from schemas.events.reasons import Reason
from schemas.wire.codec import decode
from tests.collector.webhooks import (
    ENTRY,
    LIMITS,
    NOW,
    accepted,
    calls,
    github,
    taken,
    webhook,
)

ORDER = {
    "id": "evt-1",
    "kind": "paid",
    "at": 1_767_225_000,
    "customer": {"ref": 17, "mail": "ann@shop.example", "plan": None},
    "total": {"minor": 1999, "currency": "eur"},
    "lines": [{"sku": "A-1"}, {"sku": "B-2"}],
}
PAID = {
    "when": "body.kind == 'paid'",
    "type": "track",
    "event": "Order Completed",
    "userId": "=body.customer.ref",
    "email": "=body.customer.mail",
    "timestamp": "=body.at",
    "messageId": "=body.id",
    "properties": {
        "order_id": "=body.id",
        "total": "=money(body.total.minor, body.total.currency)",
        "plan": "=body.customer.plan",
        "products": "=body.lines[*].{sku: sku}",
        "kind": ["=body.kind", "=body.nothing", "==literal", 3],
        "first": True,
    },
    "context": {"page": {"title": "=headers.x_title"}, "locale": "=query.lang"},
}
PERSON = {
    "type": "identify",
    "userId": "=body.customer.ref",
    "email": "=body.customer.mail",
    "messageId": "=body.id",
}


def test_a_payload_becomes_the_calls_of_its_entries() -> None:
    delivery = msgspec.structs.replace(
        github(msgspec.json.encode(ORDER), {"x-title": "Paid"}), query="lang=de&x=1"
    )
    intake = accepted(delivery, webhook(PAID, PERSON))
    assert intake.reply.status == 200
    assert intake.letters == []
    assert calls(intake) == [
        {
            "type": "track",
            "messageId": "hook:evt-1",
            "event": "Order Completed",
            "userId": 17,
            "timestamp": 1_767_225_000,
            "properties": {
                "order_id": "evt-1",
                "total": 19.99,
                "products": [{"sku": "A-1"}, {"sku": "B-2"}],
                "kind": ["paid", "=literal", 3],
                "first": True,
            },
            "context": {"page": {"title": "Paid"}, "locale": "de", "traits": {"email": "ann@shop.example"}},
        },
        {
            "type": "identify",
            "messageId": "hook:evt-1:1",
            "userId": 17,
            "traits": {"email": "ann@shop.example"},
        },
    ]


def test_the_events_are_of_the_webhook_s_own_source_and_of_no_browser() -> None:
    intake = taken(ORDER, PAID, workspace="shop")
    [event] = intake.events
    assert (event.workspace, event.source, event.received_at, event.connection) == ("shop", "hook", NOW, None)
    assert event.message_id == "hook:evt-1"
    assert intake.source is not None
    assert (intake.source.id, intake.source.write_key_hashes) == ("hook", [])


def test_rates_and_quotas_are_the_webhook_s() -> None:
    limits = {"events_per_s_max": 2.5, "burst_events_max": 7, "quota": {"events_per_day_max": 9}}
    source = taken(ORDER, PAID, **limits).source
    assert source is not None
    assert (source.events_per_s_max, source.burst_events_max, source.quota.events_per_day_max) == (2.5, 7, 9)


def test_an_entry_may_make_an_event_of_each_item() -> None:
    each = {
        "type": "track", "event": "Line Sold", "each": "body.lines", "userId": "=body.customer.ref", "messageId": "=body.id",
        "properties": {"sku": "=item.sku", "order_id": "=body.id"},
    }  # fmt: skip
    found = [(call["messageId"], call["properties"]) for call in calls(taken(ORDER, each))]
    assert found == [
        ("hook:evt-1", {"sku": "A-1", "order_id": "evt-1"}),
        ("hook:evt-1:0.1", {"sku": "B-2", "order_id": "evt-1"}),
    ]
    assert taken(ORDER | {"lines": None}, each, PERSON).letters == []


def test_a_delivery_that_comes_again_has_the_same_message_ids() -> None:
    entries = (PAID, PERSON)
    first, again = taken(ORDER, *entries), taken(ORDER, *entries)
    assert [one.message_id for one in first.events] == [one.message_id for one in again.events]


def test_a_mended_entry_changes_no_message_id_of_the_others() -> None:
    broken = PAID | {"properties": "=body.id"}
    before, after = taken(ORDER, broken, PERSON), taken(ORDER, PAID, PERSON)
    assert [letter.reason for letter in before.letters] == [Reason.MAPPING_FAILED]
    assert [one.message_id for one in before.events] == [one.message_id for one in after.events][1:]


@pytest.mark.parametrize(
    ("scheme", "body", "headers", "own"),
    [
        ("github", {}, {"x-github-delivery": "d-1"}, "d-1"),
        ("github", {}, {}, ""),
    ],
)
def test_a_scheme_with_ids_of_its_own_needs_no_message_id(
    scheme: str, body: dict[str, Any], headers: dict[str, str], own: str
) -> None:
    entry = {"type": "track", "event": "Happened", "userId": "ann"}
    intake = accepted(github(b"{}", headers), webhook(entry))
    assert [event.message_id for event in intake.events] == ([f"hook:{own}"] if own else [])
    assert [letter.reason for letter in intake.letters] == ([] if own else [Reason.MAPPING_FAILED])


def test_the_body_s_hash_can_stand_for_an_id() -> None:
    entry = ENTRY | {"messageId": "=body_hash"}
    [first], [other] = taken(ORDER, entry).events, taken(ORDER | {"id": "evt-2"}, entry).events
    assert first.message_id != other.message_id


def detail(intake: Any) -> tuple[Reason, str]:
    [letter] = intake.letters
    found = decode(letter.value)
    assert found["stage"] == "collector"
    assert found["source"] == "hook"
    return letter.reason, str(found["detail"])


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        (PAID | {"messageId": "=body.nothing"}, "events[0].messageId: nothing is there"),
        (PAID | {"messageId": "=body.lines"}, "events[0].messageId: nothing is there"),
        (PAID | {"when": "sort(body.lines) == body"}, "events[0].when: JMESPathTypeError"),
        (PAID | {"each": "body.kind"}, "events[0].each: the expression gives no list"),
        (
            PAID | {"properties": {"a": {"b": ["=join('', body.lines)"]}}},
            "events[0].properties.a.b[0]: JMESPath",
        ),
        (PAID | {"properties": "=body.lines"}, "events[0].properties: the expression gives no object"),
    ],
)
def test_an_entry_that_fails_is_a_dead_letter_with_its_place_and_answered_200(
    entry: dict[str, Any], place: str
) -> None:
    intake = taken(ORDER, entry)
    reason, said = detail(intake)
    assert (intake.reply.status, intake.events, reason) == (200, [], Reason.MAPPING_FAILED)
    assert said.startswith(place)
    assert "ann@" not in said
    assert decode(intake.letters[0].value)["payload"] == msgspec.json.encode(ORDER)


def test_the_other_entries_lose_nothing_and_several_failures_are_one_letter() -> None:
    broken = PAID | {"messageId": "=body.nothing"}
    intake = taken(ORDER, broken, PERSON, broken)
    assert [call["type"] for call in calls(intake)] == ["identify"]
    assert detail(intake)[1].endswith("; and 1 more")


def test_an_item_that_fails_costs_the_other_items_nothing() -> None:
    entry = {"each": "body.lines", "type": "track", "event": "=item.sku", "messageId": "=item.id"}
    lines = [{"id": 1, "sku": "A"}, {"sku": "B"}, {"id": 3, "sku": "C"}, {"id": 4}]
    intake = taken(ORDER | {"lines": lines}, entry)
    assert [(call["event"], call["messageId"]) for call in calls(intake)] == [
        ("A", "hook:1"),
        ("C", "hook:3:0.2"),
    ]
    assert detail(intake)[1].startswith("events[0]: item 1 of `each`.messageId: nothing is there")
    assert detail(intake)[1].endswith("; and 1 more")


@pytest.mark.parametrize("missing", ["=body.nothing", "=''", "='  '"])
def test_a_track_whose_name_is_missing_is_no_event(missing: str) -> None:
    intake = taken(ORDER, PAID | {"event": missing}, PERSON)
    assert [call["type"] for call in calls(intake)] == ["identify"]
    assert detail(intake)[1] == "events[0].event: nothing is there: a track has a name"


@pytest.mark.parametrize(
    ("address", "kept"), [("keep", "192.0.2.77"), ("truncate", "192.0.2.0"), ("drop", "")]
)
def test_addresses_in_a_payload_are_kept_as_the_webhook_says(address: str, kept: str) -> None:
    entry = PAID | {"context": {"ip": "=body.ip"}}
    intake = taken(
        ORDER | {"ip": "192.0.2.77"}, entry, PAID | {"messageId": "=body.no"}, privacy={"address": address}
    )
    assert calls(intake)[0]["context"]["ip"] == kept
    payload = msgspec.json.decode(decode(intake.letters[0].value)["payload"])
    assert payload["ip"] == kept


def test_what_the_door_would_not_take_is_a_dead_letter_of_that_call() -> None:
    entry = PAID | {"properties": {"all": "=body.customer"}, "userId": "=body.customer"}
    assert detail(taken(ORDER, entry))[0] is Reason.WRONG_TYPE
    big = ORDER | {"customer": {"ref": "x" * LIMITS.event_bytes_max}}
    reason, said = detail(taken(big, PAID))
    assert reason is Reason.EVENT_TOO_LARGE
    assert said.startswith("events[0]: ")


def test_what_no_entry_wants_is_kept_or_passed_over_as_the_webhook_says() -> None:
    other = ORDER | {"kind": "refunded"}
    assert detail(taken(other, PAID))[0] is Reason.UNMAPPED
    ignored = taken(other, PAID, otherwise="ignore")
    assert (ignored.reply.status, ignored.events, ignored.letters) == (200, [], [])
    assert (
        detail(taken(ORDER, PAID | {"messageId": "=body.nothing"}, otherwise="ignore"))[0]
        is Reason.MAPPING_FAILED
    )


def test_so_many_events_and_no_more_come_of_one_payload() -> None:
    entry = {"type": "track", "event": "Line", "each": "body.lines", "userId": "u", "messageId": "=body.id"}
    intake = taken({"id": 1, "lines": [0] * (EVENTS_MAX + 1)}, entry)
    assert len(intake.events) == EVENTS_MAX
    assert f"more than {EVENTS_MAX} events" in detail(intake)[1]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (
            ENTRY | {"when": "data.type == 'x'"},
            "events[0].when: there is no data: an expression begins with one of body, ",
        ),
        (ENTRY | {"properties": {"a": ["=body["]}}, "events[0].properties.a[0]: "),
        (ENTRY | {"each": "nothing()"}, "events[0].each: there is no function nothing()"),
        ({"type": "track", "userId": "=body.id"}, "events[0]: messageId is missing"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_with_its_place(entry: dict[str, Any], why: str) -> None:
    with pytest.raises(BadWebhook) as caught:
        compile_webhook(webhook(entry, scheme="hmac", signature={"header": "X-S"}))
    assert str(caught.value).startswith(f"webhook hook: {why}")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.from_regex(rb'\{"id": ?[0-9\[\]"{}a-z:,]{0,30}\}', fullmatch=True))
def test_any_signed_bytes_give_a_reply_and_are_kept(body: bytes) -> None:
    intake = accepted(github(body), webhook(PAID, PERSON))
    assert intake.reply.status in (200, 400)
    assert intake.events or intake.letters
