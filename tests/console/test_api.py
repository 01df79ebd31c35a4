"""`GET /v1/profiles/...` of a real process: what it answers to whom, and that it says nothing of anybody in its log."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.control import write_control
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests import plain_http
from tests.console.process import KEY, WAIT_S, Console, add_keys, console
from tests.engines import delete_topics, free_port, wait_until
from tests.sinks.stage import START_MS, Tables, Topics, event, pointer

pytestmark = pytest.mark.timeout(300)

ANN, PHONE, MAIL = 101, 102, 103
CAT, DAN, TABLET = 201, 202, 203
HANDED_ON_MS, LEFT_MS = START_MS + 30_000, START_MS + 60_000
EMAIL = "ann@shop.example"


def _events() -> list[bytes]:
    """A visit by phone that only later is Ann's; she says who she is, and buys something by a server's word."""
    phone, mail = (
        {"node": PHONE, "kind": "a", "value": "anns/\nphone"},
        {"node": MAIL, "kind": "e", "value": EMAIL},
    )
    ann = {"node": ANN, "kind": "u", "value": "ann"}
    said = {
        "type": "identify",
        "event": "",
        "user_id": "ann",
        "subject": ANN,
        "identifiers": [ann, phone, mail],
    }
    return [
        event(1, type="page", event="", name="Home", subject=PHONE, anonymous_id="anns/\nphone", identifiers=[phone]),
        event(2, **said, anonymous_id="anns/\nphone", traits=json.dumps({"email": EMAIL, "status": "trial", "gone": 1})),
        event(3, **said, anonymous_id="", traits='{"status":"paid","gone":null,"score":10.50}'),
        event(4, subject=ANN, anonymous_id="", user_id="ann", identifiers=[ann], event="Order Completed"),
    ]  # fmt: skip


def _of_two() -> list[bytes]:
    """A tablet that was Cat's, then Dan's, then nobody's; both come by it, and are somebody by a server's word."""
    tablet = {"node": TABLET, "kind": "a", "value": "tablet"}
    came = {"type": "page", "event": "", "subject": TABLET, "anonymous_id": "tablet", "identifiers": [tablet]}
    people = [
        event(11 + place, subject=node, anonymous_id="", user_id=name, identifiers=[{"node": node, "kind": "u", "value": name}])
        for place, (node, name) in enumerate(((CAT, "cat"), (DAN, "dan")))
    ]  # fmt: skip
    return [*people, *(event(number, **came) for number in (20, 21, 40, 70))]


def _handed_on() -> bytes:
    always = [
        {"valid_from": 0, "valid_to": HANDED_ON_MS, "owner": CAT},
        {"valid_from": HANDED_ON_MS, "valid_to": LEFT_MS, "owner": DAN},
    ]
    return pointer(TABLET, TABLET, segments=always)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stored = Tables(clickhouse, module_database)
    stored.insert("events_in", RESOLVED_EVENT, [*_events(), *_of_two()], "e")
    stored.insert("pointers_in", POINTER, [pointer(PHONE, ANN), pointer(MAIL, ANN), _handed_on()], "p")
    stored.reload(DICTIONARIES)
    yield stored
    stored.client.close()


@pytest.fixture(scope="module")
def topics(kafka: str) -> Iterator[Topics]:
    prefix = f"console{os.getpid()}-"
    made = Topics(kafka, prefix)
    add_keys(
        made.settings,
        {"id": "app", "keys": [KEY]},
        {"id": "other", "keys": ["another-key"], "workspace": "second"},
        {"id": "slow", "keys": ["a-slow-key"], "requests_per_s_max": 0.01},
    )
    yield made
    delete_topics(kafka, prefix)


@pytest.fixture(scope="module")
def environ(tables: Tables, topics: Topics) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": topics.settings.bootstrap_servers,
        "STITCHLINE_TOPIC_PREFIX": topics.settings.topic_prefix,
        "CLICKHOUSE_URL": tables.settings.url,
        "STITCHLINE_DATABASE": tables.settings.database,
    }


@pytest.fixture(scope="module")
def running(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with console(environ, tmp_path_factory.mktemp("console") / "log") as started:
        yield started


@pytest.mark.parametrize(
    "identifier",
    [
        "user_id:ann",
        "u:ann",
        "ann",
        f"email:{EMAIL}",
        "Ann@Shop.Example",
        "anonymous_id:anns%2F%0Aphone",
        "0000000000000065",
    ],
)
def test_a_profile_is_found_by_each_identifier(running: Console, identifier: str) -> None:
    reply = running.ask(f"/v1/profiles/{identifier}")
    assert reply.status_code == 200
    found = reply.json()
    assert (found["profile_id"], found["user_id"], found["emails"]) == ("0000000000000065", "ann", [EMAIL])
    assert found["traits"].items() >= {"email": EMAIL, "status": "paid"}.items()
    assert "gone" not in found["traits"], "it was unset"
    assert {"type": "anonymous_id", "id": "anns/\nphone"} in found["identifiers"]
    assert (found["is_known"], found["events"]) == (True, 4)
    assert reply.headers["cache-control"] == "no-store"


def test_a_trait_says_which_event_set_it(running: Console) -> None:
    found = running.ask("/v1/profiles/ann/traits?verbose=true&limit=1").json()
    assert (found["cursor"]["has_more"], found["cursor"]["limit"]) == (True, 1)
    [email] = found["traits"]
    assert (email["name"], email["message_id"], email["source"], email["subject"]) == (
        "email", "m2", "dev", "0000000000000065",
    )  # fmt: skip
    rest = running.ask(found["cursor"]["url"].replace("limit=1", "limit=10"))
    assert [trait["name"] for trait in rest.json()["traits"]] == ["gone", "score", "status"]
    assert [trait["value"] for trait in rest.json()["traits"]] == [None, 10.5, "paid"]


@pytest.mark.parametrize(
    ("identifier", "visits", "user_id"),
    [
        ("user_id:cat", ["m20", "m21"], "cat"),
        ("user_id:dan", ["m40"], "dan"),
        ("anonymous_id:tablet", ["m70"], ""),
    ],
)
def test_of_a_device_of_several_people_each_has_what_happened_while_it_was_theirs(
    running: Console, identifier: str, visits: list[str], user_id: str
) -> None:
    found = running.ask(f"/v1/profiles/{identifier}").json()
    [tablet] = [device for device in found["devices"] if device["anonymous_id"] == "tablet"]
    assert (found["user_id"], found["anonymous_ids"], tablet["events"]) == (user_id, ["tablet"], len(visits))
    assert (found["is_known"], found["events"]) == (bool(user_id), len(visits) + bool(user_id))
    steps = running.ask(f"/v1/profiles/{identifier}/journey?type=page").json()["data"]
    assert [step["message_id"] for step in steps] == visits


def test_a_journey_goes_page_by_page_and_marks_what_was_before(running: Console) -> None:
    path, pages = "/v1/profiles/user_id:ann/journey?limit=3", list[list[Any]]()
    while path:
        found = running.ask(path).json()
        pages.append(found["data"])
        path = found["cursor"]["url"]
    assert [[step["message_id"] for step in page] for page in pages] == [["m1", "m2", "m3"], ["m4"]]
    assert [step["before_known"] for page in pages for step in page] == [True, False, False, False]
    assert pages[0][0]["properties"] == {"number": 1, "plan": "pro"}
    backwards = running.ask("/v1/profiles/ann/journey?order=desc&event=Home&event=Order+Completed").json()
    assert [step["message_id"] for step in backwards["data"]] == ["m4", "m1"]
    late = running.ask("/v1/profiles/ann/journey?since=2023-11-14T22:13:23Z&type=identify").json()["data"]
    assert [step["message_id"] for step in late] == ["m3"]
    assert START_MS == 1_700_000_000_000


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/v1/profiles/user_id:bob", 404, "nobody in workspace main has this identifier"),
        ("/v1/profiles/ann/nothing", 404, "no such path: after an identifier come /traits, /journey"),
        (
            "/v1/people/ann",
            404,
            "no such path: there is /v1/profiles/IDENTIFIER and /v1/contacts/LIST, and of the process itself /healthz,",
        ),
        ("/v1/profiles", 404, "no such path: there is /v1/profiles/IDENTIFIER"),
        ("/v1/profiles/", 400, "an empty identifier"),
        ("/v1/profiles/email:ann", 400, "what follows email:"),
        ("/v1/profiles/ann?limit=1", 400, "no such parameter"),
        ("/v1/profiles/ann/journey?limit=1001", 400, "limit is a number from 1 to 1000"),
        ("/v1/profiles/ann/journey?limit=1&limit=2", 400, "limit may be given once"),
        ("/v1/profiles/ann/journey?since=yesterday", 400, "since is a moment in ISO 8601"),
        ("/v1/profiles/ann/journey?order=up", 400, "order is asc"),
        ("/v1/profiles/ann/journey?type=order", 400, "type is one of track"),
        ("/v1/profiles/ann/journey?next=%00x", 400, "next: the cursor is none"),
        ("/v1/profiles/ann/traits?verbose=1", 400, "verbose is true or false"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(running: Console, path: str, status: int, told: str) -> None:
    reply = running.ask(path)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json")
    assert told in reply.json()["error"]["message"]


def test_nobody_is_let_in_without_a_server_key(running: Console) -> None:
    for key in ("", "not-a-key"):
        reply = running.ask("/v1/profiles/ann", key=key)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthorized")
        assert "server_keys" in reply.json()["error"]["message"]
    assert (
        plain_http.get(
            f"{running.url}/v1/profiles/ann", headers={"Authorization": f"Bearer {KEY}"}
        ).status_code
        == 200
    )


def test_a_key_reads_its_own_workspace_alone(running: Console) -> None:
    reply = running.ask("/v1/profiles/ann", key="another-key")
    assert (reply.status_code, "workspace second" in reply.text) == (404, True)


def test_a_key_that_asks_too_often_is_told_when_to_come_back(running: Console) -> None:
    replies = [running.ask("/v1/profiles/ann", key="a-slow-key") for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]
    assert int(replies[1].headers["retry-after"]) > 0


def test_another_method_and_another_name_of_the_host_are_refused(running: Console) -> None:
    for method in ("POST", "HEAD"):
        reply = running.ask("/v1/profiles/ann", method=method)
        assert (reply.status_code, reply.headers["allow"]) == (405, "GET")
    rebound = running.ask("/v1/profiles/ann", headers={"Host": "evil.example"})
    assert (rebound.status_code, "CONSOLE_ALLOWED_HOSTS" in rebound.text) == (400, True)


def test_a_new_key_is_served_without_a_restart_and_a_deleted_one_no_more(
    running: Console, topics: Topics
) -> None:
    add_keys(topics.settings, {"id": "new", "keys": ["a-new-key"]})
    wait_until(
        lambda: running.ask("/v1/profiles/ann", key="a-new-key").status_code == 200, WAIT_S, "it is let in"
    )
    write_control(topics.settings, {"server_key/new": None}, "test")
    wait_until(
        lambda: running.ask("/v1/profiles/ann", key="a-new-key").status_code == 401, WAIT_S, "it is not"
    )


def test_the_log_and_the_metrics_name_nobody(running: Console) -> None:
    running.ask("/v1/profiles/email:ann@shop.example")
    running.ask("/v1/profiles/email:secret@shop.example")
    log, shown = running.log.read_text(), running.ask("/metrics").text
    assert 'stitchline_console_requests_total{path="/v1/profiles/",status="404"}' in shown
    for text in (log, shown):
        assert "shop.example" not in text
        assert KEY not in text
    assert "control read" in log


def test_without_clickhouse_the_answer_is_to_come_back_and_the_process_is_not_ready(
    environ: dict[str, str], tmp_path: Path
) -> None:
    away = environ | {"CLICKHOUSE_URL": f"http://127.0.0.1:{free_port()}"}
    with console(away, tmp_path / "log", ready=False) as started:
        known = "CLICKHOUSE_URL"  # until the control topic is read, nobody is told that a key is none
        wait_until(lambda: known in started.ask("/v1/profiles/ann").text, WAIT_S, "the control topic is read")
        reply = started.ask("/v1/profiles/ann")
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")
        assert reply.headers["retry-after"] == "2"
        ready = started.ask("/ready")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(WAIT_S) == 0
