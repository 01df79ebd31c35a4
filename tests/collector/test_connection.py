"""What reaches the pack of a request's address and headers, from a real collector on a real broker."""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from collector.connection import USER_AGENT_CHARACTERS_MAX
from collector.exchange import Request
from collector.server import check
from collector.unsettled import Unsettled
from runtime.environment.settings import CollectorSettings, KafkaSettings, SettingsError
from schemas.events.pack import Connection, PackedEvent, encode_pack
from schemas.events.reasons import Reason
from tests.collector.process import KEY, Collector, ask, environment, post, prepare, raw_events, running
from tests.collector.raw import exchange, status_of

CLIENT = "203.0.113.77"
BROWSER = {
    "origin": "https://shop.example",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0",
    "sec-ch-ua": '"Chromium";v="126"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "x-forwarded-for": f"198.51.100.9, {CLIENT}",
}
WHOLE = Connection(
    address=CLIENT,
    is_browser=True,
    user_agent=BROWSER["user-agent"],
    brands=BROWSER["sec-ch-ua"],
    mobile="?0",
    platform='"Linux"',
)
BARE = Connection(address=CLIENT, is_browser=True)

numbers = itertools.count()


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka, COLLECTOR_TRUSTED_PROXIES="127.0.0.1")


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    return prepare(environ)


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


def call(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "anonymousId": "a", "messageId": f"m{next(numbers)}", **more}


def kept(settings: KafkaSettings, *sent: dict[str, Any]) -> list[PackedEvent]:
    found = {event.message_id: event for event in raw_events(settings)}
    return [found[each["messageId"]] for each in sent]


def test_a_browsers_address_and_headers_reach_the_pack(collector: Collector, settings: KafkaSettings) -> None:
    sent = call(context={"page": {}})
    post(collector, "/v1/track", sent, headers=BROWSER)
    assert [event.connection for event in kept(settings, sent)] == [WHOLE]


def test_an_event_that_names_its_user_agent_has_no_headers(
    collector: Collector, settings: KafkaSettings
) -> None:
    own, other = call(context={"userAgent": "own"}), call(context={})
    post(collector, "/v1/batch", {"batch": [own, other]}, headers=BROWSER)
    assert [event.connection for event in kept(settings, own, other)] == [BARE, WHOLE]
    lent, more = call(), call()
    post(collector, "/v1/batch", {"batch": [lent, more], "context": {"userAgent": "own"}}, headers=BROWSER)
    assert [event.connection for event in kept(settings, lent, more)] == [BARE, BARE]


def test_a_servers_call_says_so_and_has_no_headers(collector: Collector, settings: KafkaSettings) -> None:
    sent = call()
    post(collector, "/v1/track", sent, headers={"user-agent": "analytics-python/2.3"})
    assert [event.connection for event in kept(settings, sent)] == [Connection(address="127.0.0.1")]


@pytest.mark.parametrize("header", ["origin", "sec-fetch-mode"])
def test_a_browser_is_known_by_what_it_sends(
    header: str, collector: Collector, settings: KafkaSettings
) -> None:
    sent = call()
    post(collector, "/v1/track", sent, headers={header: "same-origin"})
    (event,) = kept(settings, sent)
    assert event.connection is not None
    assert event.connection.is_browser


def test_an_image_is_shown_to_somebody(collector: Collector, settings: KafkaSettings) -> None:
    sent = call()
    data = base64.urlsafe_b64encode(json.dumps(sent).encode()).decode()
    headers = {name: value for name, value in BROWSER.items() if name != "origin"}
    ask(collector, "GET", "/v1/pixel/track", params={"data": data, "writeKey": KEY}, headers=headers)
    assert [event.connection for event in kept(settings, sent)] == [WHOLE]


def test_headers_are_cut_and_odd_ones_cost_nothing(collector: Collector, settings: KafkaSettings) -> None:
    long, odd = call(), call()
    post(collector, "/v1/track", long, headers=BROWSER | {"user-agent": "x" * 5_000})
    body = json.dumps(odd | {"writeKey": KEY}).encode()
    head = (
        b"POST /v1/track HTTP/1.1\r\nhost: c\r\norigin: null\r\nuser-agent: caf\xe9\r\nx-forwarded-for: \xff, 1\r\n"
        b"x-forwarded-for: 2001:DB8::7\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    assert status_of(exchange(collector.port, head + body)) == 200
    cut, other = (event.connection for event in kept(settings, long, odd))
    assert cut == msgspec.structs.replace(WHOLE, user_agent="x" * USER_AGENT_CHARACTERS_MAX)
    assert other == Connection(address="2001:db8::7", is_browser=True, user_agent="caf\ufffd")


def test_an_address_that_nobody_wants_is_not_passed_on(
    environ: dict[str, str], settings: KafkaSettings
) -> None:
    sent = call()
    with running(environ | {"COLLECTOR_PASSES_ADDRESS": "false"}) as collector:
        post(collector, "/v1/track", sent, headers=BROWSER)
    (event,) = kept(settings, sent)
    assert event.connection is None


def test_proxies_that_are_none_are_refused_at_start() -> None:
    with pytest.raises(SettingsError, match=r"COLLECTOR_TRUSTED_PROXIES: .* networks such as 10\.0\.0\.0/8"):
        check(CollectorSettings(trusted_proxies="proxy.shop.example"))


def test_a_retry_may_come_another_way() -> None:
    request = Request(method="POST", path="/v1/track", body=b"{}", connection=WHOLE)
    unsettled = Unsettled(ids_max=10, age_s_max=60)
    unsettled.refused(request, Reason.KAFKA_UNAVAILABLE, [], ["made"], 0)
    again = request.but(connection=Connection(address="198.51.100.9", is_browser=True))
    assert unsettled.take(again, 1) == ["made"]


def test_what_a_browser_library_sends_grows_by_little() -> None:
    """It names its user agent itself: what is added is the address."""
    event = PackedEvent(
        workspace="main", source="shop", routing=b"main|a:a", type="track", message_id="m", received_at=1, sent_at="",
        context=b"", payload=b"{}", unsigned_links=False,
    )  # fmt: skip
    alone = len(encode_pack([event]))
    assert len(encode_pack([msgspec.structs.replace(event, connection=BARE)])) - alone <= 20
    assert len(encode_pack([msgspec.structs.replace(event, connection=WHOLE)])) - alone <= 110
