"""A receiver of webhooks, as small as one can be and still right: it checks the signature, takes each delivery once, answers.

Standard Webhooks: `webhook-signature` has, for each secret, the HMAC-SHA256 of id, timestamp and body. What is delivered may
come twice, by the same `webhook-id`: so an id that was taken is answered and passed over. Deliberately absent: a store of
ids that outlives the process, and any work on what came: answer first, work later.
"""

import base64
import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

TOLERANCE_S = 300  # an older one may be somebody else's copy
BODY_BYTES_MAX = 1_000_000
TAKEN, REFUSED = 204, 401


class Delivery(msgspec.Struct, frozen=True):
    """`id` is the firing's, the same with every attempt."""

    id: str
    body: dict[str, Any]


class Receiver:
    """`deliveries` in the order in which they came, each once; `refused` counts what no secret has signed."""

    def __init__(self, secret: str, now_s: Callable[[], float], say: Callable[[Delivery], None]) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._now_s = now_s
        self._say = say
        self._lock = threading.Lock()
        self.deliveries: dict[str, Delivery] = {}
        self.refused = 0

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The answer's status."""
        name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not self._is_signed(headers.get("webhook-signature", ""), f"{name}.{moment}.".encode() + body):
            return self._refuse()
        if abs(self._now_s() - int(moment)) > TOLERANCE_S:  # it is signed, so it is a number
            return self._refuse()
        with self._lock:
            if name not in self.deliveries:
                self.deliveries[name] = Delivery(name, msgspec.json.decode(body))
                self._say(self.deliveries[name])
        return TAKEN

    def _refuse(self) -> int:
        self.refused += 1
        return REFUSED

    def _is_signed(self, signatures: str, signed: bytes) -> bool:
        expected = "v1," + base64.b64encode(hmac.digest(self._key, signed, "sha256")).decode()
        return any(hmac.compare_digest(expected, each) for each in signatures.split())


@contextmanager
def receiving(receiver: Receiver, port: int) -> Iterator[str]:
    """Its address; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("content-length", 0)), BODY_BYTES_MAX)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(headers, self.rfile.read(size)))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """What there is to say, `say` says."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, name="receiver", daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
