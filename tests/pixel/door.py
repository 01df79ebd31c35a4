"""Stands where the collector is, and answers as a test says: what a page sends when nothing is taken, everything, or some of it.

Who the visitor is it answers as a collector without cookies: whoever the page says. Absent: what becomes of events; the tests
against a real collector see that.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from collector.cors import reply_headers
from collector.script import FILE
from schemas.pixel.pixel_config import prelude
from tests.engines import wait_until
from tests.pixel.browser import Page

OK, UNAVAILABLE = 200, 503
HOLD_S = WAIT_S = 60.0
QUIET_S = 0.5
BATCH, VISITOR = "/v1/batch", "/v1/visitor"

Event = dict[str, Any]
Judge = Callable[[list[Event]], int]


class Batch(msgspec.Struct, frozen=True):
    """As it came. `status` is what it was answered."""

    events: list[Event]
    status: int
    query: str
    has_cookies: bool
    key: str


class Door:
    """`judge` gives the answer to a batch; `retry_after` goes with every one that is no success."""

    def __init__(self, port: int) -> None:
        self.url = f"http://events.shop.example:{port}"
        self.judge: Judge = lambda _: OK
        self.retry_after = ""
        self.batches: list[Batch] = []
        self.arrived: list[str] = []  # names of events, before they are answered
        self.introductions: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {}
        self._open = threading.Event()
        self._open.set()
        self._known = threading.Event()
        self._known.set()

    def taken(self) -> list[Event]:
        """What was answered with a success, in that order; what was taken twice stands here twice."""
        return [event for batch in list(self.batches) if batch.status == OK for event in batch.events]

    def names(self) -> list[str]:
        return [str(event.get("event", event["type"])) for event in self.taken()]

    def tried(self, name: str) -> int:
        """In how many batches an event of this name came."""
        return sum(name in [event.get("event") for event in batch.events] for batch in list(self.batches))

    def script(self, path: str) -> bytes:
        """/pixel/KEY.js, as a collector gives it."""
        key = path.removeprefix("/pixel/").removesuffix(".js")
        return prelude({"key": key, **self.config}) + FILE.read_bytes()

    def hold(self) -> None:
        """Batches are read, and not answered before `release`."""
        self._open.clear()

    def hold_introductions(self) -> None:
        """Who the visitor is, is not answered before `release`; that somebody is to be forgotten is."""
        self._known.clear()

    def release(self) -> None:
        self._open.set()
        self._known.set()

    def answer(self, path: str, query: str, body: bytes, has_cookies: bool) -> tuple[int, bytes]:
        document = json.loads(body)
        if path == VISITOR:
            self.introductions.append(document)
            if document.get("forget"):
                return OK, b'{"success": true}'
            self._known.wait(HOLD_S)
            return OK, json.dumps({"success": True, "anonymousId": document["anonymousId"]}).encode()
        assert path == BATCH, path
        events = [{"anonymousId": document.get("anonymousId"), **event} for event in document["batch"]]
        self.arrived += [str(event.get("event", event["type"])) for event in events]
        status = self.judge(events)
        self._open.wait(HOLD_S)
        self.batches.append(Batch(events, status, query, has_cookies, document["writeKey"]))
        return status, b'{"success": true}'


def until(condition: Callable[[], object]) -> None:
    """Poll until it is true, patiently: pages wait for seconds between their tries."""
    wait_until(lambda: bool(condition()), WAIT_S, "what was waited for")


def stored(page: Page) -> int:
    """How many events stand in storage."""
    count: int = page.run(
        "Object.keys(localStorage).filter((name) => name.startsWith('stitchline.queue'))"
        ".reduce((sum, name) => sum + JSON.parse(localStorage[name]).entries.length, 0)"
    )
    return count


def heard(door: Door, *names: str) -> None:
    """Until the pages know that these were refused, which the next try shows: what is on its way when they go counts as sent."""
    until(lambda: all(door.tried(name) >= 2 for name in names))


def quiet(door: Door) -> None:
    """Until nothing more comes of pages that have gone: their last try, which may be taken, is not known to those that follow."""
    come = -1
    while come != (come := len(door.arrived)):
        time.sleep(QUIET_S)


def down(_: list[Event]) -> int:
    return UNAVAILABLE


def up(_: list[Event]) -> int:
    return OK


@contextmanager
def opened() -> Iterator[Door]:
    door: Door

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(OK, door.script(self.path), [("content-type", "text/javascript")])

        def do_POST(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = door.answer(path, query, body, "cookie" in self.headers)
            later = [("retry-after", door.retry_after)] if status != OK and door.retry_after else []
            self._reply(status, answer, later)

        def _reply(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
            self.send_response(status)
            for name, value in [*headers, *reply_headers(self.headers.get("origin", ""))]:
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A page that went before it had its answer is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        door = Door(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield door
        finally:
            door.release()
            server.shutdown()
            thread.join()
