"""Agent `rules`: what fires at once is passed on whole, to the partition of its person; what cannot be read is a dead letter."""

import msgspec

from schemas.identity.identifiers import partition_of, profile_key
from schemas.identity.orders import Erase
from schemas.rules.rule_facts import VERSION, encode_rule_facts
from schemas.rules.rules import version_of
from schemas.wire.codec import decode
from tests.processors.rules.made_rules import (
    ANN,
    BOB,
    PARTITIONS,
    T0,
    Agent,
    document,
    match,
    occurrence,
    rule,
)

BOUGHT = rule("bought")


def test_what_fires_at_once_is_a_candidate_with_all_that_was_known():
    agent = Agent(BOUGHT)
    [candidate] = agent.tell(occurrence("0-1-0", T0, match(BOUGHT), seen_at=T0 + 5, hops=2))
    assert (candidate.workspace, candidate.rule, candidate.rule_version) == (
        "main",
        document(BOUGHT),
        version_of(BOUGHT),
    )
    assert (candidate.occurrence, candidate.person, candidate.subject) == ("0-1-0", ANN, ANN)
    assert (candidate.at, candidate.seen_at, candidate.hops) == (T0, T0 + 5, 2)
    assert (candidate.message_id, candidate.event) == ("m-0-1-0", b'{"event":"0-1-0"}')
    assert (candidate.absent_since, candidate.recheck) == (0, "")


def test_a_candidate_goes_to_the_partition_of_its_person():
    agent = Agent(BOUGHT)
    agent.tell(occurrence("a", T0, match(BOUGHT)), occurrence("b", T0, match(BOUGHT), person=BOB))
    assert [(each.key, each.partition) for each in agent.outputs] == [
        (profile_key(person), partition_of(profile_key(person), PARTITIONS)) for person in (ANN, BOB)
    ]


def test_each_rule_that_was_asked_for_fires_and_one_that_is_gone_does_not():
    other = rule("other")
    agent = Agent(BOUGHT, other)
    asked = occurrence("a", T0, match(BOUGHT), match(other), match(rule("gone")))
    assert [each.rule for each in agent.tell(asked)] == [document(BOUGHT), document(other)]
    agent.apply(other)
    assert [each.rule for each in agent.tell(asked)] == [document(other)]


def test_what_was_asked_before_an_edit_fires_as_it_was():
    agent = Agent(BOUGHT)
    agent.apply(rule("bought", destination="other"))
    [candidate] = agent.tell(occurrence("a", T0, match(BOUGHT)))
    assert candidate.rule == document(BOUGHT)


def test_what_is_erased_fires_nothing_and_later_things_do():
    agent = Agent(BOUGHT)
    assert not agent.order(Erase(ANN, 0, T0))
    assert not agent.tell(occurrence("a", T0, match(BOUGHT)))
    assert len(agent.tell(occurrence("b", T0 + 1, match(BOUGHT)))) == 1


def test_orders_go_before_what_comes_with_them():
    agent = Agent(BOUGHT)
    facts = encode_rule_facts([occurrence("a", T0, match(BOUGHT))], orders=[Erase(ANN, 0, T0)])
    assert not agent.chunk(facts)


def test_what_cannot_be_read_is_a_dead_letter_and_stops_nothing():
    agent = Agent(BOUGHT)
    later = msgspec.msgpack.encode([VERSION + 1, [], 0, []])
    good = encode_rule_facts([occurrence("a", T0, match(BOUGHT))])
    assert len(agent.chunk(b"\xff", later, b"", good)) == 1
    letters = [decode(each.value) for each in agent.outputs if each.topic == "events.dead"]
    assert [(letter["stage"], letter["reason"]) for letter in letters] == [("rules", "unreadable_pack")] * 3
    assert "version 2" in letters[1]["detail"]
