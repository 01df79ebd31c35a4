"""Whose address counts, what a geography file says of it, and what is kept."""

from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import mmdb_writer
import netaddr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.edges.geography import open_geography
from processors.enrichment.place import PLACES_REMEMBERED_MAX, Places, nowhere
from runtime.environment.settings import SettingsError
from schemas.events.pack import Connection
from schemas.wire.stamps import NO_PLACE, Place
from tests.processors.json_values import JSON_VALUES

BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}],
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "location": {"time_zone": "Europe/Berlin", "latitude": 52.5},
}
LISBON = {  # the smaller files have no codes of regions, and no time zones
    "country": {"iso_code": "PT"},
    "subdivisions": [{"names": {"en": "Lisbon"}}],
    "city": {"names": {"en": "Lisbon"}},
}
NETWORKS: dict[str, Any] = {
    "203.0.113.0/24": BERLIN,
    "198.51.100.0/25": LISBON,
    "2001:db8:1::/48": BERLIN,
    "192.0.2.0/24": {"registered_country": {"iso_code": "SE"}, "country": ["odd"], "city": "odd"},
}
VISITOR = Connection(address="203.0.113.77", is_browser=True)
SERVER = Connection(address="203.0.113.77")


@pytest.fixture(scope="module")
def geo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = mmdb_writer.MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    for network, record in NETWORKS.items():
        writer.insert_network(netaddr.IPSet([str(ip_network(network))]), record)
    path = tmp_path_factory.mktemp("geo") / "city.mmdb"
    writer.to_db_file(str(path))
    return path


@pytest.fixture(scope="module")
def places(geo_file: Path) -> Places:
    return Places(open_geography(str(geo_file)), "truncated")


FOUND = [
    ("203.0.113.77", Place(address="203.0.113.0", country="DE", region="BE", city="Berlin", timezone="Europe/Berlin")),
    ("198.51.100.9", Place(address="198.51.100.0", country="PT", region="Lisbon", city="Lisbon")),
    ("198.51.100.200", Place(address="198.51.100.0")),
    ("2001:db8:1:2::3", Place(address="2001:db8:1::", country="DE", region="BE", city="Berlin", timezone="Europe/Berlin")),
    ("::ffff:198.51.100.9", Place(address="198.51.100.0", country="PT", region="Lisbon", city="Lisbon")),
    ("192.0.2.1", Place(address="192.0.2.0", country="SE")),
    ("10.0.0.1", Place(address="10.0.0.0")),
]  # fmt: skip


@pytest.mark.parametrize(("address", "place"), FOUND)
def test_a_place_is_looked_up_by_the_whole_address(address: str, place: Place, places: Places) -> None:
    assert places.of({"ip": address}, "", None) == place
    assert places.of({"ip": "203.0.113.0"}, address, None) == place


def test_what_is_kept_of_an_address_is_a_setting(geo_file: Path) -> None:
    locate = open_geography(str(geo_file))
    kept = {"none": "", "truncated": "203.0.113.0", "full": "203.0.113.77"}
    for setting, address in kept.items():
        found = Places(locate, setting).of({}, "", VISITOR)  # type: ignore[arg-type]
        assert (found.address, found.country) == (address, "DE")
    assert Places(nowhere, "none").of({}, "", VISITOR) is NO_PLACE


APP = {"library": {"name": "analytics-kotlin"}, "device": {"type": "android"}}
WHOSE = [
    # context, connection -> the address that counts
    ({}, VISITOR, "203.0.113.0"),
    ({"ip": "198.51.100.9"}, VISITOR, "198.51.100.0"),
    ({"ip": "198.51.100.9"}, SERVER, "198.51.100.0"),
    ({"ip": "localhost"}, VISITOR, "203.0.113.0"),
    ({"ip": {}}, VISITOR, "203.0.113.0"),
    ({"ip": "0.0.0.0"}, VISITOR, ""),  # noqa: S104 - how clients ask for no address
    ({"ip": "::"}, VISITOR, ""),
    ({}, SERVER, ""),
    ({"library": {"name": "analytics-python"}}, SERVER, ""),
    ({"library": {"name": "analytics-kotlin"}}, SERVER, ""),
    (APP, SERVER, "203.0.113.0"),
    (APP | {"library": []}, SERVER, ""),
    (APP | {"library": {"name": ["analytics-kotlin"]}}, SERVER, ""),
    (
        {},
        Connection(address="203.0.113.77", is_browser=True, user_agent="X (via ggpht.com GoogleImageProxy)"),
        "",
    ),
    ({}, Connection(address="", is_browser=True), ""),
    ({}, Connection(address="no address", is_browser=True), ""),
    ({}, None, ""),
]


@pytest.mark.parametrize(("context", "connection", "address"), WHOSE)
def test_only_a_visitors_address_counts(context, connection, address: str) -> None:
    assert Places(nowhere, "truncated").of(context, "", connection).address == address


def test_a_place_is_looked_up_once_and_is_the_same_object_afterwards() -> None:
    asked: list[str] = []
    places = Places(lambda address: asked.append(address), "full")
    first = places.of({"ip": "203.0.113.77"}, "", None)
    assert places.of({}, "", VISITOR) is first
    assert asked == ["203.0.113.77"]
    for number in range(PLACES_REMEMBERED_MAX):
        places.of({"ip": f"10.{number >> 8}.{number & 255}.1"}, "", None)
    places.of({}, "", VISITOR)
    assert len(asked) == PLACES_REMEMBERED_MAX + 2


def always(record: object, address: str) -> object:
    return record


@settings(max_examples=150, deadline=None)
@given(
    context=st.dictionaries(st.sampled_from(["ip", "library", "device"]), JSON_VALUES),
    said=st.text(max_size=20),
    address=st.text(max_size=50),
    record=JSON_VALUES,
    parts=st.dictionaries(
        st.sampled_from(["city", "country", "subdivisions", "location", "registered_country"]), JSON_VALUES
    ),
)
def test_any_context_any_address_and_any_record_is_some_place(context, said, address, record, parts) -> None:
    for known in (record, parts):
        places = Places(partial(always, known), "full")
        for named in ({}, {"ip": address}, {"ip": "203.0.113.77"}):
            found = places.of(context | named, said, Connection(address=address, is_browser=True))
            assert isinstance(found, Place)


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com"])
def test_a_file_that_is_none_is_named_at_start(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.mmdb"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"GEO_FILE: .*broken\.mmdb cannot be read"):
        open_geography(str(path))


def test_a_file_that_is_missing_or_cut_short_is_named_at_start(geo_file: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GEO_FILE"):
        open_geography(str(tmp_path / "missing.mmdb"))
    whole = geo_file.read_bytes()
    short = tmp_path / "short.mmdb"
    short.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(SettingsError, match="GEO_FILE"):
        open_geography(str(short))
    assert open_geography("") is nowhere


def test_an_address_that_a_file_cannot_hold_is_nowhere(tmp_path: Path) -> None:
    writer = mmdb_writer.MMDBWriter(ip_version=4, database_type="Test-City")
    writer.insert_network(netaddr.IPSet(["203.0.113.0/24"]), BERLIN)
    path = tmp_path / "v4.mmdb"
    writer.to_db_file(str(path))
    locate = open_geography(str(path))
    assert locate("2001:db8::1") is None
    assert locate("203.0.113.1") == BERLIN
