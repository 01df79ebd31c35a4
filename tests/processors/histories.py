"""Histories for Hypothesis: events on few names and few moments, so that conflicts and ties are common."""

from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.processors.driver import RECEIVED
from tests.processors.oracle import Node, Visit, email_node, stated_nodes

PATIENT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

USERS, EMAILS, DEVICES = ["ann", "bob", "carl"], ["a@x.io", "b@x.io", "c@x.io"], ["d1", "d2", "d3", "d4"]
NODES: list[Node] = [
    *(("u", user) for user in USERS),
    *(email_node(email) for email in EMAILS),
    *(("a", device) for device in DEVICES),
    ("x:contact_id", "1"),
    ("x:crm", "2"),
    ("x:loyalty", "1"),
]
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
            time=RECEIVED - 1000 * draw(st.integers(0, 12)),
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
