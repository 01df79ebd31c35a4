"""What `Cart Abandoned` says, in whose name it is sent, and that sending it twice is once."""

import msgspec
import pytest

from schemas.events.candidates import (
    VERSION,
    Candidate,
    UnknownCandidateVersion,
    decode_candidate,
    encode_candidate,
)
from schemas.events.pack import decode_pack
from sinks.stages.abandonment import event_of, is_usable, records

CANDIDATE = Candidate(
    version=VERSION,
    workspace="main",
    cart=255,
    cart_id="k1",
    subject=7,
    source="shop",
    active_at=1_700_000_000_000,
    due_at=1_700_003_600_000,
    currency="EUR",
    value=16_500_000,
    products=[("mug", "Mug", "", 2_000_000, 8_250_000), ("tea", "", "", None, None)],
)
NOW = 1_700_009_000_000


def test_it_says_what_was_in_the_cart_and_when_it_was_touched_last() -> None:
    event = event_of(CANDIDATE, ("a", "phone"), NOW)
    said = msgspec.json.decode(event.payload)
    assert (said["event"], said["anonymousId"], said["timestamp"]) == (
        "Cart Abandoned",
        "phone",
        "2023-11-14T23:13:20.000+00:00",
    )
    assert said["properties"] == {
        "cart_id": "k1",
        "currency": "EUR",
        "value": 16.5,
        "last_activity": "2023-11-14T22:13:20.000+00:00",
        "products": [
            {"product_id": "mug", "name": "Mug", "quantity": 2, "price": 8.25},
            {"product_id": "tea"},
        ],
    }
    assert (event.workspace, event.source, event.received_at) == ("main", "shop", NOW)


@pytest.mark.parametrize(
    ("named", "routing", "who"),
    [
        (("a", "phone"), b"main|a:phone", {"anonymousId": "phone"}),
        (("u", "ann"), b"main|u:ann", {"userId": "ann"}),
        (("e", "ann@shop.example"), None, {"context": {"traits": {"email": "ann@shop.example"}}}),
        (
            ("x", "a%3Ab:7:8"),
            b"main|x:a%3Ab:7:8",
            {"context": {"externalIds": [{"type": "a:b", "id": "7:8"}]}},
        ),
    ],
)
def test_it_is_sent_in_the_name_of_whoever_touched_the_cart(
    named: tuple[str, str], routing: bytes | None, who: dict[str, object]
) -> None:
    assert is_usable(named)
    event = event_of(CANDIDATE, named, NOW)
    said = msgspec.json.decode(event.payload)
    assert {name: said[name] for name in who} == who
    assert event.routing == routing or (routing is None and event.routing.startswith(b"main|e:"))


def test_nobody_without_a_name_is_sent_anything() -> None:
    assert not is_usable(("", ""))
    assert not is_usable(("m", "message"))


def test_each_activity_has_one_message_id_and_goes_to_one_partition() -> None:
    events = [event_of(CANDIDATE, ("a", "phone"), now) for now in (NOW, NOW + 1)]
    first, second = records(events, 16)
    assert first.partition == second.partition
    (one,), (other,) = decode_pack(first.value).events, decode_pack(second.value).events
    assert one.message_id == other.message_id == "cart-abandoned-00000000000000ff-1700000000000"
    later = msgspec.structs.replace(CANDIDATE, active_at=CANDIDATE.active_at + 1)
    assert event_of(later, ("a", "phone"), NOW).message_id != one.message_id


def test_a_candidate_is_read_as_it_was_written_and_a_later_version_is_refused() -> None:
    assert decode_candidate(encode_candidate(CANDIDATE)) == CANDIDATE
    with pytest.raises(UnknownCandidateVersion, match="version 2"):
        decode_candidate(encode_candidate(msgspec.structs.replace(CANDIDATE, version=2)))
