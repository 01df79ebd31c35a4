"""`/v1/contacts/...` of a real process: what a change becomes in Kafka, what is told of each item, and who is on a list."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.control import write_control
from schemas.configuration.contact_list_records import campaign_records, contact_list_records, mailer_records
from schemas.contacts.contact_addresses import contact_node
from schemas.contacts.contact_facts import ContactFact, decode_contact_facts
from schemas.topics import CONTACTS_FACTS
from schemas.wire.codec import CONTACT
from tests.console.process import Console, add_keys, console
from tests.engines import delete_topics
from tests.kafka_records import values_of
from tests.sinks.stage import Tables, Topics, contact

pytestmark = pytest.mark.timeout(300)

HASH_KEY = bytes(range(16))
ANN, BOB = "ann@shop.example", "bob@shop.example"
OTHER_KEY = "another-key"


def node(address: str) -> int:
    return contact_node("main", "email", address, HASH_KEY)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stored = Tables(clickhouse, module_database)
    rows = [contact(n, list="many", address=f"c{n}@shop.example") for n in range(1, 6)]
    rows += [contact(6, list="many", address="c6@shop.example", state="deleted", version=2)]
    rows += [contact(node(ANN), address=ANN, mailer="weekly"), contact(node(BOB), address="", kind="opt_out")]
    stored.insert("contacts_in", CONTACT, rows, "c")
    yield stored
    stored.client.close()


@pytest.fixture(scope="module")
def topics(kafka: str) -> Iterator[Topics]:
    prefix = f"contacts{os.getpid()}-"
    made = Topics(kafka, prefix)
    add_keys(
        made.settings,
        {"id": "app", "keys": ["a-server-key"]},
        {"id": "other", "keys": [OTHER_KEY], "workspace": "second"},
    )
    lists = [
        {"list": "news", "channel": "email"},
        {"list": "many", "channel": "email"},
        {"list": "calls", "channel": "phone"},
    ]
    mailers = [{"mailer": "weekly", "channel": "email"}, {"mailer": "texts", "channel": "sms"}]
    documents = {**contact_list_records(lists), **campaign_records([]), **mailer_records(mailers)}
    write_control(made.settings, documents, "lists")
    yield made
    delete_topics(kafka, prefix)


@pytest.fixture(scope="module")
def asked(topics: Topics, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": topics.settings.bootstrap_servers,
        "STITCHLINE_TOPIC_PREFIX": topics.settings.topic_prefix,
        "STITCHLINE_PARTITIONS": str(topics.settings.partitions),
        "CLICKHOUSE_URL": tables.settings.url,
        "STITCHLINE_DATABASE": tables.settings.database,
        "STITCHLINE_HASH_KEY": HASH_KEY.hex(),
        "CONTACT_PHONE_REGION": "DE",
        "CONTACT_REQUEST_CHANGES_MAX": "5",
        "CONTACT_REQUEST_BYTES_MAX": "2000",
    }
    with console(environ, tmp_path_factory.mktemp("contacts") / "console.log") as started:
        yield started


def sent(topics: Topics) -> list[ContactFact]:
    values = values_of(topics.settings, CONTACTS_FACTS)
    return [fact for value in values for fact in decode_contact_facts(value).facts]


def change(asked: Console, name: str, body: Any, **more: Any) -> Any:
    return asked.ask(f"/v1/contacts/{name}", method="POST", json=body, **more)


def test_changes_are_in_kafka_when_they_are_answered_and_each_item_has_its_outcome(
    asked: Console, topics: Topics
) -> None:
    before = len(sent(topics))
    body = {
        "add": [
            {"email": " Ann@shop.example", "mailer": "weekly", "at": "2026-01-02T03:04:05Z"},
            {"email": "no address"},
            {"email": BOB, "mailer": "texts"},
        ],
        "delete": [{"email": BOB}, {"phone": "+4930901820"}],
    }
    reply = change(asked, "news", body)
    assert reply.status_code == 200
    told = reply.json()
    assert (told["list"], told["taken"], told["refused"]) == ("news", 2, 3)
    assert [each["taken"] for each in told["outcomes"]] == [True, False, False, True, False]
    assert "form of an e-mail address" in told["outcomes"][1]["error"]
    assert told["outcomes"][2]["error"].startswith("mailer: no such mailer")
    assert told["outcomes"][4]["error"].startswith("phone: the list has addresses of channel email")
    assert BOB not in reply.text
    facts = {fact.address: fact for fact in sent(topics)[before:]}
    assert set(facts) == {ANN, BOB}
    assert (facts[ANN].change, facts[ANN].time, facts[ANN].mailer) == ("added", 1_767_323_045_000, "weekly")
    assert (facts[BOB].change, facts[BOB].origin, facts[BOB].list_kind) == ("deleted", "api", "contacts")


def test_phone_numbers_are_kept_in_one_form(asked: Console, topics: Topics) -> None:
    assert change(asked, "calls", {"add": [{"phone": "030 901820"}]}).json()["taken"] == 1
    assert "+4930901820" in {fact.address for fact in sent(topics)}


@pytest.mark.parametrize(
    ("name", "body", "status", "why"),
    [
        ("nowhere", {"add": [{"email": ANN}]}, 404, "there are calls, many, news"),
        ("news", {}, 400, "changes nothing"),
        ("news", {"add": 7}, 400, "cannot be read"),
        ("news", {"put": []}, 400, "cannot be read"),
        ("news", {"add": [{"email": ANN}] * 6}, 413, "CONTACT_REQUEST_CHANGES_MAX"),
        ("news", {"add": [{"email": "a" * 3000}]}, 413, "CONTACT_REQUEST_BYTES_MAX"),
        ("news/ann", {"add": [{"email": ANN}]}, 405, "POST to its list"),
    ],
)
def test_what_cannot_be_taken_as_a_whole_is_refused(
    asked: Console, name: str, body: Any, status: int, why: str
) -> None:
    reply = change(asked, name, body)
    assert reply.status_code == status
    assert why in reply.json()["error"]["message"]


def test_nobody_changes_lists_without_a_key_or_those_of_another_workspace(asked: Console) -> None:
    body = {"add": [{"email": ANN}]}
    assert change(asked, "news", body, key="").status_code == 401
    assert change(asked, "news", body, key=OTHER_KEY).status_code == 404
    assert asked.ask("/v1/contacts/news", key=OTHER_KEY).status_code == 404
    assert asked.ask("/v1/contacts/news", method="DELETE").status_code == 405


def test_a_list_is_told_in_pages(asked: Console) -> None:
    first = asked.ask("/v1/contacts/many?limit=2").json()
    assert [each["address"] for each in first["data"]] == ["c1@shop.example", "c2@shop.example"]
    assert first["data"][0]["changed_at"] == "2023-11-14T22:13:20.000+00:00"
    assert first["cursor"]["next"] == f"{2:016x}"
    second = asked.ask(first["cursor"]["url"]).json()
    assert [each["contact"] for each in second["data"]] == [f"{3:016x}", f"{4:016x}"]
    last = asked.ask(second["cursor"]["url"]).json()
    assert ([each["contact"] for each in last["data"]], last["cursor"]["has_more"]) == ([f"{5:016x}"], False)
    deleted = asked.ask("/v1/contacts/many?state=deleted").json()["data"]
    assert [each["contact"] for each in deleted] == [f"{6:016x}"]
    assert len(asked.ask("/v1/contacts/many?state=all").json()["data"]) == 6
    assert asked.ask("/v1/contacts/many?state=gone").status_code == 400
    assert asked.ask("/v1/contacts/many?after=x").status_code == 400


def test_one_address_is_told_also_when_it_was_forgotten(asked: Console) -> None:
    ann = asked.ask("/v1/contacts/news/Ann@shop.example").json()
    assert (ann["state"], ann["mailer"], ann["contact"]) == ("added", "weekly", f"{node(ANN):016x}")
    bob = asked.ask(f"/v1/contacts/news/{BOB}").json()
    assert (bob["state"], bob["address"]) == ("added", "")
    assert asked.ask("/v1/contacts/news/carl@shop.example").status_code == 404
    assert asked.ask("/v1/contacts/news/carl").status_code == 400


def test_the_log_names_nobody(asked: Console) -> None:
    log = Path(asked.log).read_text()
    assert ANN not in log
    assert "901820" not in log
