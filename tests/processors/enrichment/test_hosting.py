"""Networks of machines, as a list names them."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.edges.hosting_file import LOOK_S, hosting_networks
from processors.enrichment.hosting import NO_NETWORKS, BadNetworks, read_networks
from runtime.environment.settings import SettingsError

LIST = """\
# a provider
192.0.2.0/25
192.0.2.128/25   # meets the one above
198.51.100.7
2001:db8::/32

203.0.113.9/24
"""


@pytest.mark.parametrize(
    ("address", "is_held"),
    [
        *(("192.0.2.0", True), ("192.0.2.255", True), ("192.0.1.255", False), ("192.0.3.0", False)),
        *(("198.51.100.7", True), ("198.51.100.8", False), ("203.0.113.200", True), ("::ffff:192.0.2.1", True)),
        *(("2001:db8::1", True), ("2001:db9::1", False), ("::1", False), (" 192.0.2.1 ", True)),
        *(("", False), ("no address", False), ("192.0.2", False), ("192.0.2.1" * 20, False)),
    ],
)  # fmt: skip
def test_an_address_is_held_by_a_network_or_not(address: str, is_held: bool) -> None:
    assert read_networks(LIST.splitlines()).holds(address) == is_held


def test_without_a_list_nothing_is_held() -> None:
    assert not NO_NETWORKS
    assert not NO_NETWORKS.holds("192.0.2.1")
    assert not read_networks(["# nothing"])


@pytest.mark.parametrize("line", ["192.0.2.0/33", "shop.example", "192.0.2.1-192.0.2.9", "1.2.3"])
def test_a_line_that_is_no_network_is_told(line: str) -> None:
    with pytest.raises(BadNetworks, match="line 2"):
        read_networks(["# first", line])


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(4, 32)), max_size=12),
    st.lists(st.integers(0, 2**32 - 1), max_size=8),
)
def test_what_is_held_is_what_one_of_the_networks_holds(
    given_networks: list[tuple[int, int]], asked: list[int]
) -> None:
    networks = [ip_network((number, bits), strict=False) for number, bits in given_networks]
    found = read_networks(map(str, networks))
    edges = [edge for network in networks for edge in (int(network[0]), int(network[-1]))]
    beside = [number + by for number in edges for by in (-1, 0, 1) if 0 <= number + by < 2**32]
    for number in [*asked, *beside]:
        address = ip_address(number)
        assert found.holds(str(address)) == any(address in network for network in networks)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file, now = tmp_path / "networks", [0.0]
    file.write_text("192.0.2.0/24\n")
    networks = hosting_networks(str(file), lambda: now[0])
    assert networks().holds("192.0.2.1")
    file.write_text("# another list\n198.51.100.0/24\n")
    assert networks().holds("192.0.2.1"), "it was looked at a moment ago"
    now[0] += LOOK_S
    assert not networks().holds("192.0.2.1")
    assert networks().holds("198.51.100.1")


@pytest.mark.parametrize("text", ["no network\n", None, b"\xff\xfe"])
def test_a_change_that_cannot_be_read_leaves_the_list_as_it_was(
    tmp_path: Path, text: str | bytes | None
) -> None:
    file, now = tmp_path / "networks", [0.0]
    file.write_text("192.0.2.0/24\n")
    networks = hosting_networks(str(file), lambda: now[0])
    file.unlink()
    if text is not None:
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    now[0] += LOOK_S
    assert networks().holds("192.0.2.1")


def test_a_file_that_cannot_be_read_at_start_is_told_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BOT_NETWORKS_FILE"):
        hosting_networks(str(tmp_path / "none"))
    assert not hosting_networks("")()
