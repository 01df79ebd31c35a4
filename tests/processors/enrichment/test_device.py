"""What a user agent text, client hints and an app say of a device, against a table that people have read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.device import DEVICES_REMEMBERED_MAX, USER_AGENT_CHARACTERS_MAX, Agent, Devices
from processors.enrichment.user_agents import user_agent_reader
from schemas.events.pack import Connection
from schemas.wire.stamps import NO_DEVICE, Device
from tests.processors.json_values import JSON_VALUES

TABLE = json.loads(Path(__file__).with_name("user_agents.json").read_text())
KINDS = {"desktop", "mobile", "tablet", "tv", "console", "wearable", "bot", "other"}

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
PHONE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
BRANDS = '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"'


@pytest.fixture(scope="module")
def devices() -> Devices:
    return Devices(user_agent_reader())


def brands(*names: str) -> list[dict[str, str]]:
    return [{"brand": name, "version": "126"} for name in ("Not/A)Brand", "Chromium", *names)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["userAgent"][-60:])
def test_a_user_agent_text_is_read_as_the_table_says(row: dict[str, Any], devices: Devices) -> None:
    expected = Device(**{name: value for name, value in row.items() if name != "userAgent"})
    assert devices.of({"userAgent": row["userAgent"]}, None) == expected


def test_the_table_has_every_kind() -> None:
    assert {row["kind"] for row in TABLE if "kind" in row} == KINDS


HINTED = [
    # user agent, userAgentData -> what differs from the text alone
    (WINDOWS, {"brands": brands("Google Chrome"), "platform": "Windows"}, {}),
    (WINDOWS, {"brands": brands("Brave"), "platform": "Windows"}, {"browser": "Brave", "browser_version": "126"}),
    (WINDOWS, {"brands": brands("HeadlessChrome")}, {"kind": "bot", "browser": "HeadlessChrome",
                                                     "browser_version": "126", "is_bot": True}),
    (WINDOWS, {"platform": "Windows", "platformVersion": "15.0.0"}, {"os_version": "11"}),
    (WINDOWS, {"platform": "Windows", "platformVersion": "10.0.0"}, {"os_version": "10"}),
    (WINDOWS, {"platform": "Windows", "platformVersion": "²"}, {}),
    (PHONE, {"mobile": True, "platform": "Android", "platformVersion": "14.0.0", "model": "Pixel 8"},
     {"os_version": "14.0", "model": "Pixel 8"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said", "differs"), HINTED)
def test_a_hint_counts_where_the_text_no_longer_tells(text, said, differs, devices: Devices) -> None:
    alone = devices.of({"userAgent": text}, None)
    hinted = devices.of({"userAgent": text, "userAgentData": said}, None)
    fields = {name: getattr(alone, name) for name in Device.__struct_fields__}
    assert hinted == Device(**(fields | differs))


def test_hints_that_are_too_long_are_not_remembered_either() -> None:
    devices = Devices(lambda text: Agent(browser=text))
    first = devices.of({"userAgent": "a", "userAgentData": {"brands": ["x" * 30_000]}}, None)
    assert devices.of({"userAgent": "a", "userAgentData": {"brands": ["y" * 30_000]}}, None) is first


def test_hints_alone_name_system_and_browser(devices: Devices) -> None:
    said = {"brands": brands("Microsoft Edge"), "mobile": False, "platform": "macOS"}
    found = devices.of({"userAgentData": said}, None)
    assert found == Device(kind="desktop", os="macOS", browser="Edge", browser_version="126")


def test_a_browsers_headers_count_for_an_event_that_names_no_user_agent(devices: Devices) -> None:
    headers = Connection(
        address="", is_browser=True, user_agent=WINDOWS, brands=BRANDS, mobile="?0", platform='"Windows"'
    )
    expected = devices.of({"userAgent": WINDOWS}, None)
    assert devices.of({}, headers) == expected
    assert devices.of({"userAgent": PHONE}, headers).kind == "mobile"
    assert devices.of({}, Connection(address="", user_agent="python-requests/2.32.3")) is NO_DEVICE


APPS = [
    (
        {
            "device": {"type": "ios", "manufacturer": "Apple", "model": "iPhone14,2", "id": "B5372DB0"},
            "os": {"name": "iOS", "version": "17.5"},
        },
        Device(kind="mobile", brand="Apple", model="iPhone14,2", os="iOS", os_version="17.5"),
    ),
    (
        {"device": {"type": "ios", "manufacturer": "Apple", "model": "iPad13,4"}, "os": {"name": "iPadOS"}},
        Device(kind="tablet", brand="Apple", model="iPad13,4", os="iPadOS"),
    ),
    (
        {
            "device": {"type": "android", "manufacturer": "Google", "model": "Pixel 8"},
            "os": {"name": "Android", "version": "14"},
        },
        Device(kind="mobile", brand="Google", model="Pixel 8", os="Android", os_version="14"),
    ),
    ({"device": {"type": "watchos"}, "os": {"name": "watchOS"}}, Device(kind="wearable", os="watchOS")),
    ({"device": {}, "os": {"name": "", "version": ""}}, NO_DEVICE),
    ({"device": ["ios"], "os": 7, "userAgent": None}, NO_DEVICE),
]


@pytest.mark.parametrize(("context", "expected"), APPS)
def test_what_an_app_says_of_its_device_is_believed(context, expected, devices: Devices) -> None:
    assert devices.of(context, None) == expected


def test_an_app_is_believed_before_its_user_agent_text(devices: Devices) -> None:
    dalvik = "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.004)"
    said = {"device": {"manufacturer": "samsung", "model": "SM-S928B"}, "userAgent": dalvik}
    found = devices.of(said, None)
    assert (found.kind, found.brand, found.model, found.os) == ("mobile", "samsung", "SM-S928B", "Android")


def test_a_device_is_read_once_and_is_the_same_object_afterwards() -> None:
    asked: list[str] = []

    def read(text: str) -> Agent:
        asked.append(text)
        return Agent(browser="Chrome")

    devices = Devices(read)
    first = devices.of({"userAgent": "a"}, None)
    assert devices.of({"userAgent": "a"}, None) is first
    assert asked == ["a"]
    for number in range(DEVICES_REMEMBERED_MAX):
        devices.of({"userAgent": f"b{number}"}, None)
    devices.of({"userAgent": "a"}, None)
    assert len(asked) == DEVICES_REMEMBERED_MAX + 2
    devices.of({"userAgent": "c" * 100_000}, None)
    assert len(asked[-1]) == USER_AGENT_CHARACTERS_MAX


@settings(max_examples=150, deadline=None)
@given(
    context=st.dictionaries(st.sampled_from(["userAgent", "userAgentData", "device", "os"]), JSON_VALUES),
    fields=st.dictionaries(
        st.sampled_from(["brands", "mobile", "platform", "model", "platformVersion"]), JSON_VALUES
    ),
    headers=st.lists(st.text(max_size=60), min_size=4, max_size=4),
)
def test_any_json_and_any_header_is_some_device(context, fields, headers, devices: Devices) -> None:
    agent, brands, mobile, platform = headers
    connection = Connection(
        address="", is_browser=True, user_agent=agent, brands=brands, mobile=mobile, platform=platform
    )
    contexts: list[dict[str, Any]] = [context, context | {"userAgentData": fields}, {}]
    for said in contexts:
        found = devices.of(said, connection)
        assert found is NO_DEVICE or found.kind in KINDS
        assert found.is_bot == (found.kind == "bot")
