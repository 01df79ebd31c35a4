"""What a request sets before its statement runs, and how a session's connection is as it was before, afterwards.

As on a server, settings, database and parameters of a request hold for that request; what its statement itself sets (SET,
USE, CREATE TEMPORARY TABLE) is the session's.
"""

import contextlib
from collections.abc import Iterator, Mapping

from deploy.embedded.clickhouse import sql
from deploy.embedded.clickhouse.engine import Context
from deploy.embedded.clickhouse.failure import refused
from deploy.embedded.clickhouse.request import Request


def setup(request: Request, memory_bytes_max: int) -> list[str]:
    """What makes a fresh connection this request's, but for `readonly`, which comes last since it forbids what comes before."""
    settings = {"max_memory_usage": str(memory_bytes_max)} | _settings(request)
    use = [f"USE {sql.identifier(request.database)}"] if request.database else []
    return [*use, assignment(settings)]


def readonly(request: Request) -> str:
    """The value of `readonly` for this request: one that came by GET may only read."""
    asked = request.settings.get("readonly", "0")
    return "2" if request.readonly and asked == "0" else asked


def assignment(settings: Mapping[str, str]) -> str:
    return "SET " + ", ".join(f"{name} = {sql.quoted(value)}" for name, value in settings.items())


def changes_the_session(text: bytes) -> bool:
    return sql.first_word(text) in sql.OF_A_SESSION or sql.makes_temporary(text)


@contextlib.contextmanager
def for_this_request(context: Context, request: Request, text: bytes) -> Iterator[None]:
    """The session's connection with the request's settings and database. Raises ClickHouseError."""
    if sql.first_word(text) in sql.OF_A_SESSION:
        yield  # what it sets must stay
        return
    _refuse_writes(context, request, text)
    settings = _settings(request)
    before = _before(context, settings)
    try:
        if settings:
            context.execute(assignment(settings))
        if request.database:
            context.execute(f"USE {sql.identifier(request.database)}")
        yield
    finally:
        for statement in before:
            context.execute(statement)


def _refuse_writes(context: Context, request: Request, text: bytes) -> None:
    """A connection that was made read-only stays so: a session's is asked what the statement does instead."""
    if readonly(request) != "0" and not (sql.makes_temporary(text) or context.only_reads(text)):
        raise refused("Cannot execute query in readonly mode.", 164, "READONLY")


def _before(context: Context, settings: Mapping[str, str]) -> list[str]:
    """The statements that bring back what is now."""
    back = []
    if settings:
        names = ", ".join(map(sql.quoted, settings))
        ask = f"SELECT name, value, toUInt8(changed) FROM system.settings WHERE name IN ({names})"  # noqa: S608 - quoted
        back = [
            f"SET {name} = {sql.quoted(value) if changed == '1' else 'DEFAULT'}"
            for name, value, changed in context.rows(ask)
        ]
    ((database,),) = context.rows("SELECT currentDatabase()")
    return [*back, f"USE {sql.identifier(database)}"]


def _settings(request: Request) -> dict[str, str]:
    for name in request.settings:
        if not (name.isidentifier() and name.isascii()):
            raise refused(f"Unknown setting {sql.quoted(name)}", 115, "UNKNOWN_SETTING")
    return {name: value for name, value in request.settings.items() if name != "readonly"}
