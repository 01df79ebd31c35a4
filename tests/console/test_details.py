"""Who is gathered around a profile, of rows as values."""

from datetime import UTC, datetime

import msgspec

from console.details import CONTESTED, DEVICE, LED, Detail, Gathered, begun, told, wider
from console.people import Around

THEN = datetime(2026, 3, 1, tzinfo=UTC)
ROW = Detail(0, DEVICE, "", "", (), "a", THEN, (), THEN, 1, 0, 0)
ANN, PHONE, TABLET, OLD, BOBS = 1, 2, 3, 4, 5
BOB = 9
AROUND = Around(ANN, ((PHONE, ANN), (TABLET, 0), (BOBS, BOB)))


def row(subject: int, part: str, *, node: int = 0, root: int = 0) -> Detail:
    return msgspec.structs.replace(ROW, subject=subject, part=part, node=node, root=root)


def gathered(*rows: Detail, nodes_max: int = 100) -> Gathered:
    return told(begun(AROUND, nodes_max), [row(ANN, DEVICE), *rows], nodes_max)


def test_who_names_the_profile_is_sorted_by_whom_pointers_lead_them_to() -> None:
    found = gathered(row(PHONE, DEVICE, root=ANN), row(TABLET, DEVICE))
    assert (found.person.nodes, found.person.unled, found.further) == ((ANN, PHONE), (TABLET,), [])
    assert found.person.is_whole
    assert not found.person.is_shared


def test_a_profile_that_nobody_names_is_looked_at_alone() -> None:
    found = told(begun(Around(ANN), 100), [row(ANN, DEVICE)], 100)
    assert (found.person.subjects, found.person.is_whole, found.further) == ([ANN], True, [])


def test_a_chain_goes_on_from_what_is_led_to_the_profile_and_a_ring_ends() -> None:
    ring = [row(PHONE, LED, node=OLD, root=ANN), row(PHONE, LED, node=ANN, root=ANN)]
    found = gathered(*ring, row(TABLET, LED, node=6))
    assert found.further == [OLD], "not who names a device that is nobody's"
    further = wider(
        found, [row(OLD, LED, node=PHONE, root=ANN), row(OLD, LED, node=7, root=ANN)], nodes_max=100
    )
    assert (further.person.nodes, further.further) == ((ANN, PHONE, OLD), [7])
    ended = wider(further, [row(7, LED, node=8, root=BOB)], nodes_max=100)
    assert (ended.person.nodes, ended.further) == ((ANN, PHONE, OLD), []), "not who names somebody else"


def test_no_more_nodes_are_looked_at_than_may_be_and_that_is_told() -> None:
    found = gathered(nodes_max=3)
    assert (found.person.subjects, found.person.is_whole) == ([ANN, PHONE, TABLET], False)
    assert not wider(found, [], nodes_max=3).person.is_whole
    assert gathered(nodes_max=4).person.is_whole
    chained = gathered(row(PHONE, LED, node=OLD, root=ANN), nodes_max=4)
    assert (chained.further, chained.person.is_whole) == ([], False)


def test_a_profile_that_had_several_owners_is_itself_a_device_that_is_shared() -> None:
    assert gathered(row(ANN, CONTESTED)).person.is_shared
    assert not gathered(row(TABLET, CONTESTED)).person.is_shared
