"""Why: over made histories every answer is the oracle's, every step is one that an event stated, every no has its reason."""

from collections.abc import Iterator
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.events.times import TIME_MAX
from processors.identity.explain import NEVER, Explanation, explain, places
from processors.identity.facts import BOUNDARY, Fact
from processors.identity.reasons import (
    BEATEN,
    CLAIM_IGNORED,
    FORGOTTEN,
    LOGOUT,
    SECOND_ID,
    SUPPRESSED,
    UNCONNECTED,
    UNLINKED,
)
from processors.identity.settled import Settled
from processors.identity.steps import Step
from processors.identity.stored import StoredEvent, facts_again, keys_in
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Forget, Suppress, Unlink
from tests.processors.driver import HASH_KEY, RECEIVED, Pipeline, email_key, key_of, ms
from tests.processors.histories import visits
from tests.processors.oracle import Node, Oracle, Visit
from tests.processors.stored import stored

BOUNDED = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HOUR = 3_600_000
NOW = RECEIVED
ANN, BOB, TABLET = b"main|u:ann", b"main|u:bob", b"main|a:tablet"
MAIL = email_key("ann@x.io")


def settled(history: list[Visit]) -> Settled:
    events = [stored(visit) for visit in history]
    return Settled(events, keys_in(events))


def why(history: list[Visit], a: bytes, b: bytes) -> Explanation:
    return explain(settled(history), a, b)


def oracle_root(oracle: Oracle, node: Node, time: int) -> Node:
    node = oracle.owner(node, time) if node[0] == "a" else node
    while node in oracle.pointer:
        node = oracle.pointer[node]
    return node


def moments(history: list[Visit]) -> list[int]:
    return sorted({visit.time + shift for visit in history for shift in (-1, 0, 1)})


def every_node(oracle: Oracle) -> list[Node]:
    found = set(oracle.links) | {target for links in oracle.links.values() for _, target, _ in links}
    return sorted(found)


def steps_of(found: Explanation) -> Iterator[Step]:
    for route in found.routes:
        yield from route.steps()
    for reason in found.reasons:
        for step in (reason.lost, reason.won):
            if step is not None:
                yield from step.all()


def is_stated(step: Step, events: dict[str, StoredEvent]) -> bool:
    if step.event is None:
        return len(step.follows) == 2 and all(follow.low == step.follows[0].low for follow in step.follows)
    facts = facts_again(events[step.event.message_id], keys_in(events.values()))
    return any(
        (fact.node, fact.target, fact.strength, fact.time) == (step.low, step.high, step.strength, step.time)
        for fact in facts
    )


def is_connected(start: bytes, steps: list[Step], end: bytes) -> bool:
    nodes = [start, *(step.high for step in steps)]
    return nodes[-1] == end and [step.low for step in steps] == nodes[:-1]


@BOUNDED
@given(visits(), st.integers(0, 1000))
def test_who_is_who_is_what_the_pipeline_says(history, seed):
    again, pipeline = settled(history), Pipeline(seed=seed).visit(history)
    for node in again.nodes():
        tenures = [(each.since, node_id(each.owner, HASH_KEY)) for each in again.tenures(node)]
        pointer = pipeline.pointers.get(node_id(node, HASH_KEY))
        if pointer is None:
            assert tenures == [(0, node_id(node, HASH_KEY))]
        elif pointer["segments"]:
            assert tenures == [(ms(each["valid_from"]), each["owner"]) for each in pointer["segments"]]
        else:
            assert tenures == [(0, pointer["owner"])]


@BOUNDED
@given(visits())
def test_every_answer_is_the_oracles_and_every_step_was_stated_by_an_event(history):
    oracle, again = Oracle(history), settled(history)
    events = {visit.id: stored(visit) for visit in history}
    for a, b in combinations(every_node(oracle), 2):
        found = explain(again, key_of(a), key_of(b))
        together = {at for at in moments(history) if oracle_root(oracle, a, at) == oracle_root(oracle, b, at)}
        if a[0] == b[0] == "a":  # two timelines: each route says at which times of each
            assert bool(together) <= bool(found.routes)
        else:
            told = {at for at in moments(history) if any(r.since <= at < r.until for r in found.routes)}
            assert told == together
        assert (found.one_person == NEVER) == (not found.routes) == bool(found.reasons)
        assert all(is_stated(step, events) for step in steps_of(found))
        for route in found.routes:
            assert is_connected(key_of(a), route.from_a, route.meeting)
            assert is_connected(key_of(b), route.from_b, route.meeting)


@BOUNDED
@given(visits())
def test_every_identifier_has_its_places_and_they_cover_all_time(history):
    oracle, again = Oracle(history), settled(history)
    for node in every_node(oracle):
        found = places(again, key_of(node))
        for at in moments(history):
            (place,) = (each for each in found if each.since <= at < each.until)
            assert place.root == key_of(oracle_root(oracle, node, at))


def test_a_login_is_one_step_and_names_its_event():
    (route,) = why([Visit("login", "identify", NOW, user="ann", device="tablet")], TABLET, ANN).routes
    (step,) = route.from_a
    assert (step.low, step.high, route.meeting) == (TABLET, ANN, ANN)
    assert step.event is not None
    assert step.event.message_id == "login"
    assert route.from_b == []


def test_a_device_that_was_known_by_mail_and_by_login_tells_both():
    history = [
        Visit("newsletter", "identify", NOW - HOUR, email="ann@x.io", device="tablet"),
        Visit("login", "identify", NOW, user="ann", device="tablet"),
    ]
    (route,) = why(history, MAIL, ANN).routes
    (step,) = route.from_a
    assert step.event is None
    assert [(each.low, each.high) for each in step.follows] == [(TABLET, MAIL), (TABLET, ANN)]
    assert [each.event.message_id for each in step.follows if each.event] == ["newsletter", "login"]


def test_a_shared_tablet_is_each_persons_at_their_times():
    history = [
        Visit("a", "identify", NOW - 2 * HOUR, user="ann", device="tablet"),
        Visit("b", "identify", NOW, user="bob", device="tablet"),
    ]
    (route,) = why(history, TABLET, BOB).routes
    assert (route.since, [step.event and step.event.message_id for step in route.from_a]) == (NOW, ["b"])
    (reason,) = why(history, ANN, BOB).reasons
    assert (reason.kind, reason.node, reason.at) == (SECOND_ID, TABLET, NOW)


def test_two_shared_devices_have_their_times_each():
    history = [
        Visit(f"{user}-{device}", "identify", NOW + hours * HOUR, user=user, device=device)
        for user, device, hours in (
            ("ann", "tablet", -4),
            ("bob", "tablet", -3),
            ("bob", "tv", -2),
            ("ann", "tv", -1),
        )
    ]
    routes = why(history, TABLET, b"main|a:tv").routes
    assert [(route.meeting, route.since, route.until) for route in routes] == [
        (ANN, 0, TIME_MAX),
        (BOB, 0, TIME_MAX),
    ]
    assert [(step.since, step.until) for step in (*routes[0].from_a, *routes[0].from_b)] == [
        (0, NOW - 3 * HOUR),
        (NOW - HOUR, TIME_MAX),
    ]


def test_a_logout_divides_a_device():
    history = [
        Visit("a", "identify", NOW - 2 * HOUR, user="ann", device="tablet"),
        Visit("out", "logout", NOW - HOUR, device="tablet"),
        Visit("b", "identify", NOW, email="bob@x.io", device="tablet"),
    ]
    (reason,) = why(history, ANN, email_key("bob@x.io")).reasons
    assert (reason.kind, reason.node, reason.at) == (LOGOUT, TABLET, NOW - HOUR)


def test_merge_protection_names_the_link_that_lost_and_the_one_that_won():
    history = [
        Visit("first", "identify", NOW - HOUR, user="ann", email="ann@x.io"),
        Visit("second", "identify", NOW, user="bob", email="ann@x.io"),
    ]
    (reason,) = why(history, BOB, MAIL).reasons
    assert (reason.kind, reason.node) == (BEATEN, MAIL)
    assert reason.lost is not None
    assert reason.won is not None
    assert [step.event and step.event.message_id for step in (reason.lost, reason.won)] == ["second", "first"]


def test_a_forwarded_mail_does_not_move_a_device_that_identifies():
    history = [
        Visit("owner", "identify", NOW - 3 * HOUR, user="bob", email="bob@x.io"),
        Visit("login", "identify", NOW - HOUR, user="ann", device="tablet"),
        Visit("click", "page", NOW, device="tablet", params=(("email", "bob@x.io"),)),
    ]
    (reason,) = why(history, TABLET, BOB).reasons
    assert (reason.kind, reason.node, reason.target) == (BEATEN, email_key("bob@x.io"), ANN)
    assert reason.lost is not None
    assert [step.event and step.event.message_id for step in reason.lost.all()] == [None, "click", "login"]


def test_a_claimed_kind_of_id_is_ignored_where_calls_assert_it():
    history = [
        Visit("newsletter", "identify", NOW - HOUR, email="ann@x.io", device="tablet"),
        Visit("click", "page", NOW, device="tablet", params=(("email", "bob@x.io"),)),
    ]
    (reason,) = why(history, TABLET, email_key("bob@x.io")).reasons
    assert (reason.kind, reason.node, reason.target) == (CLAIM_IGNORED, TABLET, email_key("bob@x.io"))


def test_strangers_are_not_connected_by_any_event():
    history = [Visit("a", "identify", NOW, user="ann", device="tablet"), Visit("b", "track", NOW, user="bob")]
    found = why(history, ANN, BOB)
    assert [reason.kind for reason in found.reasons] == [UNCONNECTED]


@BOUNDED
@given(visits(), st.data())
def test_with_orders_too_every_pair_has_steps_or_a_reason(history, data):
    events = [stored(visit) for visit in history]
    nodes = sorted(Settled(events, keys_in(events)).facts)
    pairs = [(fact.node, fact.target) for fact in facts_of_all(events) if fact.target != BOUNDARY]
    orders = [
        Unlink(node_id(low, HASH_KEY), node_id(high, HASH_KEY))
        for low, high in data.draw(st.lists(st.sampled_from(pairs), max_size=3) if pairs else st.just([]))
    ] + [
        Forget(node_id(node, HASH_KEY), NOW - 1000 * data.draw(st.integers(0, 12)))
        for node in data.draw(st.lists(st.sampled_from(nodes), max_size=2) if nodes else st.just([]))
    ]
    again = Settled(events, keys_in(events), orders)
    for a, b in combinations(sorted(again.nodes()), 2):
        found = explain(again, a, b)
        assert bool(found.reasons) != bool(found.routes)
        assert bool(again.roots(a) & again.roots(b)) == bool(found.routes)


def test_an_order_that_parts_two_is_the_reason():
    events = [stored(Visit("login", "identify", NOW, user="ann", device="tablet"))]
    low, high = (node_id(node, HASH_KEY) for node in (TABLET, ANN))
    for order, kind in (
        (Unlink(low, high), UNLINKED),
        (Forget(low, NOW), FORGOTTEN),
        (Suppress(high), SUPPRESSED),
        (Suppress(low), SUPPRESSED),
    ):
        (reason,) = explain(Settled(events, keys_in(events), [order]), TABLET, ANN).reasons
        assert (reason.kind, reason.node, reason.target) == (kind, TABLET, ANN)


def facts_of_all(events: list[StoredEvent]) -> list[Fact]:
    return [fact for event in events for fact in facts_again(event, keys_in(events))]
