"""Who is taken for a bot, why, and what follows: the score, the device, and that a scanner is not the reader of a mail."""

import json
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.bots import AT_ONCE_MS, BotRules
from processors.enrichment.context import ContextRules
from processors.enrichment.device import Devices
from processors.enrichment.enrichment import Rules
from processors.enrichment.hosting import read_networks
from processors.enrichment.place import Places, nowhere
from processors.enrichment.user_agents import NO_CRAWLERS, user_agent_reader
from processors.resolver.resolve import Resolver
from schemas.events.pack import Connection, encode_pack
from schemas.events.remarks import Remark
from schemas.stream import InputRecord
from schemas.topics import EVENTS_DEAD, EVENTS_RESOLVED, LEDGER
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, packed

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
NETWORKS = read_networks(["192.0.2.0/24"])
HOSTED = Connection(address="192.0.2.7", is_browser=True)
AT_HOME = Connection(address="198.51.100.7", is_browser=True)
LINK = "https://shop.example/?contact_id=4711"


@pytest.fixture(scope="module")
def devices() -> Devices:
    return Devices(user_agent_reader())


def outputs(
    devices: Devices, event: dict[str, Any], connection: Connection | None, threshold: int = 70
) -> Any:
    bots = BotRules(threshold=threshold, networks=lambda: NETWORKS)
    context = ContextRules(
        devices=devices, places=Places(nowhere, "truncated"), address_kept="truncated", bots=bots
    )
    step = Resolver(hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=10)
    sent = packed(
        {"type": "track", "event": "Seen", "anonymousId": "a", "messageId": "m"} | event,
        connection=connection,
    )
    sent = msgspec.structs.replace(sent, unsigned_links=True)
    made = step.with_rules(Rules(context=context))(
        0, [InputRecord(0, RECEIVED, None, encode_pack([sent]))], {}
    )
    topics = (EVENTS_RESOLVED.name, EVENTS_DEAD.name, LEDGER.name)
    return {topic: [decode(one.value or b"") for one in made if one.topic == topic] for topic in topics}


def resolved(
    devices: Devices, event: dict[str, Any], connection: Connection | None = AT_HOME, threshold: int = 70
) -> dict[str, Any]:
    (found,) = outputs(devices, event, connection, threshold)[EVENTS_RESOLVED.name]
    assert isinstance(found, dict)
    return found


def seen_by(agent: str = BROWSER, **more: Any) -> dict[str, Any]:
    return {"context": {"userAgent": agent, **more}}


CASES: dict[str, tuple[dict[str, Any], Connection | None, int, list[str]]] = {
    "a person": (seen_by(), AT_HOME, 0, []),
    "nobody says anything": ({}, None, 0, []),
    "a crawler": (seen_by("Mozilla/5.0 (compatible; Googlebot/2.1)"), AT_HOME, 100, ["crawler"]),
    "a headless browser": (seen_by(BROWSER.replace("Chrome", "HeadlessChrome")), AT_HOME, 100, ["headless"]),
    "a program": (seen_by("curl/8.7.1"), None, 100, ["program"]),
    "one of the list": (seen_by("BrandVerity/1.0 (http://www.brandverity.com)"), AT_HOME, 100, ["listed"]),
    "a browser that is steered": (seen_by(signs=["webdriver"]), AT_HOME, 100, ["webdriver"]),
    "a browser without languages": (seen_by(signs=["languages"]), AT_HOME, 40, ["languages"]),
    "two weak signs": (seen_by(signs=["size", "languages", "size"]), AT_HOME, 80, ["languages", "size"]),
    "signs that nobody knows": (seen_by(signs=["x", 1, None]), AT_HOME, 0, []),
    "no list of signs": (seen_by(signs="webdriver"), AT_HOME, 0, []),
    "a data centre": (seen_by(), HOSTED, 40, ["hosting"]),
    "a data centre that the context names": (seen_by(ip="192.0.2.9"), AT_HOME, 40, ["hosting"]),
    "a server there": (seen_by(), Connection(address="192.0.2.7"), 0, []),
    "more than enough": (
        seen_by("curl/8.7.1", signs=["webdriver"]),
        HOSTED,
        100,
        ["program", "webdriver", "hosting"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_event_has_a_score_and_reasons(devices: Devices, name: str) -> None:
    event, connection, score, reasons = CASES[name]
    found = resolved(devices, event, connection)
    assert found["bot"] == {"score": score, "reasons": reasons}
    assert found["device"]["is_bot"] == (score >= 70)
    assert (found["device"]["kind"] == "bot") == (score >= 70)


def test_the_threshold_decides_what_is_a_bots(devices: Devices) -> None:
    at = {
        threshold: resolved(devices, seen_by(), HOSTED, threshold)["device"]["is_bot"]
        for threshold in (1, 40, 41)
    }
    assert at == {1: True, 40: True, 41: False}


@pytest.mark.parametrize(
    ("sent_at", "reasons"),
    [
        (RECEIVED - AT_ONCE_MS, ["at_once"]),
        (RECEIVED - AT_ONCE_MS - 1, []),
        (str(RECEIVED), ["at_once"]),
        (RECEIVED + AT_ONCE_MS + 1, []),
        *(("x", []), ({}, []), (None, [])),
    ],
)
def test_who_follows_a_link_at_once_is_a_scanner(
    devices: Devices, sent_at: object, reasons: list[str]
) -> None:
    click = {"event": "Link Clicked", "properties": {"sent_at": sent_at}} | seen_by()
    assert resolved(devices, click)["bot"]["reasons"] == reasons
    assert resolved(devices, {**click, "event": "Another"})["bot"]["reasons"] == []


def remarks(devices: Devices, event: dict[str, Any]) -> set[str]:
    return {
        entry["outcome"]
        for entry in outputs(devices, event, AT_HOME)[LEDGER.name]
        if entry["stage"] == "remarks"
    }


def test_a_scanners_click_claims_nobody(devices: Devices) -> None:
    click = {"event": "Link Clicked", "properties": {"sent_at": RECEIVED}}
    scanned = click | seen_by(page={"url": LINK})
    found = resolved(devices, scanned)
    assert [one["kind"] for one in found["identifiers"]] == ["a"]
    assert found["claimed"] == []
    assert remarks(devices, scanned) == {Remark.LINK_BY_BOT}
    clicked = {"event": "Link Clicked"} | seen_by(page={"url": LINK})
    assert [one["kind"] for one in resolved(devices, clicked)["identifiers"]] == ["a", "x"]


def test_what_a_bot_says_of_itself_is_no_claim_and_stays(devices: Devices) -> None:
    found = resolved(devices, {"userId": "ann"} | seen_by("curl/8.7.1", page={"url": LINK}))
    assert [one["kind"] for one in found["identifiers"]] == ["u", "a"]


def test_a_bots_event_that_only_a_link_names_is_kept_alone(devices: Devices) -> None:
    event = {"anonymousId": None} | seen_by("curl/8.7.1", page={"url": LINK})
    assert resolved(devices, event)["identifiers"] == []
    assert outputs(devices, event, AT_HOME)[EVENTS_DEAD.name] == []


def test_nothing_of_the_list_of_crawlers_that_people_use_is_a_bots(devices: Devices) -> None:
    known = json.loads(files("crawleruseragents").joinpath("crawler-user-agents.json").read_text())
    patterns = {entry["pattern"] for entry in known}
    assert patterns >= NO_CRAWLERS, "each is one of the list's patterns"
    for text in ("okhttp/4.12.0", "Viber", BROWSER):
        assert not devices.of({"userAgent": text}, None).is_bot


def test_what_the_list_gives_as_examples_is_found(devices: Devices) -> None:
    known = json.loads(files("crawleruseragents").joinpath("crawler-user-agents.json").read_text())
    examples = [text for entry in known if entry["pattern"] not in NO_CRAWLERS for text in entry["instances"]]
    missed = [text for text in examples if not devices.of({"userAgent": text}, None).is_bot]
    assert len(missed) <= len(examples) // 50, missed


@given(st.text(max_size=80))
def test_any_text_is_read_as_an_agent(devices: Devices, text: str) -> None:
    device, reason = devices.known({"userAgent": text}, None)
    assert device.is_bot == bool(reason)
