"""Bytes on a socket, for what no HTTP library would send."""

import contextlib
import re
import socket
import time

from tests.collector.process import WAIT_S

HEAD = b" HTTP/1.1\r\nhost: c\r\n"


def exchange(port: int, sent: bytes, *, finish: bool = False, reset: bool = False) -> bytes:
    """Everything that is answered until the other side hangs up. An AssertionError when it does not.

    `finish` says that nothing more will be sent; `reset` throws the connection away without waiting for an answer.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        _send(client, sent, finish)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
            return b""
        return _read(client)


def _send(client: socket.socket, sent: bytes, finish: bool) -> None:
    with contextlib.suppress(OSError):  # the other side has refused us already
        client.sendall(sent)
        if finish:
            client.shutdown(socket.SHUT_WR)


def _read(client: socket.socket) -> bytes:
    answer, deadline = b"", time.monotonic() + WAIT_S
    with contextlib.suppress(ConnectionError):
        while chunk := client.recv(65_536):
            answer += chunk
            assert time.monotonic() < deadline, "the answer does not end"
    return answer


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def status_of(answer: bytes) -> int:
    """Of the last answer, 0 when there is none."""
    found = re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(found[-1]) if found else 0
