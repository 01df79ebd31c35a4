"""Whose address a request came from, behind proxies of our own. Pure.

Every proxy writes down whom it was asked by, behind what it was told: so the list is believed from its right end, and
only as far as our own proxies reach. What stands left of that anybody may have made up. One header is read, the one that
our proxies write: a second one could only come from a stranger.

Absent: which header that is (App), and what an address is good for.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

CLIENTS_REMEMBERED_MAX = 4_096
FORWARDED_CHARACTERS_MAX = 2_048  # of a longer header the right end is read
PROXIES_MAX = 16
ADDRESS_CHARACTERS_MAX = 45  # of an IPv6 address with an IPv4 one in it


class Proxies:
    """Our own: the last so many of whatever spoke to us, or all that have addresses in these networks."""

    def __init__(self, trusted: str) -> None:
        """Raises ValueError. `trusted` is the setting."""
        self._count = int(trusted) if trusted.strip().isdecimal() else 0
        if self._count > PROXIES_MAX:
            raise ValueError(f"{self._count} proxies, at most {PROXIES_MAX}")
        texts = [] if self._count else [text.strip() for text in trusted.split(",") if text.strip()]
        self._networks: list[Network] = [ip_network(text) for text in texts if text != "0"]
        self._remembered = lru_cache(CLIENTS_REMEMBERED_MAX)(self._client)
        self.asked = self._remembered.cache_info

    def __bool__(self) -> bool:
        return bool(self._count or self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """The address of whoever spoke to the first of our proxies, "" when it cannot be told."""
        return self._remembered(peer, forwarded[-FORWARDED_CHARACTERS_MAX:])

    def _client(self, peer: str, forwarded: str) -> str:
        said = forwarded.split(",") if forwarded else []
        if self._count:
            hops = [*said, peer]
            return _text(_address(hops[max(0, len(hops) - 1 - self._count)]))
        address = _address(peer)
        for hop in reversed(said):
            if address is None or not self._is_ours(address):
                break
            address = _address(hop)
        return _text(address)

    def _is_ours(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _text(address: IPv4Address | IPv6Address | None) -> str:
    return "" if address is None else str(address)


def _address(hop: str) -> IPv4Address | IPv6Address | None:
    """One element of X-Forwarded-For or of Forwarded (RFC 7239), with or without a port."""
    text = _for_parameter(hop).strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if len(text) > ADDRESS_CHARACTERS_MAX:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _for_parameter(hop: str) -> str:
    if "=" not in hop:
        return hop
    pairs = (pair.partition("=") for pair in hop.split(";"))
    return next((value for name, _, value in pairs if name.strip().lower() == "for"), "")
