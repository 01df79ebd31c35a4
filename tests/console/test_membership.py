"""A change as it stands on the topic."""

from typing import Any

import msgspec

from console.refreshing.membership import Change, message_id, record_of
from schemas.identity.identifiers import partition_of
from schemas.wire.codec import decode

CHANGE = Change(
    "main", "lapsed", 255, 3, "75dc41fa5a173c29", "leave", "time", 1_700_000_000_000, 1_699_999_000_000, 8
)


def test_a_message_id_is_the_same_for_ever_and_made_of_what_the_change_is() -> None:
    assert str(message_id(CHANGE)) == "4ea1c056-8ea7-5539-9cca-ae24408bee59"
    assert message_id(msgspec.structs.replace(CHANGE, run=9, observed_at=1, reason="data")) == message_id(
        CHANGE
    )
    others: list[dict[str, Any]] = [
        {"seq": 4},
        {"profile": 256},
        {"version": "v"},
        {"segment": "lapse"},
        {"workspace": "mainl"},
    ]
    assert len({message_id(msgspec.structs.replace(CHANGE, **other)) for other in others}) == len(others)


def test_a_record_says_all_of_it_under_the_profiles_key() -> None:
    sent = record_of(CHANGE, 16)
    assert sent.key == b"00000000000000ff"
    assert sent.partition == partition_of(sent.key, 16)
    found = decode(sent.value)
    assert (found["profile"], found["profile_id"], found["seq"]) == (255, "00000000000000ff", 3)
    assert (found["change"], found["reason"], found["version"]) == ("leave", "time", "75dc41fa5a173c29")
    assert (found["observed_at"] - found["effective_at"]).total_seconds() == 1000
    assert found["message_id"] == str(message_id(CHANGE))
