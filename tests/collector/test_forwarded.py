"""Whose address a request came from: the header is believed from its right end, as far as our own proxies reach."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.forwarded import FORWARDED_CHARACTERS_MAX, Proxies

CLIENT, MADE_UP = "203.0.113.77", "198.51.100.9"
INNER, OUTER, PEER = "10.0.0.2", "192.0.2.1", "10.0.0.1"

CASES = [
    # trusted proxies, the peer, the header -> the client
    ("1", PEER, "", PEER),
    ("1", PEER, CLIENT, CLIENT),
    ("1", PEER, f"{MADE_UP}, {CLIENT}", CLIENT),
    ("2", PEER, f"{MADE_UP}, {CLIENT}, {OUTER}", CLIENT),
    ("2", PEER, CLIENT, CLIENT),
    ("1", PEER, f"{MADE_UP},unknown", ""),
    ("1", PEER, f"{MADE_UP},", ""),
    ("10.0.0.0/8", PEER, CLIENT, CLIENT),
    ("10.0.0.0/8", PEER, f"{MADE_UP}, {CLIENT}, {INNER}", CLIENT),
    ("10.0.0.0/8", PEER, INNER, INNER),
    ("10.0.0.0/8", PEER, f"{CLIENT},_hidden,{INNER}", ""),
    ("10.0.0.0/8", CLIENT, MADE_UP, CLIENT),
    ("10.0.0.0/8, 192.0.2.0/24", PEER, f"{MADE_UP},{CLIENT},{OUTER},{INNER}", CLIENT),
    ("2001:db8::/32", "2001:db8::1", "2001:db9::5", "2001:db9::5"),
    ("::1,127.0.0.1", "::ffff:127.0.0.1", CLIENT, CLIENT),
    ("1", PEER, f"{CLIENT}:4711", CLIENT),
    ("1", PEER, '"[2001:db9::5]:4711"', "2001:db9::5"),
    ("1", PEER, "[2001:db9::5]", "2001:db9::5"),
    ("1", PEER, f"for={MADE_UP}, for={CLIENT};proto=https;by={OUTER}", CLIENT),
    ("1", PEER, 'proto=https;For="[2001:db9::5]:47"', "2001:db9::5"),
    ("1", PEER, "proto=https", ""),
    ("1", PEER, "for=_obfuscated", ""),
    ("1", PEER, f"{MADE_UP}," * 1_000 + CLIENT, CLIENT),
    ("1", "", "", ""),
]


@pytest.mark.parametrize(("trusted", "peer", "header", "client"), CASES)
def test_a_client_is_whoever_spoke_to_our_outermost_proxy(trusted, peer, header, client) -> None:
    assert Proxies(trusted).client(peer, header) == client


@pytest.mark.parametrize("trusted", ["", "0", " ", ","])
def test_without_proxies_no_header_is_believed(trusted: str) -> None:
    proxies = Proxies(trusted)
    assert not proxies
    assert proxies.client(CLIENT, MADE_UP) == CLIENT


@pytest.mark.parametrize(
    "trusted", ["proxy.shop.example", "10.0.0.1/8", "-1", "17", "10.0.0.0/8;1", "1,10.0.0.0/33"]
)
def test_proxies_that_are_none_are_refused(trusted: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Proxies(trusted)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["1", "2", "10.0.0.0/8"]), st.text(max_size=60), st.text(max_size=60))
def test_what_a_stranger_writes_before_it_changes_nothing(trusted: str, made_up: str, peer: str) -> None:
    proxies = Proxies(trusted)
    assert proxies.client(PEER, f"{made_up},{CLIENT},{INNER}") == proxies.client(PEER, f"{CLIENT},{INNER}")
    proxies.client(peer, made_up)


def test_of_a_long_header_the_right_end_is_read_and_remembered() -> None:
    proxies = Proxies("1")
    for number in range(5):
        header = str(number) * 60_000 + "," * FORWARDED_CHARACTERS_MAX + CLIENT
        assert proxies.client(PEER, header) == CLIENT
    assert proxies.asked().currsize == 1
