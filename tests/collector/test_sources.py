"""Real collectors: their sources' pixel, chosen paths, keys, origins, and quotas over several workers and collectors."""

import re
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from schemas.configuration.configuration_file import parse_file
from sinks.stages.quotas import QuotasThread
from tests.collector.process import (
    Collector,
    ask,
    dead_letters,
    environment,
    post,
    prepare,
    raw_events,
    running,
    until,
)
from tests.sinks.stage import Tables

PAGE = "https://shop.example"
QUOTA = 100


def give(settings: KafkaSettings, **more: object) -> None:
    source = {"id": "site", "write_keys": ["site-key"], **more}
    write_control(settings, dict(parse_file({"sources": [source]})), "test")


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    settings = prepare(environ)
    give(
        settings,
        secret_keys=["site-secret"],
        paths={"script": "/assets/shop.js", "calls": "/assets/c"},
        allowed_origins=[PAGE],
        pixel={"pages": True, "emails": "sha256"},
    )
    return settings


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        until(lambda: ask(collector, "GET", "/pixel/site-key.js").status_code == 200)
        yield collector


def test_the_pixel_of_a_source_is_served_with_its_configuration(collector: Collector) -> None:
    answer = ask(collector, "GET", "/pixel/site-key.js", headers={"origin": "https://anything.example"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("text/javascript")
    first, _, rest = answer.text.partition("\n")
    assert '"key":"site-key"' in first
    assert '"batch":"/assets/c/batch"' in first
    assert rest == ask(collector, "GET", "/pixel.js").text
    version = re.findall('"parts":"([0-9a-f]+)"', first)[0]
    for path in ("/v1/parts/site-key.js", "/assets/c/parts/site-key.js"):
        second = ask(collector, "GET", f"{path}?{version}", headers={"origin": "https://anything.example"})
        assert second.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert second.headers["access-control-allow-origin"] == "*"
        assert second.text.startswith('export default{"emails":"sha256"}')
    again = ask(collector, "GET", "/pixel/site-key.js", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    unknown = ask(collector, "GET", "/pixel/who.js")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_write_key")
    assert ask(collector, "GET", "/pixel/site-secret.js").status_code == 404


def test_a_site_s_own_names_answer_as_the_usual_ones(collector: Collector, settings: KafkaSettings) -> None:
    assert '"pages":true' in ask(collector, "GET", "/assets/shop.js").text
    body = {"writeKey": "site-key", "batch": [{"type": "page", "anonymousId": "a", "messageId": "own-path"}]}
    headers = {"origin": PAGE}
    assert ask(collector, "POST", "/assets/c/batch", json=body, headers=headers).status_code == 200
    assert "own-path" in {event.message_id for event in raw_events(settings)}
    met = ask(collector, "POST", "/assets/c/visitor", json={"writeKey": "site-key"}, headers=headers)
    assert met.json()["success"]
    assert ask(collector, "POST", "/assets/c/nothing", json=body, headers=headers).status_code == 404


@pytest.mark.parametrize("host", ["events.shop.example", "events.blog.example:8443"])
def test_under_each_host_name_the_cookie_is_that_host_s(collector: Collector, host: str) -> None:
    headers = {"host": host, "origin": PAGE, "x-forwarded-proto": "https"}
    body = {"writeKey": "site-key", "anonymousId": f"at-{host}"}
    cookie = ask(collector, "POST", "/v1/visitor", json=body, headers=headers).headers["set-cookie"]
    assert "Domain" not in cookie, "a cookie without a domain is the answering host's own"
    assert "Path=/;" in cookie
    assert cookie.endswith("Secure")
    told = ask(collector, "GET", "/v1/projects/site-key/settings", headers=headers).json()
    assert told["integrations"]["Segment.io"]["apiHost"] == f"{host}/v1"
    assert told["integrations"]["Segment.io"]["protocol"] == "https"


def test_a_foreign_page_is_refused_and_what_it_sent_is_kept(
    collector: Collector, settings: KafkaSettings
) -> None:
    call = {"event": "Seen", "anonymousId": "a", "messageId": "foreign-1"}
    answer = post(collector, "/v1/track", call, key="site-key", headers={"origin": "https://other.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers
    (letter,) = [letter for letter in dead_letters(settings) if letter["message_id"] == "foreign-1"]
    assert letter["reason"] == "origin_not_allowed"


def test_a_server_s_key_is_for_servers(collector: Collector) -> None:
    call = {"anonymousId": "a"}
    assert post(collector, "/v1/page", call, key="site-secret").status_code == 200
    in_page = post(collector, "/v1/page", call, key="site-secret", headers={"origin": PAGE})
    assert (in_page.status_code, in_page.json()["code"]) == (403, "key_for_servers")


def test_a_key_that_is_replaced_counts_until_its_day_is_over(
    collector: Collector, settings: KafkaSettings
) -> None:
    keys = [
        "turned-new",
        {"key": "turned-old", "until": "2999-01-01"},
        {"key": "turned-out", "until": "2020-01-01"},
    ]
    write_control(settings, dict(parse_file({"sources": [{"id": "turned", "write_keys": keys}]})), "test")
    until(lambda: post(collector, "/v1/page", {"anonymousId": "a"}, key="turned-new").status_code == 200)
    assert post(collector, "/v1/page", {"anonymousId": "a"}, key="turned-old").status_code == 200
    late = post(collector, "/v1/page", {"anonymousId": "a"}, key="turned-out")
    assert (late.status_code, late.json()["code"]) == (401, "write_key_ended")
    assert "until 2020-01-01" in late.json()["message"]


def asides(collectors: Sequence[Collector], settings: KafkaSettings) -> list[bool]:
    """Whether events that are sent now, one to each, are kept as dead letters; they are answered 200 in any case."""
    sent = [(each, uuid.uuid4().hex) for each in collectors]
    for each, message_id in sent:
        call = {"anonymousId": "a", "messageId": message_id}
        # Each request has a connection of its own, so any worker; one of them may not know the source yet.
        until(lambda: post(each, "/v1/page", call, key="limited-key").status_code == 200)  # noqa: B023
    found = {letter["message_id"]: letter["reason"] for letter in dead_letters(settings)}
    return [found.get(message_id) == "quota_exceeded" for _, message_id in sent]


def test_a_quota_holds_over_all_workers_and_collectors_until_it_is_raised(
    environ: dict[str, str], settings: KafkaSettings, collector: Collector, clickhouse: str
) -> None:
    tables = Tables(clickhouse, f"quota_{uuid.uuid4().hex[:8]}")
    own = environ | {
        "CLICKHOUSE_URL": clickhouse,
        "STITCHLINE_DATABASE": tables.settings.database,
        "SINK_QUOTA_PERIOD_S": "0.2",
    }

    def limit(events: int) -> None:
        source = {"id": "limited", "write_keys": ["limited-key"], "quota": {"events_per_month_max": events}}
        write_control(settings, dict(parse_file({"sources": [source]})), "test")

    def store(events: int, outcome: str = "resolved", name: str = "limited") -> None:
        now = datetime.now(UTC)  # noqa: TID251 - the ledger's minutes are of this month
        row = ["main", name, "resolve", now.replace(second=0, microsecond=0), outcome, events]
        names = ["workspace", "source", "stage", "minute", "outcome", "events"]
        tables.client.insert("ledger_in", [row], column_names=names)

    limit(QUOTA)
    store(QUOTA - 1)
    store(QUOTA, "duplicate")
    store(QUOTA, name="another")
    stop = threading.Event()
    counting = QuotasThread(own, stop)
    counting.start()
    with running(environ | {"COLLECTOR_WORKERS": "2"}) as pair:
        try:
            until(lambda: counting.is_assigned)
            assert not any(asides([collector, pair], settings))
            store(1)
            both = (collector, pair, pair, pair)  # again and again: which worker answers is not up to us
            until(lambda: all(asides(both, settings)), 60)
            limit(QUOTA * 2)
            until(lambda: not any(asides(both, settings)), 60)
        finally:
            stop.set()
            counting.join(30)
    assert not counting.is_alive()
    assert not counting.has_failed
