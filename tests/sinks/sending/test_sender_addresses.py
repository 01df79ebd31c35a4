"""Which addresses a destination may have, and that the guard asks of the one that is connected to."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.sending.sender_addresses import is_public
from sinks.sending.sender_connections import PrivateAddress, guarded_sockets

PRIVATE = (
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1",
    "192.0.0.170", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "168.63.129.16",
    "::", "::1", "::2", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fdff::1",
    "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1", "8.8.8.8", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "168.63.129.17",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.254",
    "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_no_public_network_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_taken(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "127.0.0.1.", "::1]", "shop.example"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not is_public(text)


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_an_ipv6_address_carries_it(address: object) -> None:
    number = int.from_bytes(socket.inet_aton(str(address)), "big")
    expected = is_public(str(address))
    assert is_public(f"::ffff:{address}") == expected
    assert is_public(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}") == expected
    assert is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1") == expected


def test_no_socket_is_made_for_an_address_that_is_refused() -> None:
    made = guarded_sockets(is_public)
    with pytest.raises(PrivateAddress):
        made((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))
    with pytest.raises(PrivateAddress):
        made((socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", 80, 0, 0)))
    made((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 80))).close()
