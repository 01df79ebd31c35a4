"""Events `Contact Added` and `Contact Deleted`: ours are known by their message id, which nobody else can make."""

from typing import Any

import msgspec
import pytest

from schemas.contacts.contact_mark import ContactChange, change_of, message_id_of
from schemas.events.rule_event import RuleEvent

KEY = bytes(range(16))
CHANGE = ContactChange(
    workspace="main",
    list="news",
    list_kind="contacts",
    channel="email",
    address="ann@shop.example",
    change="added",
    time=1_700_000_000_123,
    mailer="weekly",
    origin="api",
)
BY_PHONE = msgspec.structs.replace(
    CHANGE, channel="phone", address="+4930901820", change="deleted", mailer=""
)


def event_of(change: ContactChange, **fields: Any) -> RuleEvent:
    by_email = change.channel == "email"
    told = {"traits": {"email": change.address}}
    numbers = {"externalIds": [{"type": "phone", "id": change.address}]}
    known: dict[str, Any] = {
        "type": "track",
        "message_id": message_id_of(change, KEY),
        "timestamp": "2023-11-14T22:13:20.123Z",
        "event": "Contact Added" if change.change == "added" else "Contact Deleted",
        "properties": change.properties,
        "context": told if by_email else numbers,
    }
    return RuleEvent(**known | fields)


@pytest.mark.parametrize("change", [CHANGE, BY_PHONE])
def test_a_genuine_event_says_what_changed(change: ContactChange) -> None:
    assert change_of(event_of(change), "main", KEY) == change


@pytest.mark.parametrize(
    "fields",
    [
        {"message_id": "contact-1"},
        {"message_id": "m1"},
        {"event": "Contact Deleted"},
        {"event": "Order Completed"},
        {"type": "identify"},
        {"timestamp": "2023-11-14T22:13:20.124Z"},
        {"timestamp": "2023-11-14T22:13:20.123"},
        {"timestamp": "soon"},
        {"properties": CHANGE.properties | {"list": "vip"}},
        {"properties": CHANGE.properties | {"mailer": "daily"}},
        {"properties": CHANGE.properties | {"mailer": 7}},
        {"properties": {}},
        {"context": {"traits": {"email": "bob@shop.example"}}},
        {"context": {"traits": {"email": "ann@shop.example"}, "externalIds": [{"type": "crm", "id": "7"}]}},
        {"context": {}},
        {"anonymous_id": "d1"},
        {"user_id": "u1"},
    ],
)
def test_what_a_client_makes_up_or_alters_is_not_genuine(fields: dict[str, Any]) -> None:
    assert change_of(event_of(CHANGE, **fields), "main", KEY) is None


def test_a_genuine_event_is_none_of_another_workspace_or_under_another_key() -> None:
    assert change_of(event_of(CHANGE), "other", KEY) is None
    assert change_of(event_of(CHANGE), "main", bytes(16)) is None


def test_a_mark_tells_changes_apart_that_differ_in_anything() -> None:
    other = [
        msgspec.structs.replace(CHANGE, **{name: "x" if name != "time" else 1})
        for name in CHANGE.__struct_fields__
    ]
    assert len({message_id_of(each, KEY) for each in [CHANGE, *other]}) == len(other) + 1
