"""The example shop's web server: its files, one page for every other address, and the sound of a kettle.

Any host name that leads here is the shop; one that begins with `outlet.` is its second domain. The page's policy is as strict as
one that names the collector can be: what the pixel may not do there, it does not need. Deliberately absent: a database, orders
that anybody packs, and TLS.
"""

import base64
import hashlib
import io
import json
import math
import struct
import threading
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from schemas.events.click_links import click_link

PAGE = Path(__file__).with_name("page")
INDEX = "index.html"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
SOURCE = "tea-shop"  # its id in shop.yaml
RECIPIENT = "ann@shop.example"
SOUND = "/kettle.wav"
SOUND_SECONDS = 6
SAMPLES_PER_S = 8_000


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, as browsers see it. `landing` is where the links of mails lead: a host without a port, or localhost."""

    shop: str = "http://shop.localhost:8090"
    outlet: str = "http://outlet.localhost:8090"
    collector: str = "http://events.shop.localhost:8080"
    key: str = "shop-page"
    script: str = "/pixel/shop-page.js"
    landing: str = "http://localhost:8090"


class Answer(msgspec.Struct, frozen=True):
    content: bytes
    headers: Mapping[str, str]


def answers(shop: Shop) -> dict[str, Answer]:
    """Everything that is served, by path; the page itself stands under ""."""
    files = {
        "/" + path.relative_to(PAGE).as_posix(): Answer(
            path.read_bytes(), {"Content-Type": TYPES[path.suffix]}
        )
        for path in sorted(PAGE.rglob("*.*"))
        if path.name != INDEX
    }
    return files | {"": page(shop), SOUND: Answer(kettle(), {"Content-Type": "audio/wav"})}


def page(shop: Shop) -> Answer:
    """The addresses filled in, and a policy that allows this very snippet by its hash."""
    settings = {"shop": shop.shop, "links": {"spring": mail_link(shop)}}
    filled = {
        "key": shop.key,
        "collector": shop.collector,
        "script": shop.script,
        "outlet": escape(shop.outlet),
        "image": escape(image(shop)),
        "settings": json.dumps(settings).replace("<", "\\u003c"),
    }
    text = (PAGE / INDEX).read_text()
    for name, value in filled.items():
        text = text.replace("{{" + name + "}}", value)
    return Answer(
        text.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": policy(text, shop.collector),
            "Referrer-Policy": "strict-origin-when-cross-origin",
        },
    )


def policy(text: str, collector: str) -> str:
    """Nothing but the shop's own files, the snippet by its hash, and the collector."""
    snippet = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(snippet.encode()).digest()).decode()
    allowed = {
        "default-src": "'none'",
        "script-src": f"'self' 'sha256-{digest}' {collector}",
        "connect-src": collector,
        "img-src": f"'self' {collector}",
        "style-src": "'self'",
        "media-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def image(shop: Shop) -> str:
    """The call of a page that runs no scripts, as the address of an image."""
    page = {"path": "/", "url": f"{shop.shop}/", "title": "Kettle & Leaf"}
    call = {"writeKey": shop.key, "name": "Without scripts", "properties": page, "context": {"page": page}}
    data = base64.urlsafe_b64encode(json.dumps(call).encode()).decode().rstrip("=")
    return f"{shop.collector}/v1/pixel/page?data={data}"


def mail_link(shop: Shop) -> str:
    """Through the collector, which counts the click, and with the recipient's address.

    It is not signed: the collector takes the address at its word, since shop.yaml says so.
    """
    return click_link(
        f"{shop.collector}/r/{SOURCE}",
        f"{shop.landing}/",
        name="spring harvest",
        hands_on=True,
        utm_source="spring",
        utm_medium="email",
        email=RECIPIENT,
    )


def kettle() -> bytes:
    """It hums, and rises."""
    content = io.BytesIO()
    count = SOUND_SECONDS * SAMPLES_PER_S
    hum = (2_500 * (at / count) * math.sin(at * (0.2 + 0.3 * at / count)) for at in range(count))
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes(b"".join(struct.pack("<h", int(sample)) for sample in hum))
    return content.getvalue()


class Handler(BaseHTTPRequestHandler):
    served: Mapping[str, Answer]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        answer = self.served.get(path) or self.served[""]  # the page finds out what the address means
        is_missing = "." in path.rpartition("/")[2] and answer is self.served[""]
        self.send_response(404 if is_missing else 200)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(port: int = 0) -> Iterator[ThreadingHTTPServer]:
    """On 127.0.0.1 alone; serves nothing yet, so that its port can be told to the shop."""

    class Own(Handler):
        served: Mapping[str, Answer] = {"": Answer(b"", {})}

    with ThreadingHTTPServer(("127.0.0.1", port), Own) as server:
        yield server


@contextmanager
def serving(server: ThreadingHTTPServer, shop: Shop) -> Iterator[None]:
    server.RequestHandlerClass.served = answers(shop)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
