"""What was unlinked or forgotten stays so, whatever is sent again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import RECEIVED, Pipeline, key_of, profile_of_node
from tests.processors.histories import MOMENTS, PATIENT, expected, facts_erased, rulings, visits
from tests.processors.oracle import Node, Oracle, Ruling, Visit


def again(history: list[Visit]) -> list[Visit]:
    """The same events with new message ids."""
    return [replace(visit, id=f"{visit.id}-again") for visit in history]


def nodes_of(known: Oracle, person: Node) -> set[Node]:
    """Without devices, which may have been several people's."""
    nodes = {person, *known.pointer, *(link[1] for links in known.links.values() for link in links)}
    return {node for node in nodes if node[0] not in "am" and known.root(node) == person}


def orders_of(history: list[Visit], person: Node, until: int) -> Iterator[Ruling]:
    """What forgets a person up to a moment: own ids, what others link to them, their time on shared devices."""
    known = Oracle(history)
    nodes = nodes_of(known, person)
    for node in nodes:
        yield Ruling("forget", node, until=until)
        yield Ruling("erase", node, until=until)
    for low, links in known.links.items():
        yield from (Ruling("forget", low, high, until=until) for _, high, _ in links if high in nodes)
    for device in [node for node in known.stamps if node[0] == "a"]:
        if all(target is None or target in nodes for _, target, _ in known.timeline(device)):
            yield Ruling("forget", device, until=until)
    for visit in history:
        if visit.time <= until and known.profile(visit) == person:
            erase = Ruling("erase", known.subject(visit), since=visit.time, until=visit.time)
            yield from (erase, *facts_erased(history, erase))


def test_a_person_who_returns_after_being_forgotten_is_linked_again():
    """By an ordinary call, whose link had been sent before: the resolver must not take it for known."""
    old, back, later = RECEIVED - 9_000, RECEIVED - 3_000, RECEIVED
    pipeline = Pipeline().visit([Visit("old", "track", old, user="ann", device="cookie")])
    pipeline.visit([Ruling("forget", ("a", "cookie"), until=RECEIVED - 5_000)])
    pipeline.visit([Visit("stranger", "page", later, device="cookie")])
    assert pipeline.profiles()["stranger"] == profile_of_node(("a", "cookie"))
    pipeline.visit([Visit("back", "track", back, user="ann", device="cookie")])
    assert pipeline.profiles()["stranger"] == profile_of_node(("u", "ann"))


@pytest.mark.parametrize("order_first", [False, True])
def test_an_erased_logout_still_ends_its_devices_session_whenever_the_order_comes(order_first):
    """It bounds somebody else's time: whose the device is must not depend on whether the logout was stored before."""
    visits = [
        Visit("login", "identify", RECEIVED - 9_000, user="bob", device="cookie"),
        Visit("logout", "logout", RECEIVED - 6_000, user="ann", device="cookie"),
        Visit("later", "page", RECEIVED - 5_000, device="cookie"),
    ]
    ann, cookie = ("u", "ann"), ("a", "cookie")
    orders = [Ruling("erase", ann, until=RECEIVED), Ruling("forget", cookie, ann, until=RECEIVED)]
    pipeline = Pipeline()
    for part in (orders, visits) if order_first else (visits, orders):
        pipeline.visit(part)
    assert pipeline.profiles() == {"login": profile_of_node(("u", "bob")), "later": profile_of_node(cookie)}


@PATIENT
@given(visits(), rulings(kinds=("unlink",)), st.integers(0, 1000))
def test_what_was_unlinked_stays_unlinked_when_all_old_events_are_sent_again(history, orders, seed):
    pipeline = Pipeline(seed=seed).visit([*history, *orders])
    before = pipeline.profiles()
    assert before == expected(history, orders)
    pipeline.visit([*history, *again(history)])
    assert pipeline.profiles() == before | {f"{name}-again": person for name, person in before.items()}


@PATIENT
@given(visits(), st.data(), st.integers(0, 1000))
def test_nothing_of_a_forgotten_time_comes_back_when_all_old_events_are_sent_again(history, data, seed):
    if not history:
        return
    known, until = Oracle(history), data.draw(st.sampled_from(MOMENTS))
    person = known.profile(data.draw(st.sampled_from(history)))
    orders = list(orders_of(history, person, until))
    pipeline = Pipeline(seed=seed).visit([*history, *orders]).visit([*history, *again(history)])
    theirs = {visit.id for visit in history if visit.time <= until and known.profile(visit) == person}
    stored = Counter(event["message_id"] for event in pipeline.resolved)
    assert not theirs & {name.removesuffix("-again") for name in stored}
    counts = pipeline.ledger()
    assert counts.get("forgotten", 0) >= len(theirs)
    assert counts.pop("accepted") == sum(counts.values())
    assert pipeline.profiles() == expected([*history, *again(history)], orders)


@PATIENT
@given(visits(), st.data(), st.integers(0, 1000))
def test_no_state_holds_an_id_in_clear_of_somebody_who_was_forgotten(history, data, seed):
    if not history:
        return
    known = Oracle(history)
    person = known.profile(data.draw(st.sampled_from(history)))
    orders = list(orders_of(history, person, max(MOMENTS)))
    pipeline = Pipeline(seed=seed).visit([*history, *orders]).visit(history)
    for node in nodes_of(known, person):
        values = (value for state in pipeline.states.values() for value in state.values())
        assert not any(key_of(node) in value for value in values)
