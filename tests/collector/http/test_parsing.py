"""Requests are read from the bytes of a connection, in whatever pieces these come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.http.faults import (
    ADDRESS_BYTES_MAX,
    ADDRESS_TOO_LONG,
    HEAD_TOO_LARGE,
    HEADERS_MAX,
    NO_HTTP,
)
from collector.http.head import Head
from collector.http.parsing import Parsing, Taker
from collector.rejection import Refusal
from tests.collector.http.sockets import HEAD_BYTES_MAX, get, post


class Read(Taker):
    """Each request as method, path, headers, body and whether the connection is kept; the last one may have no end."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.kept: list[tuple[bool, bool]] = []
        self.bodies: list[bytes] = []
        self.ends = 0

    def take_head(self, head: Head, keeps: bool, says_keeps: bool) -> None:
        self.heads.append(head)
        self.kept.append((keeps, says_keeps))
        self.bodies.append(b"")

    def take_body(self, piece: bytes) -> None:
        self.bodies[-1] += piece

    def take_end(self) -> None:
        self.ends += 1
        assert self.ends == len(self.heads)

    @property
    def requests(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        each = zip(self.heads, self.bodies, strict=True)
        return [(head.method, head.path, dict(head.headers), body) for head, body in each]


def read(*pieces: bytes) -> tuple[Read, Refusal | None]:
    taker = Read()
    parsing = Parsing(taker, "192.0.2.7", HEAD_BYTES_MAX)
    for piece in pieces:
        if (refusal := parsing.feed(piece)) is not None:
            return taker, refusal
    return taker, None


CHUNKS = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-forwarded-for: 6.6.6.6\r\ncookie: a=b\r\n\r\n"
CHUNKED = b"POST /c HTTP/1.1\r\nhost: c\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS
H2C = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABk")
SEVERAL = [
    (post(b'{"a":1}'), ("POST", "/", {"host": "c", "content-length": "7"}, b'{"a":1}')),
    (CHUNKED, ("POST", "/c", {"host": "c", "transfer-encoding": "chunked"}, b"abcde")),
    (get("/a?b"), ("GET", "/a", {"host": "c"}, b"")),
    (post(b"xyz", "x: y"), ("POST", "/", {"host": "c", "content-length": "3", "x": "y"}, b"xyz")),
]


@given(st.lists(st.sampled_from(SEVERAL), min_size=1, max_size=5), st.data())
def test_requests_are_the_same_in_whatever_pieces_they_come(several: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    sent = b"".join(raw for raw, _ in several)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    found, refusal = read(*filter(None, pieces))
    assert refusal is None
    assert found.requests == [told for _, told in several]
    assert found.ends == len(several)


def test_what_stands_behind_a_last_chunk_is_no_header_of_anything() -> None:
    found, _ = read(CHUNKED + get("/next"))
    assert [head.headers.keys() for head in found.heads] == [{"host", "transfer-encoding"}, {"host"}]


@pytest.mark.parametrize("body", [b"", b"a body"])
def test_who_asks_for_another_protocol_is_read_as_ever(body: bytes) -> None:
    """Java's own client does, with its first request, whatever it sends."""
    for sent in (
        [post(body, *H2C) + get("/next")],
        [post(body, *H2C)[:-2], post(body, *H2C)[-2:], get("/next")],
    ):
        found, refusal = read(*sent)
        assert refusal is None
        assert [(path, told) for _, path, _, told in found.requests] == [("/", body), ("/next", b"")]
        assert found.heads[0].headers["upgrade"] == "h2c"
        assert found.ends == 2


def test_chunks_of_who_asks_for_another_protocol_are_read_as_ever() -> None:
    asked = CHUNKED.replace(b"host: c", b"host: c\r\nconnection: upgrade\r\nupgrade: h2c", 1)
    found, refusal = read(asked + get("/next"))
    assert (found.bodies, refusal, found.ends) == ([b"abcde", b""], None, 2)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (get("/"), (True, False)),
        (get("/", "connection: close"), (False, False)),
        (get("/", "connection: keep-alive"), (True, False)),
        (b"GET / HTTP/1.0\r\n\r\n", (False, False)),
        (b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", (True, True)),
        (b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n", (False, False)),
    ],
)
def test_whether_a_connection_is_kept(sent: bytes, kept: tuple[bool, bool]) -> None:
    assert read(sent)[0].kept == [kept]


def test_whoever_asked_is_in_the_head_and_so_is_what_came_twice() -> None:
    (head,) = read(get("/", "a: 1", "A: 2", "b: \xff"))[0].heads
    assert (head.peer, head.headers["a"], head.every("a")) == ("192.0.2.7", "1", ["1", "2"])
    assert "b" not in head.headers


REFUSED = {
    "no request": (b"hello\r\n\r\n", NO_HTTP),
    "tls": (b"\x16\x03\x01\x02\x00", NO_HTTP),
    "another version": (b"GET / HTTP/9.9\r\n\r\n", NO_HTTP),
    "no such method": (b"FROB / HTTP/1.1\r\n\r\n", NO_HTTP),
    "an address that is none": (b"GET /\xff HTTP/1.1\r\n\r\n", NO_HTTP),
    "length and chunks": (CHUNKED.replace(b"host: c", b"content-length: 3", 1), NO_HTTP),
    "chunks, then a length": (CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-length: 3\r\n\r\n", 1), NO_HTTP),
    "chunked and not last": (CHUNKED.replace(b"chunked", b"chunked, gzip", 1), NO_HTTP),
    "two lengths": (post(b"abc", "content-length: 4"), NO_HTTP),
    "a length with a sign": (post(b"abc").replace(b": 3", b": +3"), NO_HTTP),
    "a space before the colon": (get("/", "content-length : 3"), NO_HTTP),
    "a folded header": (get("/", "x: y", " z"), NO_HTTP),
    "a line's end without its beginning": (b"GET / HTTP/1.1\nhost: c\n\n", NO_HTTP),
    "nul": (get("/", "x: a\x00b"), NO_HTTP),
    "a chunk's size that is none": (CHUNKED.replace(b"3\r\n", b"zz\r\n", 1), NO_HTTP),
    "a chunk that is longer than it says": (CHUNKED.replace(b"abc", b"abcd", 1), NO_HTTP),
    "many headers": (get("/", *[f"x{number}: a" for number in range(HEADERS_MAX + 1)]), HEAD_TOO_LARGE),
    "one header many times": (get("/", *["x: a"] * (HEADERS_MAX + 5)), HEAD_TOO_LARGE),
    "a large header": (get("/", "x: " + "a" * HEAD_BYTES_MAX), HEAD_TOO_LARGE),
    "a header without an end": (get("/", "x: " + "a" * HEAD_BYTES_MAX)[:-4], HEAD_TOO_LARGE),
    "a long address": (get("/" + "a" * ADDRESS_BYTES_MAX), ADDRESS_TOO_LONG),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused(name: str) -> None:
    sent, refusal = REFUSED[name]
    assert read(sent)[1] == refusal
    found, told = read(get("/before"), sent)
    assert (told, found.ends) == (refusal, 1)
    assert read(*[sent[place : place + 1] for place in range(len(sent))][:20_000])[1] in (
        refusal,
        HEAD_TOO_LARGE,
    )


@given(st.lists(st.binary(max_size=50), max_size=4))
def test_any_bytes_are_requests_or_refused(pieces: list[bytes]) -> None:
    read(*pieces)


@pytest.mark.parametrize("asks", ["proxy-connection: upgrade", "connection: upgrade, \xff"])
def test_a_body_is_no_request_however_another_protocol_is_asked_for(asks: str) -> None:
    body = get("/hidden")
    taker, refusal = read(post(body, asks, "upgrade: h2c"), get("/next"))
    assert refusal is None
    assert [(head.path, sent) for head, sent in zip(taker.heads, taker.bodies, strict=True)] == [
        ("/", body),
        ("/next", b""),
    ]


@pytest.mark.parametrize("coding", ["gzip", "chunked\r\ntransfer-encoding: gzip", "\xffchunked"])
def test_a_body_whose_end_is_unknown_is_refused_of_another_protocol_too(coding: str) -> None:
    head = f"POST / HTTP/1.1\r\nhost: c\r\ntransfer-encoding: {coding}\r\n"
    for asks in ("", "connection: upgrade\r\nupgrade: h2c\r\n"):
        taker, refusal = read(f"{head}{asks}\r\n0\r\n\r\n".encode("latin-1"), get("/next"))
        assert (refusal, taker.ends) == (NO_HTTP, 0)
