"""Which addresses a destination may have: those of the public internet. Pure.

A destination's address comes from configuration, and what a name resolves to from whoever owns the name: neither may lead into
the network that the sender runs in. So this is asked of the address that a socket is about to connect to, and of nothing
earlier. An IPv6 address that carries an IPv4 address in it is judged by that one. Deliberately absent: names, and resolving.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# The special-purpose registries of IANA, written out since what Python calls global differs from release to release; and
# addresses of clouds' own services that lie in public space.
_SPECIAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "168.63.129.16/32",  # Azure: the platform's own services
    "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2620:4f:8000::/48",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip
_NETWORKS = tuple(ip_network(text) for text in _SPECIAL)
_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet; False for what is none at all."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(_carried(found) or found)


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address end at: mapped, 6to4, NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or not address.is_global:
        return False
    return not any(address in network for network in _NETWORKS)
