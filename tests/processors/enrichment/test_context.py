"""The context step within resolve: what is stamped, what stays of addresses, and packs of earlier releases."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.context import ContextRules
from processors.enrichment.device import Devices
from processors.enrichment.enrichment import Rules
from processors.enrichment.place import Places
from processors.enrichment.user_agents import user_agent_reader
from processors.resolver.resolve import Resolver
from processors.worker import rules
from runtime.environment.settings import SettingsError
from schemas.events.network import Kept
from schemas.events.pack import Connection, PackedEvent, encode_pack
from schemas.stream import InputRecord
from schemas.topics import EVENTS_DEAD, EVENTS_RESOLVED
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, packed
from tests.processors.json_values import JSON_VALUES

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
FULL = "203.0.113.77"
VISITOR = Connection(address=FULL, is_browser=True, user_agent=PHONE)


def located(address: str) -> object:
    return {"country": {"iso_code": "DE"}} if address == FULL else None


@pytest.fixture(scope="module")
def devices() -> Devices:
    return Devices(user_agent_reader())


def resolved(value: bytes, devices: Devices, kept: Kept = "truncated") -> dict[str, list[dict[str, Any]]]:
    """The outputs of one pack, by topic."""
    context = ContextRules(devices=devices, places=Places(located, kept), address_kept=kept)
    step = Resolver(hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=10)
    outputs = step.with_rules(Rules(context=context))(0, [InputRecord(0, RECEIVED, None, value)], {})
    found: dict[str, list[dict[str, Any]]] = {}
    for output in outputs:
        if output.topic in (EVENTS_RESOLVED.name, EVENTS_DEAD.name):
            found.setdefault(output.topic, []).append(decode(output.value or b""))
    return found


def one(event: PackedEvent, devices: Devices, kept: Kept = "truncated") -> dict[str, Any]:
    (found,) = resolved(encode_pack([event]), devices, kept)[EVENTS_RESOLVED.name]
    return found


def call(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "anonymousId": "a", "messageId": "m", **more}


def test_an_event_is_stamped_with_device_place_and_clock(devices: Devices) -> None:
    sent = call(context={"userAgent": PHONE}, sentAt=RECEIVED + 5_000)
    found = one(packed(sent, connection=VISITOR), devices)
    assert found["device"] == {
        "kind": "mobile", "brand": "Apple", "model": "iPhone", "os": "iOS", "os_version": "17.5",
        "browser": "Safari", "browser_version": "17.5", "is_bot": False,
    }  # fmt: skip
    assert found["place"] == {
        "address": "203.0.113.0", "country": "DE", "region": "", "city": "", "timezone": "",
    }  # fmt: skip
    assert found["clock_offset_ms"] == 5_000
    assert found["received_at"] == found["timestamp"]


@pytest.mark.parametrize(("kept", "left"), [("none", ""), ("truncated", "203.0.113.0"), ("full", FULL)])
@pytest.mark.parametrize("is_shared", [False, True])
def test_the_whole_address_is_stored_nowhere_unless_it_is_kept(
    kept: Kept, left: str, is_shared, devices
) -> None:
    context = {"ip": FULL, "page": {"url": "https://shop.example/?email=ann%40shop.example&a=1"}}
    more = {"traits": {"ip": FULL}, "properties": {"list": [{"ip": FULL}]}}
    event = (
        packed(call(**more), context=msgspec.json.encode(context), connection=VISITOR)
        if is_shared
        else packed(call(context=context, **more), connection=VISITOR)
    )
    found = one(event, devices, kept)
    assert (FULL in str(found)) == (kept == "full")
    assert (found["place"]["address"], found["place"]["country"]) == (left, "DE")
    assert msgspec.json.decode(found["context"]) == {"ip": left, "page": {"url": "https://shop.example/?a=1"}}
    assert msgspec.json.decode(found["properties"]) == {"list": [{"ip": left}]}
    own = msgspec.json.decode(found["envelope"])
    assert own == call(**more | {"traits": {"ip": left}, "properties": {"list": [{"ip": left}]}}) | (
        {} if is_shared else {"context": msgspec.json.decode(found["context"])}
    )


def test_a_dead_letter_has_what_the_client_sent(devices: Devices) -> None:
    refused = packed({"type": "track", "context": {"ip": FULL}, "properties": 1e400}, routing=b"r")
    sent = b'{"context":{"ip":"203.0.113.77"},"traits":{"x":1e999}}'
    (letter,) = resolved(encode_pack([msgspec.structs.replace(refused, payload=sent)]), devices)[
        EVENTS_DEAD.name
    ]
    assert letter["payload"] == sent


def test_the_process_reads_its_settings_and_refuses_a_file_that_is_missing() -> None:
    found = rules({"ADDRESS_KEPT": "none"}).context
    assert (found.address_kept, rules({}).context.address_kept) == ("none", "truncated")
    assert found.devices is not None
    assert found.devices.of({"userAgent": PHONE}, None).kind == "mobile"
    with pytest.raises(SettingsError, match=r"GEO_FILE: missing\.mmdb"):
        rules({"GEO_FILE": "missing.mmdb"})


def test_a_pack_of_an_earlier_release_is_read(devices: Devices) -> None:
    event = packed(call(context={"userAgent": PHONE}), connection=VISITOR)
    version, events, orders = msgspec.msgpack.decode(encode_pack([event]))
    assert len(events[0]) > 10
    earlier = msgspec.msgpack.encode([version, [events[0][:10]], orders])
    (found,) = resolved(earlier, devices)[EVENTS_RESOLVED.name]
    assert (found["device"]["kind"], found["place"]["address"]) == ("mobile", "")


@settings(max_examples=100, deadline=None)
@given(
    context=JSON_VALUES
    | st.dictionaries(
        st.sampled_from(["ip", "userAgent", "userAgentData", "device", "os", "library"]),
        JSON_VALUES,
        max_size=6,
    ),
    texts=st.lists(st.text(max_size=20), min_size=5, max_size=5),
    is_browser=st.booleans(),
    kept=st.sampled_from(["none", "truncated", "full"]),
)
def test_any_json_gives_stamps(context, texts, is_browser, kept, devices: Devices) -> None:
    address, agent, brands, mobile, platform = texts
    connection = Connection(
        address=address,
        is_browser=is_browser,
        user_agent=agent,
        brands=brands,
        mobile=mobile,
        platform=platform,
    )
    one(packed(call(context=context), connection=connection), devices, kept)
