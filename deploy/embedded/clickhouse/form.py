"""A request as a form (multipart/form-data): parameters as fields, external tables as files.

A file is a table of the request: its columns are in `NAME_structure` or `NAME_types`, its format in `NAME_format`.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from deploy.embedded.clickhouse import sql
from deploy.embedded.clickhouse.engine import Context
from deploy.embedded.clickhouse.failure import refused, statement_too_long
from deploy.embedded.clickhouse.request import DEFAULT_FORMAT
from deploy.embedded.clickhouse.spool import spooled


class Part(msgspec.Struct, frozen=True):
    """`is_file`: it came with a file name. Its content is read once, before the next part."""

    name: str
    is_file: bool
    content: Iterator[bytes]


class Form(msgspec.Struct, frozen=True):
    params: dict[str, str]
    files: dict[str, Path]


class Limits(msgspec.Struct, frozen=True):
    statement_bytes_max: int
    data_bytes_max: int
    memory_bytes_max: int


@contextlib.contextmanager
def read(parts: Iterable[Part], folder: Path, limits: Limits) -> Iterator[Form]:
    """The files are there until the end. Raises ClickHouseError."""
    with contextlib.ExitStack() as spools:
        form = Form({}, {})
        left = limits.statement_bytes_max
        for part in parts:
            if part.is_file:
                spool = spooled(part.content, folder, limits.data_bytes_max)
                form.files[part.name] = spools.enter_context(spool)
            else:
                value = _value(part.content, left, limits.statement_bytes_max)
                left -= len(value)
                form.params[part.name] = value.decode("utf-8", errors="surrogateescape")
        yield form


@contextlib.contextmanager
def external_tables(context: Context, form: Form, params: Mapping[str, str]) -> Iterator[None]:
    """They are the request's, also where the connection is a session's. Raises ClickHouseError."""
    made: list[str] = []
    try:
        for name, path in form.files.items():
            table = sql.identifier(name)
            context.execute(f"CREATE TEMPORARY TABLE {table} ({_structure(name, params)})")
            made.append(table)
            source = sql.quoted(str(path))
            context.execute(f"INSERT INTO {table} FROM INFILE {source} FORMAT {_format(name, params)}")
        yield
    finally:
        for table in made:
            context.execute(f"DROP TEMPORARY TABLE IF EXISTS {table}")


def _structure(name: str, params: Mapping[str, str]) -> str:
    if structure := params.get(f"{name}_structure"):
        return structure
    if types := params.get(f"{name}_types"):
        return ", ".join(f"_{at} {kind}" for at, kind in enumerate(sql.comma_separated(types), 1))
    raise refused(
        f"External table {name} has neither a structure nor types: "
        f"give {name}_structure or {name}_types", 36, "BAD_ARGUMENTS"
    )  # fmt: skip


def _format(name: str, params: Mapping[str, str]) -> str:
    chosen = params.get(f"{name}_format") or DEFAULT_FORMAT
    if not chosen.isalnum():
        raise refused(f"Unknown format {chosen}", 73, "UNKNOWN_FORMAT")
    return chosen


def _value(content: Iterator[bytes], left: int, bytes_max: int) -> bytes:
    value = bytearray()
    for chunk in content:
        value += chunk
        if len(value) > left:
            raise statement_too_long(bytes_max)
    return bytes(value)
