"""`stitchline contacts`: what it sends, what the agent makes of it, and what is told of a list afterwards."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.applying.authority import Wish
from deploy.applying.configuration import BadConfiguration, apply_file
from deploy.cli import app
from processors.contacts.contacts_agent import Contacts
from runtime.control import write_control
from schemas.configuration.contact_list_records import contact_list_records, mailer_records
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import CONTACTS, CONTACTS_FACTS, EVENTS_DERIVED
from schemas.wire.codec import CONTACT
from tests.documented import yaml_of_the_documentation
from tests.engines import delete_topics
from tests.kafka_records import values_of
from tests.sinks.stage import Tables, Topics

EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "contacts" / "contacts.yaml"
HASH_KEY = bytes(range(16))


class Deployment:
    """`commands` run against real topics and tables; `apply` is the agent and the sink, of all that was sent so far."""

    def __init__(self, topics: Topics, tables: Tables) -> None:
        self.topics, self.tables = topics, tables
        self.step = Contacts(hash_key=HASH_KEY, partitions=topics.settings.partitions)
        self.state: dict[bytes, bytes] = {}
        self.applied = 0

    def run(self, *arguments: str) -> Result:
        kafka, clickhouse = self.topics.settings, self.tables.settings
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "STITCHLINE_TOPIC_PREFIX": kafka.topic_prefix,
            "STITCHLINE_PARTITIONS": str(kafka.partitions + 12),  # not what the deployment has
            "CLICKHOUSE_URL": clickhouse.url,
            "STITCHLINE_DATABASE": clickhouse.database,
        }
        return CliRunner().invoke(app, ["contacts", *arguments], env=environ)

    def apply(self) -> list[OutputRecord]:
        """All partitions as one, from their beginnings: what was applied before changes nothing."""
        values = values_of(self.topics.settings, CONTACTS_FACTS)
        records = [InputRecord(number, 0, b"", value) for number, value in enumerate(values)]
        out = self.step(0, records, self.state)
        found = [each.value for each in out if each.topic == CONTACTS.name]
        self.applied += 1
        if found:
            self.tables.insert("contacts_in", CONTACT, found, f"contacts-{self.applied}")
        return out


@pytest.fixture(scope="module")
def deployment(clickhouse: str, module_database: str, kafka: str) -> Iterator[Deployment]:
    prefix = f"contact-files{os.getpid()}-"
    topics, tables = Topics(kafka, prefix), Tables(clickhouse, module_database)
    lists = [
        {"list": "news", "channel": "email"},
        {"list": "no-news", "channel": "email", "kind": "opt_out"},
    ]
    mailers = [{"mailer": "weekly", "channel": "email"}]
    write_control(topics.settings, {**contact_list_records(lists), **mailer_records(mailers)}, "lists")
    yield Deployment(topics, tables)
    tables.client.close()
    delete_topics(kafka, prefix)


def told(result: Result) -> list[dict[str, Any]]:
    """Without lines of the log, which `main` sends elsewhere."""
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_a_file_is_loaded_once_however_often_and_taken_off_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "news.csv"
    file.write_text("email,mailer\nann@shop.example,weekly\nnobody\nbob@shop.example,\n")
    checked = deployment.run("news", "--import", str(file), "--dry-run")
    assert told(checked) == [
        {"list": "news", "change": "added", "dry_run": True, "lines": 3, "taken": 2, "refused": 1}
    ]
    assert "line 3: email: it has not the form" in checked.stderr
    assert deployment.apply() == []
    for _ in range(2):
        assert told(deployment.run("news", "--import", str(file)))[0]["taken"] == 2
    assert len([each for each in deployment.apply() if each.topic == CONTACTS.name]) == 2
    assert [each for each in deployment.apply() if each.topic == EVENTS_DERIVED.name] == []
    shown = deployment.run("news", "--export").stdout
    exported = list(csv.DictReader(io.StringIO(shown[shown.index("address,contact,") :])))
    assert {row["address"]: row["mailer"] for row in exported} == {
        "ann@shop.example": "weekly",
        "bob@shop.example": "",
    }
    deployment.run("news", "--import", str(file), "--remove")
    deployment.apply()
    (status,) = told(deployment.run("news", "--status"))
    assert (status["added"], status["deleted"]) == (0, 2)
    assert (
        "no address is or was on a list newz of workspace main" in deployment.run("newz", "--status").stderr
    )


def test_a_spreadsheets_file_in_utf_16_is_read_and_what_is_no_text_is_one_error(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "news.csv"
    file.write_bytes("Name;Email\r\nAnn, ö;ann@wide.example\r\n".encode("utf-16"))
    assert told(deployment.run("news", "--import", str(file), "--dry-run"))[0]["taken"] == 1
    file.write_bytes("Name;Email\r\nAnn;ann@wide.example\r\n".encode("utf-16-le"))
    refused = deployment.run("news", "--import", str(file))
    assert (str(refused.exception), refused.stderr.count("line ")) == (
        f"{file} is no text, or is in UTF-16 without a mark: save it as CSV in UTF-8",
        0,
    )


def test_one_address_is_put_on_a_list_and_taken_off(deployment: Deployment) -> None:
    assert told(deployment.run("no-news", "--add", "Carl@shop.example", "--mailer", "weekly")) == [
        {"list": "no-news", "change": "added", "taken": 1}
    ]
    deployment.apply()
    (counted,) = [each for each in told(deployment.run()) if each["list"] == "no-news"]
    assert (counted["kind"], counted["added"], counted["deleted"]) == ("opt_out", 1, 0)
    deployment.run("no-news", "--delete", "carl@shop.example")
    deployment.apply()
    (counted,) = told(deployment.run("no-news"))
    assert (counted["added"], counted["deleted"]) == (0, 1)


def test_the_worked_newsletter_and_the_examples_of_the_documentation_are_applied(
    deployment: Deployment, tmp_path: Path
) -> None:
    kafka = deployment.topics.settings
    applied = apply_file(EXAMPLE, kafka, Wish("example"))
    assert {"contact_list/main/no-newsletter", "rule/main/newsletter-goodbye"} <= set(applied.written)
    for page in ("contacts.md", "configuration.md"):
        (text,) = [each for each in yaml_of_the_documentation(page) if each.startswith("contact_lists:")]
        file = tmp_path / f"{page}.yaml"
        file.write_text(text)
        assert "campaign/main/newsletter" in apply_file(file, kafka, Wish(page)).written
    unfit = tmp_path / "unfit.yaml"
    unfit.write_text("campaigns: [{campaign: newsletter, deleted: true}]")
    with pytest.raises(BadConfiguration, match="campaign newsletter cannot be deleted"):
        apply_file(unfit, kafka, Wish("unfit"))
    unfit.write_text("contact_lists: [{list: newsletter, channel: phone}]")
    with pytest.raises(BadConfiguration, match="it is email and cannot become phone"):
        apply_file(unfit, kafka, Wish("unfit"))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nowhere", "--add", "a@shop.example"), "there are ne"),
        (("news", "--add", "nobody"), "form of an e-mail address"),
        (("news", "--add", "a@shop.example", "--export"), "one of --add"),
        (("--add", "a@shop.example"), "give a list"),
        (("news", "--remove"), "are for --import"),
        (("news", "--add", "a@shop.example", "--mailer", "daily"), "no such mailer"),
    ],
)
def test_what_cannot_be_done_is_told(deployment: Deployment, arguments: tuple[str, ...], why: str) -> None:
    result = deployment.run(*arguments)
    assert result.exit_code != 0
    assert why in str(result.exception)
