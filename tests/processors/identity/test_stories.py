"""Stories that people tell about their customers, each in every order of arrival that was tried."""

from itertools import permutations
from random import Random

import pytest

from schemas.identity.identifiers import node_id
from tests.processors.driver import HASH_KEY, RECEIVED, Pipeline, key_of, profile_of_node
from tests.processors.oracle import Visit, email_node

HOUR, YEAR = 3_600_000, 365 * 24 * 3_600_000
NOW = RECEIVED
ANN, BOB = profile_of_node(("u", "ann")), profile_of_node(("u", "bob"))
COOKIE = profile_of_node(("a", "cookie"))


def orders(visits: list[Visit]) -> list[tuple[Visit, ...]]:
    every = list(permutations(visits)) if len(visits) < 5 else [tuple(visits), tuple(reversed(visits))]
    shuffled = [tuple(Random(seed).sample(visits, len(visits))) for seed in range(10)]  # noqa: S311 - an order
    return every[:24] + shuffled


def people(visits: list[Visit]) -> dict[str, str]:
    """Every order, one event at a time and all at once, gives this."""
    found = [Pipeline().visit(order).profiles() for order in orders(visits)]
    for order in orders(visits)[:3]:
        slowly = Pipeline()
        for visit in order:
            slowly.visit([visit])
        found.append(slowly.profiles())
    assert all(result == found[0] for result in found)
    return found[0]


def test_anonymous_visits_are_backfilled_on_identify_without_a_limit_in_time():
    visits = [Visit(f"v{years}", "page", NOW - years * YEAR, device="cookie") for years in range(20)]
    found = people([*visits, Visit("login", "identify", NOW, user="ann", device="cookie")])
    assert set(found.values()) == {ANN}


def test_a_second_device_is_joined_by_an_email_link():
    found = people(
        [
            Visit("phone", "page", NOW - 9 * HOUR, device="phone"),
            Visit("click", "page", NOW - 5 * HOUR, device="phone", params=(("email", "ann@x.io"),)),
            Visit("desk", "page", NOW - 8 * HOUR, device="desk"),
            Visit("login", "identify", NOW - 4 * HOUR, user="ann", email="ann@x.io", device="desk"),
        ]
    )
    assert set(found.values()) == {ANN}


def test_email_in_may_and_user_id_in_june_join_though_never_sent_together():
    found = people(
        [
            Visit("newsletter", "identify", NOW - 900 * HOUR, email="ann@x.io", device="cookie"),
            Visit("login", "identify", NOW - 100 * HOUR, user="ann", device="cookie"),
            Visit("elsewhere", "identify", NOW, email="ann@x.io", device="other"),
        ]
    )
    assert set(found.values()) == {ANN}


def login_logout_login(*, logout: bool) -> dict[str, str]:
    visits = [
        Visit("before", "page", NOW - 9 * HOUR, device="cookie"),
        Visit("login-a", "identify", NOW - 8 * HOUR, user="ann", device="cookie"),
        Visit("as-a", "page", NOW - 7 * HOUR, device="cookie"),
        Visit("gap", "page", NOW - 5 * HOUR, device="cookie"),
        Visit("login-b", "identify", NOW - 4 * HOUR, user="bob", device="cookie"),
        Visit("as-b", "page", NOW - 3 * HOUR, device="cookie"),
    ]
    if logout:
        visits.append(Visit("logout", "logout", NOW - 6 * HOUR, user="ann", device="cookie"))
    return people(visits)


def test_login_a_logout_login_b_on_one_cookie_gives_the_gap_to_b():
    found = login_logout_login(logout=True)
    assert {name: found.pop(name) for name in ("gap", "login-b", "as-b")} == dict.fromkeys(
        ("gap", "login-b", "as-b"), BOB
    )
    assert set(found.values()) == {ANN}


def test_without_a_logout_event_the_gap_stays_with_a():
    found = login_logout_login(logout=False)
    assert {name: found.pop(name) for name in ("login-b", "as-b")} == dict.fromkeys(("login-b", "as-b"), BOB)
    assert set(found.values()) == {ANN}


def test_visits_after_a_logout_are_nobodys_until_somebody_logs_in():
    found = people(
        [
            Visit("login", "identify", NOW - 8 * HOUR, user="ann", device="cookie"),
            Visit("logout", "logout", NOW - 7 * HOUR, user="ann", device="cookie"),
            Visit("after", "page", NOW - 6 * HOUR, device="cookie"),
        ]
    )
    assert found == {"login": ANN, "logout": ANN, "after": COOKIE}


def test_two_users_who_share_an_email_do_not_merge():
    found = people(
        [
            Visit("ann", "identify", NOW - 3 * HOUR, user="ann", email="family@x.io"),
            Visit("bob", "identify", NOW - 2 * HOUR, user="bob", email="family@x.io"),
            Visit("mail", "identify", NOW - 1 * HOUR, email="family@x.io"),
        ]
    )
    assert found == {"ann": ANN, "bob": BOB, "mail": ANN}


def test_a_forwarded_email_does_not_steal_a_device_that_identifies():
    found = people(
        [
            Visit("owner", "identify", NOW - 9 * HOUR, user="bob", email="bob@x.io"),
            Visit("click", "page", NOW - 5 * HOUR, device="cookie", params=(("email", "bob@x.io"),)),
            Visit("login", "identify", NOW - 4 * HOUR, user="ann", device="cookie"),
        ]
    )
    assert found == {"owner": BOB, "click": ANN, "login": ANN}


@pytest.mark.parametrize("shift", [-HOUR, HOUR])
def test_identify_counts_by_its_own_time_whenever_it_arrives(shift):
    visits = [
        Visit("login-a", "identify", NOW - 8 * HOUR, user="ann", device="cookie"),
        Visit("visit", "page", NOW - 4 * HOUR, device="cookie"),
        Visit("login-b", "identify", NOW - 4 * HOUR + shift, user="bob", device="cookie"),
    ]
    assert people(visits)["visit"] == (BOB if shift < 0 else ANN)


def test_a_chain_of_sixteen_aliases_is_one_person():
    chain = [
        Visit(f"{n}", "alias", NOW - n * HOUR, user=f"user-{n:02}", previous=f"user-{n + 1:02}")
        for n in range(16)
    ]
    found = people([*chain, Visit("last", "track", NOW, user="user-16")])
    assert set(found.values()) == {profile_of_node(("u", "user-00"))}


def test_aliases_join_users_from_both_sides():
    joined = [Visit(f"{a}{b}", "alias", NOW, user=a, previous=b) for a, b in ("da", "dc", "eb", "ec")]
    assert set(people(joined).values()) == {profile_of_node(("u", "a"))}


def test_many_strangers_with_junk_ids_stay_strangers():
    found = people([Visit(f"m{n}", "identify", NOW, user="null", device=f"d{n}") for n in range(6)])
    assert len(set(found.values())) == 6


def test_an_ordinary_visit_with_known_links_states_nothing():
    pipeline = Pipeline().visit(
        [Visit("login", "identify", NOW, user="ann", email="ann@x.io", device="cookie")]
    )
    before = dict(pipeline.sent)
    pipeline.visit(
        Visit(f"v{n}", kind, NOW + n, user=user, device="cookie")
        for n, (kind, user) in enumerate([("page", ""), ("page", "ann"), ("track", "ann"), ("track", "")] * 5)
    )
    assert pipeline.sent["identity.facts"] == before["identity.facts"]
    assert pipeline.sent["identity.pointers"] == before["identity.pointers"]
    assert pipeline.sent["profile.changes"] == before["profile.changes"]
    assert pipeline.sent["events.resolved"] == before["events.resolved"] + 20


def test_merging_two_large_clusters_sends_a_constant_number_of_messages():
    left = [Visit(f"l{n}", "identify", NOW, email="ann@x.io", device=f"l{n}") for n in range(200)]
    right = [
        Visit(f"r{n}", "identify", NOW, external=(("contact_id", "7"),), device=f"r{n}") for n in range(200)
    ]
    pipeline = Pipeline().visit([*left, *right])
    before = dict(pipeline.sent)
    pipeline.visit([Visit("join", "identify", NOW, external=(("contact_id", "7"),), email="ann@x.io")])
    assert set(pipeline.profiles().values()) == {profile_of_node(("x:contact_id", "7"))}
    assert pipeline.sent["identity.facts"] - before["identity.facts"] == 1
    assert pipeline.sent["identity.pointers"] - before["identity.pointers"] == 1
    assert pipeline.sent["profile.changes"] - before["profile.changes"] == 1


def test_thousands_of_devices_under_one_address_in_an_hour_cost_the_address_nothing_and_are_not_cut():
    """A kiosk, or an address that a test uses: a fact and a pointer for each device, and not a byte at the address."""
    devices, each = 10_000, HOUR // 10_000
    pipeline = Pipeline(2).visit(
        Visit(f"m{n}", "identify", NOW - n * each, email="all@x.io", device=f"d{n}") for n in range(devices)
    )
    assert set(pipeline.profiles().values()) == {profile_of_node(email_node("all@x.io"))}
    assert pipeline.sent["identity.facts"] <= devices
    assert pipeline.sent["identity.pointers"] == devices
    nodes = [value for state in pipeline.states.values() for key, value in state.items() if key[:1] == b"n"]
    assert len(nodes) == devices
    assert max(map(len, nodes)) < 300


def test_a_contested_device_points_to_itself_and_its_segments_cover_all_time():
    pipeline = Pipeline().visit(
        [
            Visit("login-a", "identify", NOW - 2 * HOUR, user="ann", device="cookie"),
            Visit("login-b", "identify", NOW - 1 * HOUR, user="bob", device="cookie"),
        ]
    )
    device, ann, bob = (
        node_id(key_of(node), HASH_KEY) for node in (("a", "cookie"), ("u", "ann"), ("u", "bob"))
    )
    pointer = pipeline.pointers[device]
    segments = [(s["valid_from"].year, s["valid_to"].year, s["owner"]) for s in pointer["segments"]]
    assert pointer["owner"] == device
    assert segments == [(1970, 2024, ann), (2024, 2200, bob)]
    assert pointer["segments"][0]["valid_to"] == pointer["segments"][1]["valid_from"]
