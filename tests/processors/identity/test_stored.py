"""Stored events state again what they stated when they passed."""

import pytest

from processors.identity.explain import ALWAYS, explain
from processors.identity.facts import BOUNDARY, Fact
from processors.identity.settled import Settled
from processors.identity.stored import StoredEvent, StoredId, facts_again, is_hash_alone, keys_in
from tests.processors.driver import RECEIVED, email_key
from tests.processors.oracle import Visit
from tests.processors.stored import stored

NOW = RECEIVED
ANN, TABLET, MAIL = b"main|u:ann", b"main|a:tablet", email_key("ann@x.io")


def test_an_address_known_by_its_hash_alone_meets_the_one_in_clear():
    clear, click = (
        stored(Visit("owner", "identify", NOW, user="ann", email="ann@x.io")),
        stored(Visit("click", "page", NOW, device="tablet", params=(("email", "ann@x.io"),))),
    )
    hidden = tuple(
        StoredId(each.node, each.kind, "", each.claimed) if each.kind == "e" else each
        for each in click.identifiers
    )
    events = [
        clear,
        StoredEvent(
            **{**{name: getattr(click, name) for name in click.__struct_fields__}, "identifiers": hidden}
        ),
    ]
    assert explain(Settled(events, keys_in(events)), TABLET, ANN).one_person == ALWAYS
    alone = events[1:]
    (fact,) = facts_again(alone[0], keys_in(alone))
    assert (fact.node, is_hash_alone(fact.target), is_hash_alone(MAIL)) == (TABLET, True, False)


@pytest.mark.parametrize("name", ["Logout", "signed out"])
def test_a_stored_logout_divides_as_it_did_when_it_passed(name):
    event = StoredEvent(
        workspace="main", source="shop", message_id="out", type="track", event=name, time=NOW, previous_id="",
        identifiers=(StoredId(1, "a", "tablet"),),
    )  # fmt: skip
    assert facts_again(event, keys_in([event])) == [Fact(TABLET, BOUNDARY, NOW, 1, True)]
