"""When the plain reader's client has forgotten a partition: some looks in a row find it where it was, with records behind it."""

from runtime.lag import Ends
from runtime.streams.group import TP
from runtime.streams.plain_reading import Mark
from runtime.streams.plain_watch import LOOKS, Looks

PLACE, OTHER = TP("events.raw", 2), TP("events.raw", 3)
MARK = Mark(epoch=7, end=1399)
AHEAD = Ends(3223, 3223)


def looked(looks: Looks, mark: Mark = MARK, ends: Ends = AHEAD) -> bool:
    return bool(looks.stuck({PLACE: mark}, {PLACE: ends}))


def test_a_partition_that_stays_where_it_was_although_records_wait_is_stuck() -> None:
    looks = Looks()
    assert [looked(looks) for _ in range(LOOKS)] == [False] * (LOOKS - 1) + [True]


def test_what_was_assigned_anew_has_all_its_looks_before_it_is_assigned_again() -> None:
    looks = Looks()
    assert [looked(looks) for _ in range(2 * LOOKS)] == ([False] * (LOOKS - 1) + [True]) * 2


def test_a_partition_that_moves_or_is_read_from_elsewhere_is_not_stuck() -> None:
    looks = Looks()
    assert not any(looked(looks, Mark(7, end)) for end in range(1399, 1399 + 2 * LOOKS))
    assert not any(looked(looks, Mark(epoch, 1399)) for epoch in range(7, 7 + 2 * LOOKS))


def test_a_partition_without_records_that_may_be_read_is_not_stuck() -> None:
    looks = Looks()
    assert not any(looked(looks, ends=Ends(3223, 1399)) for _ in range(2 * LOOKS))  # an open transaction


def test_a_broker_that_does_not_answer_proves_nothing() -> None:
    looks = Looks()
    for _ in range(LOOKS):
        assert [looked(looks) for _ in range(LOOKS - 1)] == [False] * (LOOKS - 1)
        looks.forget()


def test_one_stuck_partition_says_nothing_of_another() -> None:
    looks = Looks()
    ends = {PLACE: AHEAD, OTHER: AHEAD}
    found = [looks.stuck({PLACE: MARK, OTHER: Mark(7, 1000 + look)}, ends) for look in range(LOOKS)]
    assert found[-1] == {PLACE: MARK}
    assert not any(found[:-1])
