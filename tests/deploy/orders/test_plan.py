"""What follows from a person and a moment, and that a command that was cut off is found again as it was meant."""

import msgspec

from deploy.orders.people import Person, Segment
from deploy.orders.plan import Company, earlier, plan
from deploy.orders.receipt import BEGUN, begun
from schemas.identity.order_documents import encode, key_of, orders_in
from schemas.identity.orders import Erase, Forget, Suppress, Unlink

USER, EMAIL, TABLET, OTHER, OTHERS_EMAIL = range(1, 6)
NOW = 1_000
WHO = Person(
    USER,
    frozenset({USER, EMAIL}),
    (
        (TABLET, Segment(0, 100, USER)),
        (TABLET, Segment(900, 2_000, USER)),
        (TABLET, Segment(3_000, 4_000, USER)),
    ),
    frozenset({(OTHERS_EMAIL, USER)}),
)
COMPANY = [
    Company(
        {OTHER: "u", EMAIL: "e"}
    ),  # a user's event that names the person's address: no link of the user's
    Company({TABLET: "a", EMAIL: "e"}),
    Company({USER: "u", EMAIL: "e"}),
]


def orders(until: int = NOW, *, suppress: bool = False) -> list[object]:
    made = plan(WHO, COMPANY, until, {USER: 7}, suppress=suppress)
    return [each.order for each in made.orders]


def test_own_identifiers_go_as_a_whole_and_of_shared_devices_the_segments_up_to_the_moment():
    assert [each for each in orders() if isinstance(each, Erase)] == [
        Erase(USER, 0, NOW), Erase(EMAIL, 0, NOW), Erase(TABLET, 0, 99), Erase(TABLET, 900, NOW),
    ]  # fmt: skip


def test_links_go_at_own_identifiers_and_at_others_that_point_to_one():
    assert [each for each in orders() if isinstance(each, Forget)] == [
        Forget(USER, NOW),
        Forget(EMAIL, NOW),
        Forget(TABLET, NOW, USER),
        Forget(TABLET, NOW, EMAIL),
        Forget(OTHERS_EMAIL, NOW, USER),
    ]


def test_own_identifiers_alone_are_suppressed_and_only_when_asked():
    assert not [each for each in orders() if isinstance(each, Suppress)]
    assert [each for each in orders(suppress=True) if isinstance(each, Suppress)] == [
        Suppress(USER), Suppress(EMAIL),
    ]  # fmt: skip


def test_others_are_cut_off_from_what_is_suppressed_also_by_links_of_a_later_time():
    assert not [each for each in orders() if isinstance(each, Unlink)]
    assert [each for each in orders(suppress=True) if isinstance(each, Unlink)] == [
        Unlink(TABLET, USER), Unlink(TABLET, EMAIL), Unlink(OTHERS_EMAIL, USER),
    ]  # fmt: skip


def test_an_order_is_addressed_where_the_key_is_known():
    made = plan(WHO, COMPANY, NOW, {USER: 7}, suppress=False)
    assert {each.murmur2 for each in made.orders if each.order.node == USER} == {7}
    assert {each.murmur2 for each in made.orders if each.order.node == EMAIL} == {None}


def test_a_command_that_was_cut_off_is_found_by_each_of_its_identifiers():
    made = plan(WHO, COMPANY, NOW, {}, suppress=False)
    documents = {key_of(each.order): encode(each) for each in made.orders}
    for node in (USER, EMAIL, TABLET):
        assert earlier(node, orders_in(documents)) == [made]
    assert earlier(OTHER, orders_in(documents)) == []


def test_a_later_forgetting_takes_over_what_both_concern():
    first, second = (plan(WHO, COMPANY, until, {}, suppress=False) for until in (NOW, NOW + 500))
    documents = {key_of(each.order): encode(each) for made in (first, second) for each in made.orders}
    found = earlier(USER, orders_in(documents))
    assert [each.by for each in found] == [first.by, second.by]
    erased = {each for made in found for each in made.erasures}
    assert erased == {*first.erasures, *second.erasures}, "what was to be erased then, still is"
    assert found[0].nodes == frozenset()
    assert (found[1].nodes, set(found[1].orders)) == (second.nodes, set(second.orders))
    receipt = begun("main", found, BEGUN)
    assert receipt.nodes == [f"{USER:016x}", f"{EMAIL:016x}"]
    assert {part.node for part in receipt.shared} == {f"{TABLET:016x}"}


def test_a_receipt_has_times_that_people_read_and_no_datum_of_the_person():
    receipt = begun("main", [plan(WHO, COMPANY, NOW, {}, suppress=True)], BEGUN)
    told = msgspec.json.decode(msgspec.json.encode(receipt))
    assert told["until"] == "1970-01-01T00:00:01.000+00:00"
    assert told["orders"] == {"erase": 4, "forget": 5, "suppress": 2, "unlink": 3}
    assert told["forgotten"] == f"forget/{USER:016x}-{NOW}"
