"""One request from its body to its answer, in a worker thread. The order of things is only here."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from deploy.embedded.clickhouse import context as contexts
from deploy.embedded.clickhouse import form as forms
from deploy.embedded.clickhouse import formats, sql
from deploy.embedded.clickhouse.answer import Answer, Kind, Reply, drained
from deploy.embedded.clickhouse.engine import Context, Engine, Params
from deploy.embedded.clickhouse.failure import ClickHouseError, refused
from deploy.embedded.clickhouse.form import Form, Limits, Part
from deploy.embedded.clickhouse.request import DEFAULT_FORMAT, Request, read
from deploy.embedded.clickhouse.running import Running
from deploy.embedded.clickhouse.sessions import Session, Sessions
from deploy.embedded.clickhouse.spares import Spares
from deploy.embedded.clickhouse.spool import answer_path, in_pieces, spooled
from deploy.embedded.clickhouse.statement import HEAD_BYTES, Statement, content, over_file, split


class Server(msgspec.Struct, frozen=True):
    """What outlives a request."""

    engine: Engine
    sessions: Sessions
    spares: Spares
    running: Running
    limits: Limits


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came; `query_id` and `tag` are new ones, for one that names none."""

    method: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    is_form: bool
    query_id: str
    tag: str


class Exchange(Reply, Protocol):
    """The edge: the body as bytes or as parts of a form, whichever is asked for first, and the way back."""

    def chunks(self) -> Iterator[bytes]: ...
    def parts(self) -> Iterator[Part]: ...


def serve(server: Server, call: Call, exchange: Exchange) -> ClickHouseError | None:
    """Answer the call; returns the error it was answered with, for the log."""
    kind = Kind(query_id=call.query_id, tag=call.tag, timezone=server.engine.timezone)
    answer = Answer(exchange, kind)
    try:
        with _form(server, call, exchange) as form:
            request = _request(call, form)
            answer.become(_kind(kind, request))
            _serve(server, request, _Body(form, {**call.params, **form.params}, exchange), answer)
        answer.end()
    except ClickHouseError as error:
        if not answer.started:
            drained(exchange.chunks())
        answer.failure(error)
        return error
    return None


class _Body(msgspec.Struct, frozen=True):
    form: Form
    params: Mapping[str, str]
    exchange: Exchange


def _form(server: Server, call: Call, exchange: Exchange) -> contextlib.AbstractContextManager[Form]:
    if not call.is_form:
        return contextlib.nullcontext(Form({}, {}))
    return forms.read(exchange.parts(), server.engine.temporary, server.limits)


def _request(call: Call, form: Form) -> Request:
    request = read(call.method, {**call.params, **form.params}, call.headers, form.files)
    return request if request.query_id else msgspec.structs.replace(request, query_id=call.query_id)


def _kind(kind: Kind, request: Request) -> Kind:
    return msgspec.structs.replace(
        kind, query_id=request.query_id, encoding=request.answer_encoding, packs=request.packs
    )


def _serve(server: Server, request: Request, body: _Body, answer: Answer) -> None:
    statement = split(request, content(request, body.exchange.chunks()), server.limits.statement_bytes_max)
    reads = sql.reads(statement.text)
    try:
        with (
            server.running.entered(request.query_id, reads),
            _context(server, request, statement, body) as context,
        ):
            if statement.insert:
                _insert(server, context, request, statement, answer)
            else:
                _run(server, context, request, statement, answer)
    finally:
        if sql.first_word(statement.text) in sql.TAKES_AWAY:
            server.spares.close()


@contextlib.contextmanager
def _context(server: Server, request: Request, statement: Statement, body: _Body) -> Iterator[Context]:
    """The connection on which the statement runs, as the request wants it."""
    if not request.session_id:
        with _without_session(server, request, statement, body) as context:
            yield context
        return
    with server.sessions.entered(request) as session:
        if session.context or contexts.changes_the_session(statement.text):
            with _of_session(server, session, request, statement, body) as context:
                yield context
        else:
            with _without_session(server, request, statement, body) as context:
                yield context


def _without_session(
    server: Server, request: Request, statement: Statement, body: _Body
) -> contextlib.AbstractContextManager[Context]:
    only_reads = not statement.insert and sql.reads(statement.text)
    if only_reads and not body.form.files and contexts.readonly(request) == "0":
        return server.spares.entered(contexts.setup(request, server.limits.memory_bytes_max))
    return _fresh(server, request, body)


@contextlib.contextmanager
def _fresh(server: Server, request: Request, body: _Body) -> Iterator[Context]:
    with contextlib.closing(server.engine.open()) as context:
        for assignment in contexts.setup(request, server.limits.memory_bytes_max):
            context.execute(assignment)
        with forms.external_tables(context, body.form, body.params):
            if contexts.readonly(request) != "0":
                context.execute(contexts.assignment({"readonly": contexts.readonly(request)}))
            yield context


@contextlib.contextmanager
def _of_session(
    server: Server, session: Session, request: Request, statement: Statement, body: _Body
) -> Iterator[Context]:
    if session.context is None:
        session.context = server.engine.open()
        limit = {"max_memory_usage": str(server.limits.memory_bytes_max)}
        session.context.execute(contexts.assignment(limit))
    with (
        contexts.for_this_request(session.context, request, statement.text),
        forms.external_tables(session.context, body.form, body.params),
    ):
        yield session.context


def _insert(server: Server, context: Context, request: Request, statement: Statement, answer: Answer) -> None:
    """Nothing is begun unless the data came to its end."""
    assert statement.insert
    _refuse_a_second(context, statement)
    with spooled(statement.data, server.engine.temporary, server.limits.data_bytes_max) as path:
        done = context.execute(over_file(statement.insert, str(path)), params=request.parameters)
    answer.whole(done, request.default_format or DEFAULT_FORMAT)


def _run(server: Server, context: Context, request: Request, statement: Statement, answer: Answer) -> None:
    fallback = request.default_format or DEFAULT_FORMAT
    name = sql.output_format(statement.text) or fallback
    text = statement.text
    params: Params = request.parameters
    _refuse_files_of_the_client(text)
    if b";" in text:
        context.refuse_many(text)
    if sql.first_word(text) == "KILL":
        text, params = server.running.in_the_engines_words(text, params)
    if sql.reads(text) and not request.buffered and formats.may_be_cut(name, text, request.settings):
        with contextlib.closing(context.pieces(text, fallback, params)) as pieces:
            if first := next(pieces, b""):
                answer.pieces(formats.joined(name, itertools.chain([first], pieces)), name)
                return
    if sql.reads(text) and formats.is_by_file(name):
        _run_by_file(server, context, request, (text, name), answer)
        return
    # No rows may still be a document of its format: names of columns, an empty array.
    answer.whole(context.execute(text, fallback, params), name)


def _run_by_file(
    server: Server, context: Context, request: Request, asked: tuple[bytes, str], answer: Answer
) -> None:
    text, name = asked
    with answer_path(server.engine.temporary) as path:
        done = context.execute(sql.into_file(text, str(path), name), params=request.parameters)
        answer.from_file(done, in_pieces(path), name)


def _refuse_a_second(context: Context, statement: Statement) -> None:
    """The engine ends VALUES at a semicolon and would leave out, in silence, the statement that follows it."""
    assert statement.insert
    is_whole = len(statement.text) < HEAD_BYTES
    if (
        is_whole
        and statement.insert.format == "Values"
        and b";" in statement.text[statement.insert.data_at :]
    ):
        context.refuse_many(statement.text)


def _refuse_files_of_the_client(text: bytes) -> None:
    """The engine takes itself for the client and would open them here, for a request that may only read too."""
    if sql.writes_a_file(text):
        raise refused("INTO OUTFILE is not allowed", 358, "INTO_OUTFILE_NOT_ALLOWED")
    if sql.reads_a_file(text):
        raise refused("Query has infile and was send directly to server", 78, "UNKNOWN_TYPE_OF_QUERY")
