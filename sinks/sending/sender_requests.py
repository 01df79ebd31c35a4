"""What is sent to an HTTP destination, and whether a redirect is followed. Pure.

A request's path, query and headers are made of templates, so of what visitors wrote: none of them leads to another host, out of
the destination's own path, or replaces what a destination or the sender says. A redirect is followed only where the method and
the body stay what they are (307, 308; GETs follow the others too), never from https to http, and never to another host with
anything that is a secret: a signature, a secret header, credentials. Whether its address may be connected to is asked when it
is (sender_addresses.py).
"""

from collections.abc import Callable, Mapping
from urllib.parse import unquote

import msgspec
from yarl import URL

from schemas.actions.action_work import Due
from schemas.actions.destinations import HttpDestination
from schemas.actions.requests import SENDERS_HEADERS, HttpRequest, WebhookRequest
from sinks.sending.sender_signature import signature_headers

USER_AGENT = "Stitchline-Deliver/1"
REDIRECTS_MAX = 3
REDIRECTS = (301, 302, 303, 307, 308)
_KEEPING = (307, 308)  # method and body
_SAFE = ("GET", "HEAD")
_ACCEPTED = {"accept": "*/*"}  # unless somebody says otherwise
_SENT_BY_US = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")

_decode_webhook = msgspec.json.Decoder(WebhookRequest).decode
_decode_http = msgspec.json.Decoder(HttpRequest).decode


class BadRequest(ValueError):
    """It can never be sent; the text says why, without quoting it."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is sent. Header names are in lower case. `is_secret`: something in it is for its host alone."""

    method: str
    url: URL
    headers: dict[str, str]
    body: bytes
    is_secret: bool


def wire_of(due: Due, destination: HttpDestination, secret: Callable[[str], bytes], now_ms: int) -> Wire:
    """`secret` reads a reference. Raises BadRequest, and what `secret` and the signature raise."""
    secrets = {name: _text(secret(reference)) for name, reference in destination.secret_headers.items()}
    own = _allowed(destination.headers) | _allowed(secrets) | _SENT_BY_US
    base = _base(destination.url)
    if due.kind == "webhook":
        body = _decode_webhook(due.request).body.encode()
        keys = [secret(reference) for reference in destination.signing_secrets]
        ours = signature_headers(due.id, now_ms // 1000, body, keys)
        headers = _ACCEPTED | {"content-type": "application/json"} | own | ours
        return _checked(
            Wire(method="POST", url=base, headers=headers, body=body, is_secret=bool(secrets or keys))
        )
    request = _decode_http(due.request)
    typed = {"content-type": request.content_type} if request.content_type else {}
    headers = _ACCEPTED | {"idempotency-key": due.id} | typed | _allowed(request.headers) | own
    url = _with_query(_with_path(base, request.path), request.query)
    return _checked(
        Wire(
            method=request.method,
            url=url,
            headers=headers,
            body=request.body.encode(),
            is_secret=bool(secrets),
        )
    )


def redirected(wire: Wire, status: int, location: str) -> Wire | str:
    """The next request, or why there is none."""
    if status not in _KEEPING and wire.method not in _SAFE:
        return f"a redirect of a {wire.method} by {status} would lose its body: only 307 and 308 are followed"
    try:
        url = wire.url.join(URL(location))
        is_elsewhere = url.origin() != wire.url.origin()
    except ValueError:
        return "a redirect leads to no address"
    if url.scheme not in ("http", "https"):
        return "a redirect leads to no address of http or https"
    if wire.url.scheme == "https" and url.scheme == "http":
        return "a redirect from https to http is not followed"
    if is_elsewhere and wire.is_secret:
        return "a redirect to another host is not followed by a request that is signed or has credentials"
    return msgspec.structs.replace(wire, url=url)


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in SENDERS_HEADERS}


def _checked(wire: Wire) -> Wire:
    if any(
        not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() for name in wire.headers
    ):
        raise BadRequest("a header has a name that no header can have")
    if any(not _is_plain(value) for value in wire.headers.values()):
        raise BadRequest("a header holds a line break or another control character")
    has_credentials = bool(wire.url.user) or any(name in wire.headers for name in _CREDENTIALS)
    return msgspec.structs.replace(wire, is_secret=True) if has_credentials else wire


def _is_plain(value: str) -> bool:
    return all(character >= " " and character != "\x7f" for character in value.replace("\t", " "))


def _base(text: str) -> URL:
    try:
        url = URL(text)
        url.origin()
    except ValueError:
        raise BadRequest("the destination's address is none") from None
    return url


def _with_path(base: URL, path: str) -> URL:
    """Behind the destination's own path, and never out of it."""
    if not path:
        return base
    behind, _, query = path.partition("?")
    if any(part in (".", "..") for part in unquote(behind).replace("\\", "/").split("/")):
        raise BadRequest("the path leads out of the destination's own")
    whole = base.raw_path.rstrip("/") + "/" + behind.lstrip("/")
    url = base.with_path(_quoted(whole), encoded=True, keep_query=True)
    return url.extend_query(query) if query else url


def _quoted(path: str) -> str:
    """What is quoted already stays so."""
    return URL.build(path=path).raw_path if "%" not in path else URL(path.replace("#", "%23")).raw_path


def _with_query(url: URL, query: Mapping[str, str]) -> URL:
    return url.update_query(query) if query else url


def _text(secret: bytes) -> str:
    try:
        return secret.decode()
    except UnicodeDecodeError:
        raise BadRequest("the value of a secret header is no text") from None
