"""`stitchline export ID`: everything that is stored about one person, as JSON lines, streamed: of it all, only the person's
identifiers are held in memory.

Sections, in this order, each line with its `kind`: profile, identifier, pointer, trait, group, cart, list, segment, event,
dead_letter. On a device that several people used only the person's own time counts: events and traits of other times are not
in it. docs/identity.md says what each line has. Deliberately absent: what stands in Kafka's topics, which repeat the tables for
as long as they are retained.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from deploy.explaining.why_view import moment
from deploy.identifiers.ids import Id, find, hash_key_at_hand
from deploy.people.export_sql import LETTERS, NAMES, ROOTS, SECTIONS
from deploy.people.letters import Pair, holds_one_of
from processors.events.times import TIME_MAX
from runtime.clickhouse import NoAnswer
from runtime.environment.settings import ClickHouseSettings, load
from schemas.identity.identifiers import profile_id
from sinks.storing.clickhouse import connect

Open = Callable[[str], AbstractContextManager[IO[bytes]]]

LETTER_COLUMNS = ("workspace", "source", "stage", "reason", "detail", "message_id")

SETTINGS = {
    "output_format_json_quote_64bit_integers": 0,
    "date_time_output_format": "iso",
    "max_bytes_before_external_sort": 200_000_000,
}

CHUNK_BYTES = 1 << 16


class SeveralPeople(Exception):
    """A device of several people; the text names them."""


class Person(msgspec.Struct, frozen=True):
    """One profile: all of its parameters in the queries above."""

    workspace: str
    root: int
    database: str

    def asked(self) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "root": self.root,
            "profile": profile_id(self.root),
            "roots": f"{self.database}.idr_root",
            "segments": f"{self.database}.idr_segment",
        }


def run(
    environ: Mapping[str, str], workspace: str, text: str, where: tuple[Path, Path | None, IO[bytes]]
) -> dict[str, int]:
    """As the command line asks: `where` is the stack's folder, the folder to write to if there is one, and standard output.

    Raises SeveralPeople, what deploy.identifiers.ids.find raises, and NoAnswer.
    """
    data, folder, out = where
    key = hash_key_at_hand(environ, data)
    try:
        client = connect(load(ClickHouseSettings, environ))
        person = person_of(client, find(client, workspace, text, key))
        return export(client, person, _files(folder) if folder else lambda _: nullcontext(out))
    except (ClickHouseError, HTTPError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE), or --to cannot be written: {error}"
        ) from error


def _files(folder: Path) -> Open:
    """One file per section, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def opened(name: str) -> Iterator[IO[bytes]]:
        descriptor = os.open(folder / f"{name}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            yield out

    return opened


def person_of(client: Client, found: Id) -> Person:
    """Raises SeveralPeople."""
    asked = {"workspace": found.workspace, "node": found.node, "roots": f"{client.database}.idr_root"}
    roots = [root for (root,) in client.query(ROOTS, parameters=asked).result_rows]
    if len(roots) != 1:
        profiles = ", ".join(profile_id(root) for root in sorted(roots))
        raise SeveralPeople(f"{found} is a device of several people; say whose data: {profiles}")
    return Person(found.workspace, roots[0], client.database or "")


def export(client: Client, person: Person, section: Open) -> dict[str, int]:
    """Writes each section where `section(name)` says; lines by section. The answers are read in pieces, never whole."""
    counts = {}
    for name, sql in SECTIONS.items():
        with section(name) as out:
            counts[name] = _copy(client, sql, person, out)
    with section("dead_letter") as out:
        counts["dead_letter"] = _letters(client, person, out)
    return counts


def _copy(client: Client, sql: str, person: Person, out: IO[bytes]) -> int:
    lines = 0
    with client.raw_stream(sql, parameters=person.asked(), settings=SETTINGS, fmt="JSONEachRow") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            lines += chunk.count(b"\n")
            out.write(chunk)
    return lines


def _letters(client: Client, person: Person, out: IO[bytes]) -> int:
    """Every letter is looked at: what was refused has no identifiers of its own."""
    names, lines = _names(client, person), 0
    stream = client.query_rows_stream(LETTERS, parameters=person.asked(), column_formats={"payload": "bytes"})
    with stream:
        for *columns, at, payload in stream:
            pairs = {
                pair for pair, spans in names.items() if any(since <= at < until for since, until in spans)
            }
            if holds_one_of(payload, pairs):
                out.write(_line(columns, at, payload))
                lines += 1
    return lines


def _names(client: Client, person: Person) -> dict[Pair, list[tuple[int, int]]]:
    """The person's identifiers in clear, and when (ms) they were: always, but for a device that others used too."""
    rows = client.query(NAMES, parameters=person.asked()).result_rows
    return {(kind, value): spans or [(0, TIME_MAX)] for kind, value, spans in rows}


def _line(columns: Sequence[Any], received_at: int, payload: bytes) -> bytes:
    """The payload as text where it is text, else in base64."""
    line = {
        "kind": "dead_letter",
        **dict(zip(LETTER_COLUMNS, columns, strict=True)),
        "received_at": moment(received_at),
    }
    try:
        line["payload"] = payload.decode()
    except UnicodeDecodeError:
        line["payload_base64"] = b64encode(payload).decode()
    return msgspec.json.encode(line) + b"\n"
