"""The console's ASGI application: lets a request in or not, asks in a thread, answers.

Now the interfaces for applications and what a process says of itself; pages for people come beside it. Absent: how the process
starts and stops (server.py), and what an answer holds (api.py, contacts.py).
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import msgspec
import structlog
from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.api import PREFIX, Answers, Call, call_of
from console.bodies import body_of
from console.contacts import PREFIX as CONTACTS
from console.contacts import ContactAnswers, ContactCall, Edge, contact_call_of
from console.hosts import is_allowed_host
from console.profiles import Profiles
from console.rates import Rates
from console.replies import Refused, document, refusal
from console.store import Store
from runtime import metrics
from runtime.clickhouse import NoAnswer
from runtime.environment.settings import ConsoleSettings, QuestionSettings
from runtime.kafka import KafkaUnavailable
from schemas.access.authorization import key_of
from schemas.access.server_keys import ServerKey
from schemas.control import ControlState

log = structlog.get_logger()

OWN_PATHS = ("/healthz", "/livez", "/ready", "/readyz", "/metrics")
NO_KEY = (
    "no server key: send one as the user name of HTTP Basic, or as a Bearer token; `server_keys:` of a file for `stitchline "
    "apply` makes them"
)


class Control(Protocol):
    """What is needed of runtime.control.ControlReader."""

    state: ControlState
    problem: str

    @property
    def is_current(self) -> bool: ...


class Rest(StringConvertor):
    """All the rest of a path: an identifier may hold anything, a slash or a line break too, which `path` does not match."""

    regex = "(?s:.*)"


register_url_convertor("rest", Rest())

Work = Callable[[ServerKey, int], object]  # what a request asks for, at a moment in ms


class Asking(msgspec.Struct, frozen=True):
    """How people are asked for, and how lists of contacts are changed."""

    questions: QuestionSettings
    contacts: Edge


class Console:
    """`busy` counts look-ups that are being answered."""

    def __init__(self, settings: ConsoleSettings, asking: Asking, control: Control, store: Store) -> None:
        self._settings = settings
        self._asking = asking
        self._control = control
        self._store = store
        self._rates = Rates()
        self._hosts = tuple(settings.allowed_hosts.split(","))
        self.busy = 0

    def application(self) -> Starlette:
        pages: tuple[Callable[[Request], object], ...] = (
            self._health, self._health, self._ready, self._ready, self._metrics,
        )  # fmt: skip
        own = zip(OWN_PATHS, pages, strict=True)
        app = Starlette(
            routes=[
                Route(PREFIX + "{rest:rest}", self._lookup, methods=["GET"]),
                Route(CONTACTS + "{rest:rest}", self._contacts, methods=["GET", "POST"]),
                *(Route(path, page, methods=["GET"]) for path, page in own),
            ],
            exception_handlers={HTTPException: _http_error, Exception: _bug},
        )
        app.router.redirect_slashes = False  # what is no path is told, and nobody sent elsewhere
        return app

    async def _lookup(self, request: Request) -> Response:
        return await self._timed(PREFIX, self._person(request))

    async def _contacts(self, request: Request) -> Response:
        return await self._timed(CONTACTS, self._list(request))

    async def _timed(self, prefix: str, answered: Awaitable[Response]) -> Response:
        started = time.monotonic()
        try:
            reply = await answered
        except Refused as error:
            reply = refusal(error)
        metrics.CONSOLE_REQUESTS.labels(prefix, str(reply.status_code)).inc()
        metrics.CONSOLE_REQUEST_SECONDS.observe(time.monotonic() - started)
        return reply

    async def _person(self, request: Request) -> Response:
        if request.method != "GET":  # the router lets HEAD in too, which would cost a look-up and say nothing
            raise _only_get()
        key = self._admitted(request)
        call = call_of(request.scope["raw_path"], request.query_params.multi_items())
        if call is None:
            raise Refused(404, "no such path")
        return await self._worked(key, partial(self._answer, call))

    async def _list(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            raise Refused(405, "this path takes GET and POST only", allow="GET, POST")
        key = self._admitted(request)
        call = contact_call_of(request.scope["raw_path"], request.query_params.multi_items())
        if call is None:
            raise Refused(404, f"no such path: there is {CONTACTS}LIST, and {CONTACTS}LIST/ADDRESS")
        if request.method == "GET":
            return await self._worked(key, partial(self._listed, call))
        body = await body_of(request, self._asking.contacts.settings.request_bytes_max)
        return await self._worked(key, partial(self._changed, call, body))

    def _admitted(self, request: Request) -> ServerKey:
        if not is_allowed_host(request.headers.get("host", ""), self._hosts):
            raise Refused(400, "the console is not called by this name: add it to CONSOLE_ALLOWED_HOSTS")
        return self._let_in(request.headers.get("authorization", ""))

    async def _worked(self, key: ServerKey, work: Work) -> Response:
        """In a thread."""
        if self.busy >= self._settings.requests_max:
            raise self._later(503, f"{self.busy} look-ups are being answered (CONSOLE_REQUESTS_MAX)")
        self.busy += 1
        try:
            return await to_thread.run_sync(self._document, key, work, time.time_ns() // 1_000_000)
        finally:
            self.busy -= 1

    def _let_in(self, authorization: str) -> ServerKey:
        given = key_of(authorization)
        if not given:
            raise Refused(401, NO_KEY, www_authenticate='Basic realm="stitchline"')
        key = self._control.state.server_key_of(given)
        if key is None and not self._control.is_current:
            raise self._later(503, "this server key may be newer than the configuration that could be read")
        if key is None:
            raise Refused(
                401, "this is no server key: `server_keys:` of a file for `stitchline apply` makes them",
                www_authenticate='Basic realm="stitchline"',
            )  # fmt: skip
        if wait_s := self._rates.wait_s(key, time.monotonic()):
            raise Refused(
                429, f"server key {key.id} asks more often than it may (requests_per_s_max): ask again after Retry-After",
                retry_after=str(wait_s),
            )  # fmt: skip
        return key

    def _document(self, key: ServerKey, work: Work, now_ms: int) -> Response:
        try:
            return document(work(key, now_ms))
        except (NoAnswer, KafkaUnavailable) as error:
            log.warning("no answer", problem=str(error))
            raise self._later(503, str(error)) from error

    def _answer(self, call: Call, key: ServerKey, now_ms: int) -> object:
        questions = self._asking.questions
        profiles = Profiles(self._store, key.workspace, now_ms=now_ms, nodes_max=questions.nodes_max)
        return Answers(profiles, questions.page_events_max).answer(call)

    def _listed(self, call: ContactCall, key: ServerKey, _now_ms: int) -> object:
        return self._lists_of(key).answer(call, self._asking.questions.page_events_max)

    def _changed(self, call: ContactCall, body: bytes, key: ServerKey, now_ms: int) -> object:
        return self._lists_of(key).change(call, body, now_ms)

    def _lists_of(self, key: ServerKey) -> ContactAnswers:
        return ContactAnswers(self._asking.contacts, self._store, self._control.state, key.workspace)

    def _later(self, status: int, problem: str) -> Refused:
        return Refused(
            status, f"{problem}: ask again after Retry-After", retry_after=str(self._settings.retry_after_s)
        )

    async def _health(self, _request: Request) -> Response:
        return document({"ok": True})

    async def _ready(self, _request: Request) -> Response:
        missing = [
            problem for problem in (self._unread(), await to_thread.run_sync(self._store.problem)) if problem
        ]
        return document({"ready": not missing, "missing": missing}, 503 if missing else 200)

    def _unread(self) -> str:
        if self._control.is_current:
            return ""
        return self._control.problem or "the control topic has not been read to its end"

    async def _metrics(self, _request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


def _only_get() -> Refused:
    return Refused(405, "this path takes GET only: send the request with that method", allow="GET")


async def _http_error(_request: Request, error: Exception) -> Response:
    """What the router found out: no such path, or another method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return refusal(_only_get())
    paths = ", ".join(OWN_PATHS)
    return refusal(
        Refused(
            404,
            f"no such path: there is {PREFIX}IDENTIFIER and {CONTACTS}LIST, and of the process itself {paths}",
        )
    )


async def _bug(_request: Request, error: Exception) -> Response:
    """Without its text, which may quote values; the stack says where."""
    log.error("a look-up failed", error=type(error).__name__)
    return document({"error": {"code": "internal", "message": "this is our fault, and in the log"}}, 500)
