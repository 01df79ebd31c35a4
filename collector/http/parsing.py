"""The bytes of one connection as heads and bodies of requests. An edge's part: it knows the parser, and no socket.

The parser is httptools: llhttp, which is Node's own. What it leaves to its users is here: limits, headers by their names, what
stands behind a last chunk, and requests that ask for another protocol, which nobody here speaks.
"""

from typing import Any

import structlog
from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from collector.http.faults import (
    ADDRESS_BYTES_MAX,
    ADDRESS_TOO_LONG,
    HEAD_TOO_LARGE,
    HEADERS_MAX,
    NO_HTTP,
    NoRequest,
)
from collector.http.head import Head, header_name, header_value, target
from collector.rejection import Refusal

log = structlog.get_logger()

_METHODS = {name.encode(): name for name in ("GET", "POST", "OPTIONS", "HEAD", "PUT", "DELETE", "PATCH")}


class Taker:
    """Who takes what is read. What it raises is a NoRequest, or a mistake of ours."""

    __slots__ = ()

    def take_head(self, head: Head, keeps: bool, says_keeps: bool) -> None:
        """`keeps`: the sender wants to use the connection again; `says_keeps`: and has to be told that it may."""
        raise NotImplementedError

    def take_body(self, piece: bytes) -> None:
        """Of the request whose head came last."""
        raise NotImplementedError

    def take_end(self) -> None:
        """That request is whole."""
        raise NotImplementedError


class Parsing:
    """`reads_body`: between a head and its request's end. `begun_bytes`: what has come of a head that is not whole yet."""

    __slots__ = (
        "_again",
        "_detour",
        "_head_bytes",
        "_head_bytes_max",
        "_headers",
        "_parser",
        "_peer",
        "_taker",
        "_url",
        "begun_bytes",
        "reads_body",
    )

    def __init__(self, taker: Taker, peer: str, head_bytes_max: int) -> None:
        """`peer` is the address of whoever opened the connection."""
        self._taker: Taker | None = taker
        self._peer = peer
        self._head_bytes_max = head_bytes_max
        self.begun_bytes = 0
        self.reads_body = False
        self._head_bytes = 0  # of the headers that are being read
        self._url = b""
        self._headers: dict[str, str] = {}
        self._again: list[tuple[str, str]] | None = None
        self._detour = ""  # how long the body is that the parser took for another protocol
        self._parser: Any = HttpRequestParser(self)

    def end(self) -> None:
        """Nothing more will be read. The parser and this hold each other until then."""
        self._parser = self._taker = None

    def feed(self, data: Any) -> Refusal | None:
        """Why this is no request, or None. After that nothing more can be read."""
        if not self.reads_body:
            self.begun_bytes += len(data)
        try:
            self._feed(data)
        except HttpParserCallbackError as error:
            return _why(error.__context__)
        except HttpParserError:
            return NO_HTTP
        too_large = not self.reads_body and self.begun_bytes > self._head_bytes_max
        return HEAD_TOO_LARGE if too_large else None

    def _feed(self, data: Any) -> None:
        while self._parser is not None:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                data = memoryview(data)[upgrade.args[0] :]  # HTTP as before
                if self._detour:
                    self._go_on_with_body()
            else:
                return

    def _go_on_with_body(self) -> None:
        """By a parser that is told of it anew: the one before takes no body of a request that asks for another protocol."""
        self._parser = HttpRequestParser(self)
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{self._detour}\r\n\r\n".encode())
        self._detour = ""

    # What the parser calls.

    def on_url(self, piece: bytes) -> None:
        self._url = self._url + piece if self._url else piece
        if len(self._url) > ADDRESS_BYTES_MAX:
            raise NoRequest(ADDRESS_TOO_LONG)

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        if self.reads_body:
            return  # behind the last chunk: it must not pass for a header of this request, or of the next
        headers = self._headers
        self._head_bytes += len(raw_name) + len(raw_value)
        if self._head_bytes > self._head_bytes_max or len(headers) >= HEADERS_MAX:
            raise NoRequest(HEAD_TOO_LARGE)
        name = header_name(raw_name)
        value = header_value(name, raw_value)
        if value is None:
            if name == "transfer-encoding":
                raise NoRequest(NO_HTTP)  # where its body ends is not known
            return
        if name not in headers:
            headers[name] = value
        else:
            self._add(name, value)

    def on_headers_complete(self) -> None:
        if self._detour:
            self._url = b""
            return
        parser, taker = self._parser, self._taker
        raw_method = parser.get_method()
        try:
            path, query, authority = target(self._url)
        except ValueError:
            raise NoRequest(NO_HTTP) from None
        method = _METHODS.get(raw_method) or raw_method.decode()
        headers = self._headers
        head = Head(method, path, query, headers, self._peer, authority, self._again)
        self._url, self._headers, self._again = b"", {}, None
        self._head_bytes = self.begun_bytes = 0
        self.reads_body = True
        keeps = parser.should_keep_alive()
        says_keeps = False
        if ("connection" in headers or "expect" in headers) and parser.get_http_version() == "1.0":
            says_keeps = keeps
            headers.pop("expect", None)  # it knows of no answer before the answer
        if parser.should_upgrade():  # by other headers too: the parser takes Proxy-Connection for Connection
            self._detour = _framing(head)
        if taker is not None:
            taker.take_head(head, keeps and method != "CONNECT", says_keeps)

    def on_body(self, piece: bytes) -> None:
        if self._taker is not None:
            self._taker.take_body(piece)

    def on_message_complete(self) -> None:
        if self._detour:
            return
        self.reads_body = False
        self.begun_bytes = 0
        if self._taker is not None:
            self._taker.take_end()

    def _add(self, name: str, value: str) -> None:
        if self._again is None:
            self._again = []
        self._again.append((name, value))
        if len(self._again) > HEADERS_MAX:
            raise NoRequest(HEAD_TOO_LARGE)


def _framing(head: Head) -> str:
    """The header that says how long the body is, "" where there is none."""
    if "transfer-encoding" in head.headers:
        return f"transfer-encoding: {', '.join(head.every('transfer-encoding'))}"
    length = head.headers.get("content-length", "0")
    return f"content-length: {length}" if length.strip("0") else ""


def _why(reason: BaseException | None) -> Refusal:
    if isinstance(reason, NoRequest):
        return reason.refusal
    log.error("a connection failed: a bug", exc_info=reason)
    return NO_HTTP
