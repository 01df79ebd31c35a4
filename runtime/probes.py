"""A process's answers to whoever watches it: /metrics, /livez and /readyz, from a thread of its own."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST

from runtime import metrics

PLAIN = "text/plain; charset=utf-8"


class Probes:
    """Serves until stop(). `is_ready` and `complaint` are called from other threads. Port 0 serves nothing.

    `complaint` says why the process ought to be ended, "" while it ought not.
    """

    def __init__(
        self,
        host: str,
        port: int,
        is_ready: Callable[[], bool],
        complaint: Callable[[], str] = lambda: "",
    ) -> None:
        self._server: ThreadingHTTPServer | None = None
        if port:
            self._server = ThreadingHTTPServer((host, port), _handler(is_ready, complaint))
            self._server.daemon_threads = True

    def start(self) -> None:
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, name="probes", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _answer(path: str, is_ready: Callable[[], bool], complaint: Callable[[], str]) -> tuple[int, str, bytes]:
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, metrics.exposition()
    if path == "/livez":
        reason = complaint()
        return (503, PLAIN, f"{reason}\n".encode()) if reason else (200, PLAIN, b"alive\n")
    if path == "/readyz":
        return (200, PLAIN, b"ready\n") if is_ready() else (503, PLAIN, b"not ready\n")
    return 404, PLAIN, b"not found\n"


def _handler(is_ready: Callable[[], bool], complaint: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = _answer(self.path, is_ready, complaint)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A probe is no event."""

    return Handler
