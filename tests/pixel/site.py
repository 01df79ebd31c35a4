"""A site under several host names: pages with the documented snippet, served to a real browser."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "pixel.md"
SNIPPETS = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
WRITE_KEY, COLLECTOR = "WRITE_KEY", "https://events.shop.example"


def snippet(number: int, write_key: str, collector: str) -> str:
    """The n-th one of docs/pixel.md, filled in."""
    text: str = SNIPPETS[number]
    assert WRITE_KEY in text
    assert COLLECTOR in text
    return text.replace(WRITE_KEY, write_key).replace(COLLECTOR, collector)


class Site:
    """Any host name that leads here shows the same pages."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}

    def origin(self, host: str = "www.shop.example") -> str:
        return f"http://{host}:{self._port}"

    def show(self, html: str, **headers: str) -> str:
        """The path of a new page; underscores in header names are hyphens."""
        path = f"/{len(self.pages)}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (f"<!doctype html><title>Shop</title>{html}", named)
        return path


@contextmanager
def serving() -> Iterator[Site]:
    site: Site

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = site.pages.get(self.path.partition("?")[0], ("", {}))
            self.send_response(200 if html else 204)  # a browser asks for an icon, too
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(html.encode())))
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
