"""The tracking API's other doors, asked of a real collector: images, beacons, what browser libraries load, rates."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from collector.image import GIF
from runtime.environment.settings import KafkaSettings
from tests.collector.process import (
    KEY,
    Collector,
    add_source,
    ask,
    dead_letters,
    environment,
    post,
    prepare,
    raw_events,
    running,
    until,
)

ORIGIN = {"origin": "https://shop.example"}


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    kafka = prepare(environ)
    add_source(
        kafka, "slow", "slow-key", events_per_s_max=0.001, burst_events_max=3, allowed_origins=["https://a.b"]
    )
    return kafka


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


def get(collector: Collector, path: str, **more: Any) -> httpx.Response:
    return ask(collector, "GET", path, **more)


def data(document: object) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def stored(settings: KafkaSettings, message_id: str) -> list[str]:
    return [event.type for event in raw_events(settings) if event.message_id == message_id]


def test_an_image_s_address_is_an_event(collector: Collector, settings: KafkaSettings) -> None:
    call = {"writeKey": KEY, "userId": "u", "event": "Opened", "messageId": "image-1"}
    answer = get(collector, f"/v1/pixel/track?data={data(call)}")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, GIF, "image/gif")
    assert stored(settings, "image-1") == ["track"]


def test_an_image_with_bad_data_is_shown_and_its_data_kept(
    collector: Collector, settings: KafkaSettings
) -> None:
    answer = get(collector, f"/v1/pixel/track?writeKey={KEY}&data=bad-image!", headers=ORIGIN)
    assert (answer.status_code, answer.content) == (200, GIF)
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    (letter,) = [letter for letter in dead_letters(settings) if letter["payload"] == b"bad-image!"]
    assert (letter["reason"], letter["source"]) == ("bad_encoding", "shop")
    assert get(collector, "/v1/pixel/track?writeKey=nobody&data=e30").status_code == 401


@pytest.mark.parametrize("path", ["/beacon/v1/batch", "/beacon/v1/batch/"])
def test_a_beacon_s_key_stands_in_the_address(
    collector: Collector, settings: KafkaSettings, path: str
) -> None:
    message_id = f"beacon-{len(path)}"
    body = json.dumps({"batch": [{"type": "page", "anonymousId": "a", "messageId": message_id}]})
    answer = ask(
        collector, "POST", f"{path}?writeKey={KEY}", content=body, headers={"content-type": "text/plain"}
    )
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert stored(settings, message_id) == ["page"]


def test_an_import_is_a_batch(collector: Collector, settings: KafkaSettings) -> None:
    batch = {
        "batch": [
            {"type": "track", "userId": "u", "messageId": "import-1", "timestamp": "2020-01-01T00:00:00Z"}
        ]
    }
    assert post(collector, "/v1/import", batch).status_code == 200
    assert stored(settings, "import-1") == ["track"]


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"},
     {"content-type": "application/octet-stream"}, {"content-type": "multipart/form-data; boundary=x"}, {}],
)  # fmt: skip
def test_the_body_is_json_whatever_its_type_says(collector: Collector, headers: dict[str, str]) -> None:
    answer = ask(
        collector, "POST", "/v1/t", content=json.dumps({"writeKey": KEY, "userId": "u"}), headers=headers
    )
    assert (answer.status_code, answer.content) == (200, b'{"success": true}')


def test_client_metrics_are_taken_and_forgotten(collector: Collector) -> None:
    for body in (b'{"series":[]}', b"anything", b""):
        answer = ask(collector, "POST", "/v1/m", content=body, headers=ORIGIN)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert get(collector, "/v1/m/").status_code == 405
    assert ask(collector, "POST", "/v1/m", content=b" " * 600_000).status_code == 413


def test_segment_s_library_finds_its_settings(collector: Collector) -> None:
    answer = get(collector, f"/v1/projects/{KEY}/settings", headers=ORIGIN)
    own = answer.json()["integrations"]["Segment.io"]
    assert (own["apiKey"], own["apiHost"], own["protocol"]) == (KEY, f"127.0.0.1:{collector.port}/v1", "http")
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    proxied = get(
        collector, f"/v1/projects/{KEY}/settings", headers={"host": "e.shop", "x-forwarded-proto": "https"}
    )
    own = proxied.json()["integrations"]["Segment.io"]
    assert (own["apiHost"], own["protocol"]) == ("e.shop/v1", "https")
    assert get(collector, "/v1/projects/nobody/settings").json()["code"] == "unknown_write_key"


def test_rudderstack_s_library_finds_its_source(collector: Collector) -> None:
    for answer in (
        get(collector, f"/sourceConfig/?p=web&writeKey={KEY}"),
        get(collector, "/sourceConfig/", auth=(KEY, "")),
    ):
        assert answer.json()["source"]["writeKey"] == KEY
        assert answer.json()["source"]["destinations"] == []
    assert get(collector, "/sourceConfig/").status_code == 401


def test_a_source_s_origins_hold_for_its_settings_and_errors(collector: Collector) -> None:
    for origin, allowed in (("https://a.b", "https://a.b"), ("https://c.d", None)):
        for answer in (
            get(collector, "/v1/projects/slow-key/settings", headers={"origin": origin}),
            post(collector, "/v1/track", [], key="slow-key", headers={"origin": origin}),
        ):
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["access-control-expose-headers"] == "Retry-After"


def test_a_source_over_its_rate_is_told_when_to_come_back(
    collector: Collector, settings: KafkaSettings
) -> None:
    add_source(settings, "brief", "brief-key", events_per_s_max=0.001, burst_events_max=2)
    calls = [{"userId": "u", "messageId": f"rate-{number}"} for number in range(3)]
    assert_known(collector, "brief-key")
    assert (
        post(
            collector, "/v1/batch", {"batch": [{**call, "type": "track"} for call in calls]}, key="brief-key"
        ).status_code
        == 200
    )
    answer = post(
        collector, "/v1/track", {"userId": "u", "messageId": "rate-late"}, key="brief-key", headers=ORIGIN
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 1_000
    assert answer.headers["access-control-expose-headers"] == "Retry-After"
    image = get(collector, f"/v1/pixel/track?writeKey=brief-key&data={data({'userId': 'u'})}")
    assert (image.status_code, image.content) == (429, GIF)
    assert int(image.headers["retry-after"]) > 1_000
    kept = [event.message_id for event in raw_events(settings) if event.message_id.startswith("rate-")]
    assert sorted(kept) == ["rate-0", "rate-1", "rate-2"]
    assert post(collector, "/v1/track", {"userId": "u"}).status_code == 200, "another source is not concerned"


def assert_known(collector: Collector, key: str) -> None:
    """An empty batch costs nothing of a rate."""
    until(lambda: post(collector, "/v1/batch", {"batch": []}, key=key).status_code == 200)
