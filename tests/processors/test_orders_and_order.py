"""Orders among events: unlink and forget at any moment, before, between and after the events that they speak of."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import RECEIVED, Pipeline, profile_of_node
from tests.processors.histories import NODES, PATIENT, visits
from tests.processors.oracle import Oracle, Ruling, Visit, authority


@st.composite
def rulings(draw: st.DrawFn) -> list[Ruling]:
    """Unlinks and forgets of single nodes."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        low, high = sorted(
            draw(st.lists(st.sampled_from(NODES), min_size=2, max_size=2, unique=True)),
            key=authority,
            reverse=True,
        )
        kind = draw(st.sampled_from(["unlink", "forget", "forget one"]))
        if kind == "unlink":
            found.append(Ruling("unlink", low, high))
        else:
            until = RECEIVED - 1000 * draw(st.integers(0, 12))
            found.append(Ruling("forget", low, high if kind == "forget one" else None, until=until))
    return found


def expected(history: list[Visit], orders: list[Ruling]) -> dict[str, str]:
    oracle = Oracle(history, orders)
    return {
        visit.id: profile_of_node(oracle.profile(visit)) for visit in history if not oracle.is_erased(visit)
    }


def mixed(history: list[Visit], orders: list[Ruling], seed: int) -> list[Visit | Ruling]:
    return Random(seed).sample([*history, *orders], len(history) + len(orders))  # noqa: S311 - the order of a test


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000), st.sampled_from([1, 3, 8]), st.booleans())
def test_events_and_orders_in_any_order_give_what_the_oracle_says(history, orders, seed, partitions, repeat):
    pipeline = Pipeline(partitions, seed, repeat=repeat).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)


@st.composite
def erasures(draw: st.DrawFn, history: list[Visit]) -> list[Ruling]:
    """Events of some nodes up to some moments, each with the links that it states."""
    found = []
    for node in draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=3, unique=True)):
        erase = Ruling("erase", node, until=RECEIVED - 1000 * draw(st.integers(0, 12)))
        found.append(erase)
        for visit in history:
            if Oracle([visit], [erase]).is_erased(visit):
                found += [
                    Ruling("forget", low, high, until=visit.time)
                    for low, links in Oracle([visit]).links.items()
                    for _, high, _ in links
                ]
    return found


@PATIENT
@given(visits(), st.data(), st.integers(0, 1000), st.sampled_from([1, 3, 8]))
def test_erased_events_are_nowhere_and_link_nobody_whenever_the_order_comes(history, data, seed, partitions):
    orders = data.draw(erasures(history))
    pipeline = Pipeline(partitions, seed).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)
