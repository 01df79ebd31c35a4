"""Histories for Hypothesis: events and orders on few names and few moments, so that conflicts and ties are common."""

import os
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.processors.driver import RECEIVED, Pipeline, profile_of_node
from tests.processors.oracle import Node, Oracle, Ruling, Visit, authority, email_node, stated_nodes

EXAMPLES = int(
    os.environ.get("STITCHLINE_TEST_EXAMPLES", "60")
)  # of each property; `make mutants` tries more
PATIENT = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

USERS, EMAILS, DEVICES = ["ann", "bob", "carl"], ["a@x.io", "b@x.io", "c@x.io"], ["d1", "d2", "d3", "d4"]
NODES: list[Node] = [
    *(("u", user) for user in USERS),
    *(email_node(email) for email in EMAILS),
    *(("a", device) for device in DEVICES),
    ("x:contact_id", "1"),
    ("x:crm", "2"),
    ("x:loyalty", "1"),
]
MOMENTS = [RECEIVED - 1000 * seconds for seconds in range(13)]
KINDS = ("identify", "track", "page", "alias", "logout")

users = st.sampled_from(["", "", *USERS])
emails = st.sampled_from(["", "", "", *EMAILS])
devices = st.sampled_from(["", *DEVICES])
contacts = st.lists(
    st.tuples(st.sampled_from(["contact_id", "crm", "loyalty"]), st.sampled_from("12")), max_size=1
)
parameters = st.lists(
    st.sampled_from([("contact_id", "1"), ("contact_id", "2"), ("email", "a@x.io"), ("email", "b@x.io")]),
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@st.composite
def visits(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> list[Visit]:
    found = []
    for number in range(draw(st.integers(2, 25))):
        kind = draw(st.sampled_from(kinds))
        visit = Visit(
            id=f"m{number}",
            kind=kind,
            time=draw(st.sampled_from(MOMENTS)),
            user=draw(users),
            email=draw(emails) if kind != "alias" else "",
            external=tuple(draw(contacts)),
            device=draw(devices),
            previous=draw(st.sampled_from(["ann", "bob", "carl", "d1", "d2"])) if kind == "alias" else "",
            params=tuple(draw(parameters)) if kind == "page" else (),
        )
        if stated_nodes(visit) or visit.params:
            found.append(visit)
    return found


def shuffled(found: list[Visit], seed: int) -> list[Visit]:
    return Random(seed).sample(found, len(found))  # noqa: S311 - the order of a test


@st.composite
def rulings(draw: st.DrawFn, kinds: tuple[str, ...] = ("unlink", "forget", "forget one")) -> list[Ruling]:
    """Unlinks and forgets of a few nodes, so that several orders meet at one."""
    names = draw(st.lists(st.sampled_from(NODES), min_size=2, max_size=4, unique=True))
    found = []
    for _ in range(draw(st.integers(1, 5))):
        pair = draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
        low, high = sorted(pair, key=authority, reverse=True)
        kind = draw(st.sampled_from(kinds))
        if kind == "unlink":
            found.append(Ruling("unlink", low, high))
        else:
            until = draw(st.sampled_from(MOMENTS))
            found.append(Ruling("forget", low, high if kind == "forget one" else None, until=until))
    return found


def expected(history: list[Visit], orders: list[Ruling]) -> dict[str, str]:
    oracle = Oracle(history, orders)
    return {
        visit.id: profile_of_node(oracle.profile(visit)) for visit in history if not oracle.is_erased(visit)
    }


def mixed(history: list[Visit], orders: list[Ruling], seed: int) -> list[Visit | Ruling]:
    return Random(seed).sample([*history, *orders], len(history) + len(orders))  # noqa: S311 - the order of a test


def facts_erased(history: list[Visit], erase: Ruling) -> list[Ruling]:
    """That the links never were which the erased events stated."""
    return [
        Ruling("forget", low, high, until=visit.time)
        for visit in history
        if Oracle([visit], [erase]).is_erased(visit)
        for low, links in Oracle([visit]).links.items()
        for _, high, _ in links
    ]


@st.composite
def erasures(draw: st.DrawFn, history: list[Visit]) -> list[Ruling]:
    """Events of some nodes up to some moments, each with the links that it states."""
    found = []
    for node in draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=3, unique=True)):
        since, until = sorted([draw(st.sampled_from(MOMENTS)), draw(st.sampled_from(MOMENTS))])
        erase = Ruling("erase", node, since=since, until=until)
        found.append(erase)
        found += facts_erased(history, erase)
    return found


def in_parts(pipeline: Pipeline, things: list[Visit | Ruling], seed: int) -> Pipeline:
    """Sent in three parts, each after the rest of the one before: orders stand before, among and behind events."""
    first, second = sorted(Random(seed).choices(range(len(things) + 1), k=2))  # noqa: S311 - the moments of a test
    return pipeline.visit(things[:first]).visit(things[first:second]).visit(things[second:])
