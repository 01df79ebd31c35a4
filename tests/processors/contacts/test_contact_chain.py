"""From a fact to a rule: what agent `contacts` sends goes through the resolver, and agent `triggers` knows it for genuine."""

from itertools import count

import pytest

from processors.resolver.resolve import Resolver
from schemas.contacts.contact_facts import ContactFact
from schemas.rules.rule_facts import FIRES
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import EVENTS_DERIVED, EVENTS_RESOLVED
from tests.processors.contact_driver import KEY, PARTITIONS, Driver, fact
from tests.processors.rule_records import fired, rule, triggers

AT = 1_790_000_000_123


def resolved(outputs: list[OutputRecord]) -> list[bytes]:
    """What the resolver makes of the events among these, each partition with a state of its own."""
    offsets = count()
    step = Resolver(hash_key=KEY, partitions=PARTITIONS, duplicate_window_days=7, duplicate_ids_per_key_max=9)
    states: dict[int, dict[bytes, bytes]] = {}
    found: list[OutputRecord] = []
    for each in outputs:
        if each.topic == EVENTS_DERIVED.name:
            record = InputRecord(next(offsets), AT, each.key, each.value)
            found += step(each.partition, [record], states.setdefault(each.partition, {}))
    return [each.value for each in found if each.topic == EVENTS_RESOLVED.name]


@pytest.mark.parametrize(
    "changes",
    [
        [fact("added", AT, mailer="weekly", origin="api"), fact("deleted", AT + 1)],
        [
            fact("added", AT, channel="phone", address="+4930901820", source="shop", hops=3),
            fact("deleted", AT + 1, channel="phone", address="+4930901820"),
        ],
    ],
    ids=["email", "phone"],
)
def test_each_change_of_a_list_fires_the_rules_of_contacts_once(changes: list[ContactFact]) -> None:
    driver = Driver()
    driver.take(changes)
    step = triggers(
        rule("came", trigger={"contact": {"change": "added", "lists": ["news"]}}),
        rule("went", trigger={"contact": {"change": "deleted"}}),
        rule("others", trigger={"contact": {"change": "added", "lists": ["vip"]}}),
    )
    events = resolved(driver.outputs)
    assert [fired(step, event) for event in events] == [[("came", FIRES)], [("went", FIRES)]]


def test_an_event_that_is_sent_again_is_a_duplicate() -> None:
    driver, again = Driver(), Driver()
    driver.take(fact("added", AT))
    again.take(fact("added", AT), fact("added", AT + 5))
    assert len(resolved([*driver.outputs, *again.outputs])) == 1
