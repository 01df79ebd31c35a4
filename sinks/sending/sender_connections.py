"""How the sender reaches others: names are resolved in threads of its own, and no socket is made for a forbidden address.

The guard asks of the address that is about to be connected to, so whatever led there (a name, its second answer, a number in
odd notation, a redirect) is judged alike, and between question and connection nothing can change. Lookups that hang keep
threads of this pool alone, a few for each destination, and never those of the event loop.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

RESOLVER_THREADS = 64
PRIVATE = "the address is private, and the destination does not say allow_private_addresses"
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]  # of getaddrinfo


class PrivateAddress(OSError):
    """The address is none of the public internet, and the destination does not allow others."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, PRIVATE)


def guarded_sockets(may_connect: Callable[[str], bool]) -> Callable[[AddressInfo], socket.socket]:
    """What makes sockets for addresses that may be connected to, and raises PrivateAddress for others."""

    def made(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_connect(str(address[0])):
            raise PrivateAddress
        return socket.socket(family, kind, protocol)

    return made


class Resolver(AbstractResolver):
    """One for all destinations; whoever uses it does not close it."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError."""
        flags = socket.AI_ADDRCONFIG
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, flags)
            )
        except UnicodeError as error:  # a label that is empty or too long, as anybody's redirect may have it
            raise socket.gaierror(socket.EAI_NONAME, "no name") from error
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=of_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of_family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def connected(
    resolver: AbstractResolver, host: str, port: int, sockets: Callable[[AddressInfo], socket.socket]
) -> socket.socket:
    """A connection to the first address that takes one. Raises OSError, PrivateAddress among them."""
    problem: OSError = OSError(errno.EADDRNOTAVAIL, "the name has no address")
    for found in await resolver.resolve(host, port):
        address = (found["host"], found["port"])
        try:
            made = sockets((found["family"], socket.SOCK_STREAM, found["proto"], "", address))
        except OSError as error:
            problem = error
            continue
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, address)
        except OSError as error:
            made.close()
            problem = error
            continue
        except BaseException:
            made.close()
            raise
        return made
    raise problem


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Raises OSError or ssl.SSLError for a file that cannot be used."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def why(error: BaseException) -> str:
    """What went wrong in words, without an address."""
    chain: Sequence[BaseException | None] = (getattr(error, "os_error", None), error.__cause__, error)
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {each.verify_message}"
        if isinstance(each, ssl.SSLError):
            return f"TLS failed: {each.reason}"
        if isinstance(each, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(each, PrivateAddress):
            return PRIVATE
        if isinstance(each, OSError) and each.errno:  # its own text may hold the address
            return os.strerror(each.errno).lower()
    return type(error).__name__
