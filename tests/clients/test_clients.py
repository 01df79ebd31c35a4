"""Five client libraries, as they are published, against the whole chain: what each says is in ClickHouse, once and whole,
also when the collector refuses at first, when it forgets to say that it accepted, and when the connection breaks.

One stack for all. Every delivery (a client under a fault) has a front, which records, and a source, whose ledger must agree.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from httpx import post

from collector.replies import Reply
from tests.clients.calls import WHOLE, Call, mark
from tests.clients.deliveries import (
    BATCHING_BROWSER,
    BROKEN,
    BROWSER,
    CLIENTS,
    FAULTS,
    PATIENT,
    Client,
    Delivery,
    prepare,
    run,
    run_snippet,
)
from tests.clients.expected import SELECT, Row, milliseconds, row, stored
from tests.clients.front import Attempt, Fault, Fronts, refusal, response
from tests.clients.recording import Sent, first_taken, key_of, pairs, posts, sent, told_ok
from tests.clients.relay import Relay
from tests.clients.snippets import SAID, Snippet, snippets
from tests.collector.process import running
from tests.engines import wait_until
from tests.pipeline.up import SETTLE_S, Up, until

pytestmark = pytest.mark.timeout(300)
LEDGER = "SELECT outcome, sum(events) AS events FROM ledger WHERE source = {source:String} GROUP BY outcome"
# What a client is told, and what the collector said.
MET = {
    Fault.TOO_MANY: (429, 0),
    Fault.UNAVAILABLE: (503, 0),
    Fault.STORED: (503, 200),
    Fault.CUT: (0, 200),
    Fault.LOST: (0, 0),
}
BOTH = {"authorization", "authorization,x-retry-count"}
OF_ITS_OWN = ((200, 200), (503, 503))  # of the collector, unspoilt: it doubts a Kafka that is very slow
TIMER_S = 0.05  # how much too early a client's timer may be
COUNT = "SELECT count() AS rows FROM events_resolved WHERE source = {source:String}"

each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault or "plain"))


@each_client
@each_fault
def test_a_client_says_what_it_was_told_to_say(delivery: Delivery) -> None:
    """So that what is stored, which is held against the requests, is what the caller meant."""
    said = first_taken(sent(delivery.front.attempts)).values()
    events = {mark(one.event): one.event | {"context": one.event.get("context")} for one in said}
    assert set(events) == {mark(call) for call in delivery.calls}
    for call in delivery.calls:
        assert_says(events[mark(call)], call)


def assert_says(event: dict[str, Any], call: Call) -> None:
    """A client may add to a call, and may put an identify's traits into the context."""
    said = event | {"traits": event.get("traits") or event["context"].get("traits")}
    for name, value in call.items():
        if name == "timestamp":
            assert milliseconds(said[name]) == milliseconds(value)
        else:
            assert includes(said[name], value), name
    assert event["context"]["library"].keys() >= {"name", "version"}


def includes(found: Any, wanted: Any) -> bool:
    """Objects may have more members; everything else is equal."""
    if isinstance(wanted, dict):
        return all(includes(found.get(name), value) for name, value in wanted.items())
    return bool(found == wanted)


@each_client
@each_fault
def test_every_event_is_stored_once_with_its_whole_envelope(up: Up, delivery: Delivery) -> None:
    assert_stored(up, delivery)


def assert_stored(up: Up, delivery: Delivery) -> None:
    all_sent = sent(delivery.front.attempts)
    first = first_taken(all_sent)
    assert {one.message_id for one in all_sent} == set(first) == told_ok(all_sent)
    assert len(first) == len(delivery.calls)
    assert {key_of(one.attempt) for one in all_sent} == {delivery.key}
    wait_accounted(up, delivery, all_sent)
    rows = {found["message_id"]: found for found in map(stored, ask(up, delivery, SELECT))}
    assert set(rows) == set(first)
    for message_id, one in first.items():
        found = rows[message_id]
        assert one.attempt.started_at <= found["received_at"] <= one.attempt.ended_at
        assert found == row(one, delivery.key, found["received_at"])


def wait_accounted(up: Up, delivery: Delivery, all_sent: list[Sent]) -> None:
    """Until the ledger has every event that the collector was given, so that no second copy can come later.

    It may have more than the client knows of: what a collector answers with 503 can be in Kafka all the same.
    """
    taken = [one.message_id for one in all_sent if one.attempt.taken == 200]
    once = len(set(taken))
    until(lambda: balance(up, delivery, len(taken)), (once, True, True))
    until(lambda: ask(up, delivery, COUNT), [{"rows": once}])


def balance(up: Up, delivery: Delivery, taken: int) -> tuple[int, bool, bool]:
    """How many events were resolved; whether all that was taken has been read; whether every copy went one way."""
    ledger = {line["outcome"]: line["events"] for line in ask(up, delivery, LEDGER)}
    accepted, resolved = ledger.get("accepted", 0), ledger.get("resolved", 0)
    return resolved, accepted >= taken, accepted == resolved + ledger.get("duplicate", 0)


def ask(up: Up, delivery: Delivery, sql: str) -> list[Row]:
    return list(up.sql.query(sql, parameters={"source": delivery.key}).named_results())


@each_client
@each_fault
def test_a_client_says_the_same_again_until_it_is_told_200(delivery: Delivery) -> None:
    told = [(attempt.status, attempt.taken) for attempt in posts(delivery.front.attempts)]
    refused = [answer for answer in told if answer not in OF_ITS_OWN]
    match delivery.fault:
        case None:
            assert refused == []
        case Fault.LIMITED:
            assert set(refused) == {(429, 429)}
            real = next(attempt for attempt in posts(delivery.front.attempts) if attempt.status == 429)
            assert_like(real, refusal(Fault.TOO_MANY, int(real.reply_headers["retry-after"])))
        case fault:
            assert refused == [MET[fault]] * 2


@each_client
@pytest.mark.parametrize("fault", Fault)
def test_a_client_counts_its_retries_where_the_docs_say_so(delivery: Delivery) -> None:
    counted = {attempt.headers.get("x-retry-count") for attempt in posts(delivery.front.attempts)}
    if delivery.client.driver == BROWSER and delivery.fault in BROKEN:
        assert None in counted  # Chromium may have sent again by itself, unseen by the library
    elif delivery.client.name == BATCHING_BROWSER and delivery.fault in delivery.client.counts:
        # A batch that was planned already may take the events along as new ones, and be refused itself: any number is right.
        assert None in counted
        assert all(number.isdecimal() for number in counted if number)
    elif delivery.fault in delivery.client.counts:
        assert counted >= {None, "1"}
    else:
        assert counted == {None}


@each_client
@pytest.mark.parametrize("fault", [Fault.LIMITED, Fault.TOO_MANY, Fault.UNAVAILABLE])
def test_a_client_waits_as_long_as_it_is_told_where_the_docs_say_so(delivery: Delivery) -> None:
    for before, after in pairs(sent(delivery.front.attempts)):
        if before.status in delivery.client.waits:
            wanted_s = float(before.reply_headers["retry-after"])
            assert after.asked_s - before.told_s > wanted_s - TIMER_S


@each_client
@pytest.mark.parametrize("fault", [None])
def test_an_event_names_the_library_and_its_version(delivery: Delivery) -> None:
    for one in sent(delivery.front.attempts):
        library = one.event["context"]["library"]
        assert library["name"] == delivery.client.library
        assert library["version"].removeprefix("npm:next-") == delivery.client.version()


@pytest.mark.parametrize(
    "client", [one for one in CLIENTS if one.driver == BROWSER], ids=lambda client: client.name
)
@each_fault
def test_a_browser_asks_for_its_settings_and_may_read_every_answer(delivery: Delivery) -> None:
    attempts = delivery.front.attempts
    assert [one.path for one in attempts if one.method == "GET"] == [f"/v1/projects/{delivery.key}/settings"]
    for one in attempts:
        assert one.headers["origin"] != delivery.front.url
        if one.status:
            assert one.reply_headers["access-control-allow-origin"] == one.headers["origin"]
            assert one.reply_headers["access-control-expose-headers"] == "Retry-After"
    asked = [one for one in attempts if one.method == "OPTIONS"]
    names = {one.headers["access-control-request-headers"] for one in asked}
    assert {"authorization"} <= names <= BOTH
    if delivery.fault not in BROKEN:
        assert (names == BOTH) == any("x-retry-count" in one.headers for one in posts(attempts))
    for one in asked:
        assert one.status == 204
        wanted = one.headers["access-control-request-headers"]
        assert one.reply_headers["access-control-allow-headers"] == wanted
    assert {one.headers["content-type"] for one in posts(attempts)} == {"text/plain"}


@pytest.mark.parametrize(
    "client", [one for one in CLIENTS if one.driver == BROWSER], ids=lambda client: client.name
)
@pytest.mark.parametrize("fault", [None])
def test_a_browser_says_which_page_it_is_on(delivery: Delivery) -> None:
    said = {mark(one.event): one for one in sent(delivery.front.attempts)}["page", "Home"]
    site = said.attempt.headers["origin"]
    page = {
        "path": "/shop/cart",
        "referrer": f"{site}/shop/list",
        "search": "?utm_source=letter&ref=7",
        "title": "Cart – „Größe“ & more",  # noqa: RUF001 - as it stands on the page
        "url": f"{site}/shop/cart?utm_source=letter&ref=7",
    }
    assert said.event["context"]["page"] == page
    assert said.event["properties"].items() >= page.items()


@pytest.mark.parametrize("snippet", snippets(), ids=lambda snippet: snippet.package)
def test_the_snippets_of_the_docs_work(
    snippet: Snippet, up: Up, fronts: Fronts, request: pytest.FixtureRequest
) -> None:
    client = next(client for client in CLIENTS if client.package == snippet.package)
    if client.driver == BROWSER:
        request.getfixturevalue("chromium")
    front = fronts.open(up.addresses["collector"])
    delivery = Delivery(client, None, snippet.key, [SAID], front)
    run_snippet(snippet, delivery)
    [one] = sent(front.attempts)
    assert_says(one.event, SAID)
    assert_stored(up, delivery)


def test_the_docs_have_a_snippet_for_every_library() -> None:
    assert {snippet.package for snippet in snippets()} == {client.package for client in CLIENTS}


def test_every_field_that_the_tracking_api_names_is_kept(up: Up, fronts: Fronts) -> None:
    """Also those that no library here sends."""
    front = fronts.open(up.addresses["collector"])
    client = Client(name="curl", package="", driver="", library="curl")
    post(f"{front.url}/v1/track", json=WHOLE, auth=("curl", ""), timeout=SETTLE_S).raise_for_status()
    assert_stored(up, Delivery(client, None, "curl", [WHOLE], front))


def test_a_collector_that_starts_while_kafka_is_away_loses_nothing(
    up: Up, fronts: Fronts, settings: dict[str, str], chromium: Path
) -> None:
    """It knows its sources from the snapshot, says 503 by itself, and takes everything when Kafka is there."""
    relay = Relay(fronts, settings["KAFKA_BOOTSTRAP_SERVERS"])
    snapshot = Path(up.addresses["data"]) / "control.snapshot"
    wait_until(
        lambda: PATIENT[-1].name.encode() in snapshot.read_bytes(), SETTLE_S, "the snapshot is written"
    )
    own = {"KAFKA_BOOTSTRAP_SERVERS": relay.address, "COLLECTOR_CONTROL_SNAPSHOT": str(snapshot)}
    with running(settings | own, ready=False) as collector, ThreadPoolExecutor() as pool:
        deliveries = [
            prepare(client, f"{client.name}-away", fronts.open(collector.url)) for client in PATIENT
        ]
        done = [pool.submit(run, [one]) for one in deliveries]
        wait_until(lambda: all(map(is_refused, deliveries)), SETTLE_S, "every client is told 503")
        relay.open()
        for future in done:
            future.result()
    for one in deliveries:
        told = {attempt.status: attempt for attempt in posts(one.front.attempts)}
        assert set(told) == {200, 503}
        assert_like(told[503], refusal(Fault.UNAVAILABLE))
        assert_stored(up, one)


def is_refused(delivery: Delivery) -> bool:
    return any(attempt.taken == 503 for attempt in posts(delivery.front.attempts))


def assert_like(real: Attempt, made: Reply) -> None:
    """So that what the fronts answer in the collector's place is what it would have said."""
    answer = response(made, real.headers.get("origin", ""))
    assert (real.status, json.loads(real.reply_body)) == (answer.status, json.loads(made.body))
    assert real.reply_headers == {name.lower(): value for name, value in answer.headers.items()}
