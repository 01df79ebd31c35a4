"""A site under several host names: pages with the documented snippet, files, forms' targets, and paths that are passed on to
the collector, as a site's own server would; served to a real browser.

Every host below .example leads to this machine (driver.mjs): www.shop.example and blog.shop.example are one site, other.example
another one.
"""

import io
import math
import re
import struct
import threading
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "pixel.md"
SNIPPETS = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
ANSWER_S = 30
OWN = frozenset(
    {"connection", "content-length", "date", "server", "transfer-encoding"}
)  # headers of one connection
WRITE_KEY, COLLECTOR = "WRITE_KEY", "https://events.shop.example"


def snippet(number: int, write_key: str, collector: str) -> str:
    """The n-th one of docs/pixel.md, filled in."""
    text: str = SNIPPETS[number]
    assert WRITE_KEY in text
    assert COLLECTOR in text
    return text.replace(WRITE_KEY, write_key).replace(COLLECTOR, collector)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The browser is to follow them, not we."""

    def redirect_request(self, *_: object) -> None:
        return None


class Site:
    """Any host name that leads here shows the same pages. `posted` are bodies of forms, by path; what is asked for under a path
    that is `held` waits until it is set."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._passed_on: dict[str, str] = {}
        self.pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.posted: list[tuple[str, str]] = []
        self.held: dict[str, threading.Event] = {}

    def origin(self, host: str = "www.shop.example") -> str:
        return f"http://{host}:{self._port}"

    def show(self, html: str, **headers: str) -> str:
        """The path of a new page; underscores in header names are hyphens."""
        text = f"<!doctype html><title>Shop</title>{html}"
        return self._keep("", text.encode(), "text/html; charset=utf-8", headers)

    def file(self, ending: str, content: bytes, content_type: str, **headers: str) -> str:
        """The path of a new file: `file(".js", ...)`."""
        return self._keep(ending, content, content_type, headers)

    def pass_on(self, prefix: str, collector: str) -> None:
        """Whatever begins with it is the collector's: same path, same headers."""
        self._passed_on[prefix] = collector

    def collector_of(self, path: str) -> str:
        return next((url for prefix, url in self._passed_on.items() if path.startswith(prefix)), "")

    def _keep(self, ending: str, content: bytes, content_type: str, headers: dict[str, str]) -> str:
        path = f"/{len(self.pages)}{ending}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (content, {"Content-Type": content_type} | named)
        return path


def tone(seconds: float) -> bytes:
    """A WAV file: what <audio> and <video> play everywhere."""
    rate = 8_000
    samples = (int(8_000 * math.sin(at / 4)) for at in range(int(rate * seconds)))
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return content.getvalue()


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        if collector := self.site.collector_of(self.path):
            return self._pass_on(collector)
        path = self.path.partition("?")[0]
        if path in self.site.held:
            self.site.held[path].wait(ANSWER_S)
        content, headers = self.site.pages.get(path, (b"", {}))
        self._answer(200 if content else 204, [*headers.items()], content)  # a browser asks for an icon, too

    def do_POST(self) -> None:
        if collector := self.site.collector_of(self.path):
            return self._pass_on(collector)
        self.site.posted.append((self.path, self._body().decode()))
        self._answer(200, [("Content-Type", "text/html")], b"<!doctype html><title>Thanks</title>Thanks")

    def do_OPTIONS(self) -> None:
        if collector := self.site.collector_of(self.path):
            self._pass_on(collector)
        else:
            self._answer(204, [], b"")

    def log_message(self, *_: object) -> None:
        pass

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _pass_on(self, collector: str) -> None:
        body = self._body() or None
        asked = urllib.request.Request(collector + self.path, body, dict(self.headers), method=self.command)
        try:
            answer = urllib.request.build_opener(NoRedirect).open(asked, timeout=ANSWER_S)
        except urllib.error.HTTPError as refused:
            answer = refused
        except OSError:  # it is not there
            return self._answer(502, [], b"")
        with answer:
            headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in OWN]
            self._answer(answer.status, headers, answer.read())

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving() -> Iterator[Site]:
    class Own(Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        Own.site = site = Site(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
