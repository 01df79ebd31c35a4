"""A load of keep-alive HTTP requests from one thread and raw sockets: one request at a time on each connection.

Requests are bytes made beforehand, so that the generator takes as little as possible of the cores that it shares with what it
measures. Absent: what is asked (the caller's), pipelining, TLS, and replies that come in several pieces larger than one read.
"""

import itertools
import select
import socket
import time
from array import array
from collections.abc import Sequence

import msgspec

REPLY_BYTES_MAX = 65_536
STALLED_S = 60.0  # nothing at all answered for so long: the server is gone
GOOD = b"HTTP/1.1 200"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the clients saw. `cpu_s` is what the load itself took."""

    requests: int
    failures: int
    elapsed_s: float
    cpu_s: float
    latencies_s: "array[float]"

    def latency_ms(self, quantile: float) -> float:
        """Of all requests, the slowest of the given share of them."""
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


def load(address: tuple[str, int], requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send for so many seconds, then wait for the last answers. Raises TimeoutError when none comes any more."""
    clients = [_connected(address) for _ in range(connections)]
    try:
        return _run({client.fileno(): client for client in clients}, itertools.cycle(requests), seconds)
    finally:
        for client in clients:
            client.close()


def _connected(address: tuple[str, int]) -> socket.socket:
    client = socket.create_connection(address, timeout=STALLED_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _run(clients: dict[int, socket.socket], requests: "itertools.cycle[bytes]", seconds: float) -> Load:
    latencies, failures = array("d"), 0
    sent_at = dict.fromkeys(clients, 0.0)
    cpu, began = time.process_time(), time.monotonic()
    until = began + seconds
    with select.epoll(len(clients)) as ready:
        for number, client in clients.items():
            ready.register(number, select.EPOLLIN)
            sent_at[number] = time.monotonic()
            client.send(next(requests))
        busy = len(clients)
        while busy:
            found = ready.poll(STALLED_S)
            if not found:
                raise TimeoutError(f"{busy} requests were not answered within {STALLED_S:.0f} s")
            for number, _ in found:
                client = clients[number]
                # Answers are far smaller than a packet, and nothing is pipelined: one piece is one answer.
                answer = client.recv(REPLY_BYTES_MAX)
                now = time.monotonic()
                latencies.append(now - sent_at[number])
                failures += not answer.startswith(GOOD)
                if now < until and answer:
                    sent_at[number] = now
                    client.send(next(requests))
                else:
                    ready.unregister(number)
                    busy -= 1
    return Load(
        requests=len(latencies),
        failures=failures,
        elapsed_s=time.monotonic() - began,
        cpu_s=time.process_time() - cpu,
        latencies_s=latencies,
    )
