"""Where orders go: the node's own partition, every resolver, or both."""

import pytest

from deploy.orders.routes import RECORD_ORDERS_MAX, records
from processors.identity.facts import decode_facts
from schemas.actions.action_work import decode_work
from schemas.contacts.contact_facts import decode_contact_facts
from schemas.events.pack import decode_pack
from schemas.identity.identifiers import partition_hash, partition_of
from schemas.identity.order_documents import Addressed
from schemas.identity.orders import Erase, Forget, Suppress, Unlink
from schemas.rules.rule_facts import decode_rule_facts

KEY = b"main|u:ann"
PARTITIONS = 4
HERE = partition_of(KEY, PARTITIONS)
EVERYWHERE = set(range(PARTITIONS))
DECODERS = {
    "contacts.facts": lambda value: decode_contact_facts(value).orders,
    "rules.facts": lambda value: decode_rule_facts(value).orders,
    "actions.work": lambda value: decode_work(value).orders,
}


@pytest.mark.parametrize(
    ("order", "contacts", "rules"),
    [
        (Unlink(1, 2), set(), set()),
        (Forget(1, 10), {HERE}, set()),
        (Erase(1, 0, 10), set(), EVERYWHERE),
        (Suppress(1), {HERE}, set()),
    ],
)
def test_an_order_goes_to_its_nodes_contact_and_to_all_that_rules_work_on(order, contacts, rules):
    found: dict[str, set[int]] = {}
    for each in records([Addressed(order, partition_hash(KEY), "test")], PARTITIONS):
        if decode := DECODERS.get(each.topic):
            assert decode(each.value) == [order]
            found.setdefault(each.topic, set()).add(each.partition)
    expected = {"contacts.facts": contacts, "rules.facts": rules, "actions.work": rules}
    assert found == {topic: places for topic, places in expected.items() if places}


@pytest.mark.parametrize(
    ("order", "for_nodes", "for_resolvers"),
    [
        (Unlink(1, 2), {HERE}, set()),
        (Forget(1, 10), {HERE}, EVERYWHERE),
        (Erase(1, 0, 10), set(), EVERYWHERE),
        (Suppress(1), {HERE}, EVERYWHERE),
    ],
)
def test_an_order_goes_to_its_node_and_to_every_resolver_that_it_concerns(order, for_nodes, for_resolvers):
    sent = list(records([Addressed(order, partition_hash(KEY), "test")], PARTITIONS))
    facts = [each for each in sent if each.topic == "identity.facts"]
    raw = [each for each in sent if each.topic == "events.raw"]
    assert {each.partition for each in facts} == for_nodes
    assert {each.partition for each in raw} == for_resolvers
    assert all(decode_facts(each.value).orders == [order] for each in facts)
    assert all(decode_pack(each.value).orders == [order] for each in raw)


def test_a_node_without_a_known_key_is_looked_for_in_every_partition():
    sent = records([Addressed(Unlink(1, 2), None, "test")], PARTITIONS)
    assert {(each.topic, each.partition) for each in sent} == {("identity.facts", n) for n in EVERYWHERE}


def test_many_orders_are_several_records():
    many = [Addressed(Unlink(node, 1), 0, "test") for node in range(RECORD_ORDERS_MAX + 1)]
    sent = list(records(many, PARTITIONS))
    assert [len(decode_facts(each.value).orders) for each in sent] == [RECORD_ORDERS_MAX, 1]
    assert all(len(each.value) < 500_000 for each in sent)
