"""Who is gathered around a profile, of rows as values."""

from datetime import UTC, datetime

import msgspec

from console.details import CONTESTED, DEVICE, LED, Detail, Gathered, begun, wider

THEN = datetime(2026, 3, 1, tzinfo=UTC)
ROW = Detail(0, DEVICE, "", "", (), "a", THEN, (), THEN, 1, 0, 0)
ANN, PHONE, TABLET, OLD, BOBS = 1, 2, 3, 4, 5
BOB = 9


def row(subject: int, part: str, *, node: int = 0, root: int = 0) -> Detail:
    return msgspec.structs.replace(ROW, subject=subject, part=part, node=node, root=root)


def gathered(nodes_max: int = 100) -> Gathered:
    named = [row(ANN, LED, node=node) for node in (PHONE, TABLET, BOBS)]
    return begun(ANN, [row(ANN, DEVICE), *named], nodes_max)


def test_who_names_the_profile_is_looked_at_and_sorted_by_whom_pointers_lead_them_to() -> None:
    first = gathered()
    assert first.further == [PHONE, TABLET, BOBS]
    found = wider(
        first, [row(PHONE, DEVICE, root=ANN), row(TABLET, DEVICE), row(BOBS, DEVICE, root=BOB)], nodes_max=100
    )
    assert (found.person.nodes, found.person.unled, found.further) == ((ANN, PHONE), (TABLET,), [])
    assert found.person.is_whole
    assert not found.person.is_shared


def test_a_chain_goes_on_from_what_is_led_to_the_profile_and_a_ring_ends() -> None:
    ring = [row(PHONE, LED, node=OLD, root=ANN), row(PHONE, LED, node=ANN, root=ANN)]
    others = [row(TABLET, LED, node=6), row(BOBS, LED, node=7, root=BOB)]
    found = wider(gathered(), [*ring, *others], nodes_max=100)
    assert found.further == [OLD], "not who names a device that is nobody's, or somebody else"
    ended = wider(found, [row(OLD, LED, node=PHONE, root=ANN)], nodes_max=100)
    assert (ended.person.nodes, ended.further) == ((ANN, PHONE, OLD), [])


def test_no_more_nodes_are_looked_at_than_may_be_and_that_is_told() -> None:
    found = gathered(nodes_max=3)
    assert (found.further, found.person.is_whole) == ([PHONE, TABLET], False)
    assert not wider(found, [], nodes_max=3).person.is_whole
    assert gathered(nodes_max=4).person.is_whole


def test_a_profile_that_had_several_owners_is_itself_a_device_that_is_shared() -> None:
    assert begun(PHONE, [row(PHONE, CONTESTED)], 100).person.is_shared
