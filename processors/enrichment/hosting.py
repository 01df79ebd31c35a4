"""Networks of machines that nobody sits at: data centres, as a list names them. Pure.

A list is a text of networks in CIDR notation or single addresses, one a line; `#` begins a comment. Ranges that meet are one,
so that a look-up is one bisection, and what was asked is remembered. Absent: the file (hosting_file.py), and lists: those of the
large providers change daily, and are theirs to publish.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

import msgspec

from schemas.events.network import parsed_address

NETWORKS_MAX = 1_000_000
ADDRESSES_REMEMBERED_MAX = 16_384


class BadNetworks(ValueError):
    """A line is no network; the text says which."""


class Ranges(msgspec.Struct, frozen=True):
    """First and last addresses as numbers, ascending, of one version of the protocol."""

    first: list[int] = []
    last: list[int] = []

    def hold(self, address: int) -> bool:
        place = bisect_right(self.first, address) - 1
        return place >= 0 and address <= self.last[place]


class Networks:
    """True where there are any."""

    def __init__(self, of_4: Ranges, of_6: Ranges) -> None:
        self._of = {4: of_4, 6: of_6}
        self._is_any = bool(of_4.first or of_6.first)
        self.holds = lru_cache(ADDRESSES_REMEMBERED_MAX)(self._holds)

    def __bool__(self) -> bool:
        return self._is_any

    def _holds(self, text: str) -> bool:
        address = parsed_address(text.strip()) if text else None
        return address is not None and self._of[address.version].hold(int(address))


NO_NETWORKS = Networks(Ranges(), Ranges())


def read_networks(lines: Iterable[str]) -> Networks:
    """Raises BadNetworks."""
    of_4: list[IPv4Network] = []
    of_6: list[IPv6Network] = []
    for number, line in enumerate(lines, start=1):
        if not (text := line.partition("#")[0].strip()):
            continue
        if number > NETWORKS_MAX:
            raise BadNetworks(f"more than {NETWORKS_MAX} lines")
        try:
            network = ip_network(text, strict=False)
        except ValueError as error:
            raise BadNetworks(f"line {number}: {error}") from None
        if isinstance(network, IPv4Network):
            of_4.append(network)
        else:
            of_6.append(network)
    return Networks(_ranges(collapse_addresses(of_4)), _ranges(collapse_addresses(of_6)))


def _ranges(ascending: Iterable[IPv4Network | IPv6Network]) -> Ranges:
    pairs = [(int(network[0]), int(network[-1])) for network in ascending]
    return Ranges([first for first, _ in pairs], [last for _, last in pairs])
