"""Lists of contacts from the command line: changes into Kafka, and what ClickHouse has of them out of it.

A change is taken when Kafka has it; agent `contacts` applies it, and fires `Contact Added` or `Contact Deleted` for those that
change anything. So a command that was cut off is run again as it was.
"""

import csv
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec
from clickhouse_connect.driver.client import Client

from deploy.files.csv_file import opened
from deploy.people.contact_files import BadFile, Counted, Tell, batches
from runtime.control import read_control
from runtime.environment.settings import ContactSettings, KafkaSettings, load
from runtime.lookup import Lookup
from runtime.sending import send
from schemas.contacts.contact_changes import (
    BadChange,
    Into,
    NoSuchList,
    Stated,
    fact_of,
    fact_records,
    list_of,
    mailers_for,
)
from schemas.contacts.contact_facts import ContactFact
from schemas.topics import CONTACTS_FACTS

PAGE_ROWS = 50_000
COLUMNS = ("address", "contact", "state", "changed_at", "mailer", "origin", "profile_id")

_STATUS = """\
SELECT list, kind, channel, countIf(state = 'added'), countIf(state = 'deleted'), max(changed_at)
FROM contact_list_members FINAL
WHERE workspace = {workspace:String} AND ({list:String} = '' OR list = {list:String})
GROUP BY list, kind, channel ORDER BY list"""
_EXPORT = """\
SELECT contact, address, lower(leftPad(hex(contact), 16, '0')), state, changed_at, mailer, origin, profile_id FROM contacts
WHERE workspace = {workspace:String} AND list = {list:String} AND state = 'added' AND contact > {after:UInt64}
ORDER BY contact LIMIT {limit:UInt32}"""


class CannotChange(ValueError):
    """A list cannot be changed like that; the text says why and what to do."""


class Status(msgspec.Struct, frozen=True):
    """A list as ClickHouse has it."""

    list: str
    kind: str
    channel: str
    added: int
    deleted: int
    changed_at: str


class Changing:
    """One list, as `control` has it when it is made. Raises CannotChange, KafkaUnavailable, SettingsError."""

    def __init__(self, workspace: str, name: str, origin: str) -> None:
        self._kafka = load(KafkaSettings, os.environ)
        self._settings = load(ContactSettings, os.environ)
        state = read_control(self._kafka, self._kafka.answer_timeout_s)
        try:
            listed = list_of(state.contact_lists, workspace, name)
        except NoSuchList as error:
            raise CannotChange(str(error)) from error
        now = int(time.time() * 1000)  # noqa: TID251 - the command's clock
        self.into = Into(listed, mailers_for(state.mailers, listed), self._settings.phone_region, origin, now)
        self._partitions = self._partitions_there()

    def change(self, stated: Stated) -> None:
        """One address. Raises CannotChange, KafkaUnavailable."""
        try:
            self._send([fact_of(stated, self.into)])
        except BadChange as error:
            raise CannotChange(str(error)) from error

    def load_file(self, file: Path, change: str, tell: Tell, *, is_dry: bool) -> Iterator[Counted]:
        """The counts after each batch, which Kafka has then. Raises CannotChange, NotText, KafkaUnavailable."""
        try:
            with opened(file, by_lines=True) as text:
                for counted, facts in batches(text, change, self.into, tell):
                    if not is_dry:
                        self._send(facts)
                    yield counted
        except BadFile as error:
            raise CannotChange(f"{file}: {error}") from error

    def _send(self, facts: list[ContactFact]) -> None:
        if facts:
            send(self._kafka, fact_records(facts, self._partitions, self._settings.message_changes_max))

    def _partitions_there(self) -> int:
        """Of the deployment's topic as it is, whatever the settings of this command say."""
        found = Lookup(self._kafka).partitions(CONTACTS_FACTS.full_name(self._kafka.topic_prefix))
        if not found:
            raise CannotChange("contacts.facts is not there: is STITCHLINE_TOPIC_PREFIX the deployment's?")
        return found


def status(client: Client, workspace: str, of: str) -> list[Status]:
    """Of the one list, or of all. Raises what the client raises."""
    rows = client.query(_STATUS, parameters={"workspace": workspace, "list": of}).result_rows
    return [
        Status(name, kind, channel, added, deleted, _iso(at))
        for name, kind, channel, added, deleted, at in rows
    ]


def export(client: Client, workspace: str, name: str, out: IO[str]) -> int:
    """Who is on the list, as CSV, page by page; how many. Raises what the client raises."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    after, count = 0, 0
    while page := _page(client, workspace, name, after):
        writer.writerows((*row[1:4], _iso(row[4]), *row[5:]) for row in page)
        count += len(page)
        after = page[-1][0]
    return count


def _iso(moment: datetime) -> str:
    """The client gives times of a UTC column without a zone."""
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _page(client: Client, workspace: str, name: str, after: int) -> list[Any]:
    asked = {"workspace": workspace, "list": name, "after": after, "limit": PAGE_ROWS}
    return list(client.query(_EXPORT, parameters=asked).result_rows)
