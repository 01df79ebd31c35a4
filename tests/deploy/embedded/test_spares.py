"""Which connections are kept for whom."""

import pytest

from deploy.embedded.clickhouse.engine import Context
from deploy.embedded.clickhouse.failure import ClickHouseError, refused
from deploy.embedded.clickhouse.spares import Spares


class Noted(Context):
    """A connection that notes what it is told; `refuse` is refused."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.is_closed = False

    def execute(self, statement, output_format="Null", params=None):
        if statement == "refuse":
            raise refused("no", 62, "SYNTAX_ERROR")
        self.ran.append(statement)

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


class World:
    def __init__(self, count_max: int = 2) -> None:
        self.all: list[Noted] = []
        self.spares = Spares(self._made, count_max)

    def _made(self) -> Context:
        self.all.append(Noted())
        return self.all[-1]

    def asked(self, *setup: str) -> int:
        """The number of the connection that was given."""
        with self.spares.entered(setup) as context:
            return next(number for number, each in enumerate(self.all) if each is context)


def test_one_that_was_set_up_so_is_used_again_and_set_up_once() -> None:
    world = World()
    assert [world.asked("a", "b"), world.asked("a", "b"), world.asked("a"), world.asked("a", "b")] == [
        0,
        0,
        1,
        0,
    ]
    assert [each.ran for each in world.all] == [["a", "b"], ["a"]]


def test_two_at_once_have_one_each() -> None:
    world = World()
    with world.spares.entered(["a"]) as one, world.spares.entered(["a"]) as other:
        assert one is not other
    assert world.asked("a") == 0, "the one that was left last"


def test_one_on_which_anything_failed_is_closed() -> None:
    world = World()
    with pytest.raises(ClickHouseError):
        world.asked("a", "refuse")
    with pytest.raises(OSError, match="gone"), world.spares.entered(["a"]):
        raise OSError("gone")
    assert [each.is_closed for each in world.all] == [True, True]
    assert world.asked("a") == 2


def test_the_oldest_goes_when_there_are_too_many_and_all_at_the_end() -> None:
    world = World(count_max=2)
    assert [world.asked("a"), world.asked("b"), world.asked("a"), world.asked("c")] == [0, 1, 0, 2]
    assert [each.is_closed for each in world.all] == [False, True, False]
    world.spares.close()
    assert all(each.is_closed for each in world.all)


def test_one_that_is_in_use_when_all_are_closed_is_not_kept() -> None:
    world = World()
    with world.spares.entered(["a"]):
        world.spares.close()
        assert not world.all[0].is_closed
    assert [world.asked("a"), world.asked("a")] == [1, 1]
    assert [each.is_closed for each in world.all] == [True, False]
