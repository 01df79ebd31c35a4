"""An answer's bytes on the line."""

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.http.answers import CLOSES, answer_head, date_line, says_close


class Received:
    """As Python's own client reads it."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._sent)


def read(sent: bytes) -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(Received(sent))  # type: ignore[arg-type]
    answer.begin()
    return answer


def test_an_answer_is_read_by_a_client() -> None:
    head = answer_head(200, [("content-type", "text/plain"), ("vary", "Origin")], 2)
    answer = read(head + CLOSES + date_line(1_700_000_000) + b"ok")
    assert (answer.status, answer.reason, answer.read()) == (200, "OK", b"ok")
    assert answer.getheaders() == [
        ("content-type", "text/plain"), ("vary", "Origin"), ("content-length", "2"), ("connection", "close"),
        ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ]  # fmt: skip


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_tells_no_length(status: int) -> None:
    assert b"content-length" not in answer_head(status, [], 0)


def test_what_becomes_of_the_connection_is_said_once_and_elsewhere() -> None:
    headers = [("connection", "close")]
    assert says_close(headers)
    assert not says_close([("connection", "keep-alive")])
    assert b"connection" not in answer_head(200, headers, 0)


@given(st.text(max_size=20))
def test_no_value_of_a_header_can_end_the_head(value: str) -> None:
    answer = read(answer_head(200, [("x", value), ("y", "z")], 0) + date_line(0))
    assert answer.getheader("x") in (None, value.strip())
    assert [name for name, _ in answer.getheaders() if name != "x"] == ["y", "content-length", "date"]
