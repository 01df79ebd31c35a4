"""What is said between a worker and the process that runs its steps: frames of msgpack, each behind its length.

The worker sends lists of documents; each frame of the other one says first what it is. Standard library and msgspec only.
"""

import socket
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

READ_BYTES = 65_536
_LENGTH = struct.Struct(">I")

# Frames of the steps' process. HELLO: names of the steps; BROKEN: why there are none. BEGUN: a list has arrived. AT: number of
# the step that comes next. Then for each document one of SAME, CHANGED (objects), DROPPED, FAILED (number of the step, type of
# what it raised). DONE: per step, how often it was called and how many seconds that took.
HELLO, BROKEN, BEGUN, AT, SAME, CHANGED, DROPPED, FAILED, DONE = range(9)

_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode


class Gone(Exception):
    """The other side has closed."""


class Frames:
    """One end. What waits longer than the socket's timeout raises TimeoutError; an end that is gone, Gone."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._read = bytearray()

    def send(self, *content: Any) -> None:
        body = _encode(content)
        try:
            self._socket.sendall(_LENGTH.pack(len(body)) + body)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def receive(self) -> list[Any]:
        length = _LENGTH.unpack(self._take(_LENGTH.size))[0]
        found = _decode(self._take(length))
        assert isinstance(found, list), "both ends are ours"
        return found

    def all(self) -> Iterator[list[Any]]:
        """Until the other side has closed."""
        while True:
            try:
                yield self.receive()
            except Gone:
                return

    def _take(self, count: int) -> bytes:
        while len(self._read) < count:
            try:
                piece = self._socket.recv(READ_BYTES)
            except ConnectionResetError:
                raise Gone from None
            if not piece:
                raise Gone
            self._read += piece
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken
