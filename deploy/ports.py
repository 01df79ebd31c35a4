"""Ports on 127.0.0.1: which are free, and whether something answers."""

import socket
from collections.abc import Mapping

HOST = "127.0.0.1"


class PortTaken(Exception):
    """A port that was asked for is in use; the text says which option chooses another."""


def without_proxy_for_us(environ: Mapping[str, str]) -> dict[str, str]:
    """The two variables that keep clients from asking a proxy for what listens on this machine."""
    told = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = [host for host in told.split(",") if host] + [HOST, "localhost"]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(dict.fromkeys(hosts)))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Different ports that are free now. Another process may take one before it is used: start again then."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def choose(wanted: int, option: str) -> int:
    """The wanted port, a free one for 0. Raises PortTaken."""
    if wanted == 0:
        return free_ports(1)[0]
    if not is_free(wanted):
        raise PortTaken(
            f"port {wanted} on {HOST} is in use: `stitchline doctor` says by whom; choose another with {option} N, 0 for any"
        )
    return wanted


async def answers_http(url: str, timeout_s: float = 1) -> bool:
    """True when a GET is answered 200."""
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session,
            session.get(url) as reply,
        ):
            return reply.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
