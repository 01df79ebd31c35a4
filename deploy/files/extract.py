"""`stitchline extract`: a table or a query into Parquet or Arrow files, streamed from ClickHouse, which writes the format itself.

A file appears under its name when it is whole, so what is there can be read. By days each day is a file of its own, in folders
that DuckDB, Spark and pyarrow know as partitions; a day that is there is left alone, so a run that was cut off goes on where it
stopped. Deliberately absent: rows in Python, and one snapshot over several files: each day is as of when it was written.
"""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from deploy.files.extract_sql import (
    CannotExtract,
    Cut,
    Source,
    check_time,
    columns_of,
    days_sql,
    of_day,
    parameters,
    rows_sql,
    source_text,
)
from runtime.clickhouse import NoAnswer, connect
from runtime.environment.settings import ClickHouseSettings, load
from schemas.meanings import Meaning, kept_meanings
from sinks.storing.clickhouse import translate
from sinks.storing.failure import Refused

ANSWER_S_MAX = 3600  # until the first byte: the embedded engine writes the whole file before it sends it
CHUNK_BYTES = 1 << 20
ROW_GROUP_BYTES = 64 << 20  # what ClickHouse holds in memory of a Parquet file, for each of its threads
DAY_COLUMN = "day"
BEGINS_WITH_NAME = "."

SETTINGS = {
    "output_format_parquet_row_group_size_bytes": ROW_GROUP_BYTES,
    "output_format_parquet_string_as_string": 1,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
    "output_format_parquet_compression_method": "zstd",
    "output_format_arrow_compression_method": "zstd",
}


class Form(msgspec.Struct, frozen=True):
    """A file format: ClickHouse's name of it, the file's ending, the bytes with which a whole file ends."""

    name: str
    ending: str
    last_bytes: bytes


FORMS = {"parquet": Form("Parquet", "parquet", b"PAR1"), "arrow": Form("Arrow", "arrow", b"ARROW1")}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says. `by_day`: `out` is a folder; `again`: days that are there are written anew."""

    what: str
    form: Form
    out: Path
    cut: Cut
    by_day: bool = False
    again: bool = False


class Extracted(msgspec.Struct, frozen=True):
    """Files and their bytes; how many days were there already."""

    files: list[str]
    bytes: int
    kept: int


class _File(msgspec.Struct, frozen=True):
    path: Path
    cut: Cut


def run(environ: Mapping[str, str], wanted: Wanted) -> Extracted:
    """Raises CannotExtract, NoAnswer."""
    try:
        client = connect(load(ClickHouseSettings, environ), timeout_s=ANSWER_S_MAX)
        try:
            return extract(client, wanted)
        finally:
            client.close()
    except (ClickHouseError, HTTPError) as error:
        if isinstance(translate(error), Refused):
            raise CannotExtract(f"ClickHouse refuses it: {error}") from error
        raise NoAnswer(
            f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {error}"
        ) from error
    except OSError as error:
        raise CannotExtract(f"{wanted.out} cannot be written: {error}") from error


def extract(client: Client, wanted: Wanted) -> Extracted:
    """Raises CannotExtract, and the errors of ClickHouse's client."""
    if not wanted.out.absolute().parent.is_dir():
        raise CannotExtract(
            f"--out {wanted.out}: there is no folder {wanted.out.parent}: make it, or mend its name"
        )
    meaning = kept_meanings().tables.get(wanted.what)
    source = _source(client, wanted.what, meaning)
    wanted = _with_time(wanted, source, meaning)
    files = _days(client, source, wanted) if wanted.by_day else [_File(wanted.out, wanted.cut)]
    todo = [file for file in files if wanted.again or not wanted.by_day or not file.path.exists()]
    asked = [rows_sql(source, file.cut) for file in todo]
    _require_segment(client, wanted.cut)
    for sql, file in zip(asked, todo, strict=True):
        _write(client, sql, file, wanted.form)
    size = sum(file.path.stat().st_size for file in todo)
    return Extracted([str(file.path) for file in todo], size, len(files) - len(todo))


def _source(client: Client, what: str, meaning: Meaning | None) -> Source:
    text = source_text(what, final=bool(meaning and meaning.final))
    rows = client.query(f"DESCRIBE (SELECT * FROM {text})").result_rows  # noqa: S608 - the user's own query
    return Source(text, columns_of(rows))


def _require_segment(client: Client, cut: Cut) -> None:
    """A misspelt name would be a file without rows, which looks like an answer."""
    known = "SELECT count() FROM segment_versions WHERE workspace = {workspace:String} AND segment = {segment:String}"
    asked = {"workspace": cut.workspace, "segment": cut.segment}
    if cut.segment and client.query(known, parameters=asked).result_rows[0][0] == 0:
        raise CannotExtract(
            f"--segment {cut.segment}: workspace {cut.workspace} has no such segment, or it was not worked out yet: "
            "stitchline segments --status lists those that were"
        )


def _with_time(wanted: Wanted, source: Source, meaning: Meaning | None) -> Wanted:
    """Where days or bounds are asked for: the column that they are about."""
    cut = wanted.cut
    if not (wanted.by_day or cut.since or cut.until):
        return wanted
    usual = meaning.time if meaning else "timestamp" if source.type_of("timestamp") else ""
    cut = msgspec.structs.replace(cut, time=cut.time or usual)
    check_time(source, cut.time)
    return msgspec.structs.replace(wanted, cut=cut)


def _days(client: Client, source: Source, wanted: Wanted) -> list[_File]:
    rows = client.query(days_sql(source, wanted.cut), parameters=parameters(wanted.cut)).result_rows
    name = f"data.{wanted.form.ending}"
    return [
        _File(wanted.out / f"{DAY_COLUMN}={day}" / name, of_day(date.fromisoformat(day), wanted.cut))
        for (day,) in rows
    ]


def _write(client: Client, sql: str, file: _File, form: Form) -> None:
    asked = parameters(file.cut)
    with (
        _whole(file.path) as part,
        client.raw_stream(sql, parameters=asked, settings=SETTINGS, fmt=form.name) as answer,
        part.open("wb") as out,
    ):
        last = b""
        while chunk := answer.read(CHUNK_BYTES):
            out.write(chunk)
            last = (last + chunk)[-len(form.last_bytes) :]
        if last != form.last_bytes:
            raise CannotExtract(
                f"ClickHouse's answer for {file.path} was cut off: run the same command again"
            )
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file beside it, which takes its name when all has gone well and is gone otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{BEGINS_WITH_NAME}{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
