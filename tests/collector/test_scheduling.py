"""What the server's threads hand over is begun once, in order, and the event loop is woken once for all that wait."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from collector.scheduling import Awaited, Handover
from collector.scheduling import Loop as CollectorLoop

THREADS, EACH = 4, 500


class Door:
    """Begins what it is given on the event loop, or has it wait for its body first. `answering`: how many wait for an answer."""

    def __init__(self, begin: Callable[[Any], None], *, waits: bool = False, answering: int = 2) -> None:
        self.begin = begin
        self._waits = waits
        self.answering = answering

    def start(self, request: Any) -> Any:
        return None if self._waits else request

    def is_alone(self) -> bool:
        return self.answering <= 1


class Loop:
    """Remembers what it was asked to call."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []
        self.later: list[Callable[[], None]] = []

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        self.asked.append(callback)

    def call_later(self, _delay_s: float, callback: Callable[[], None]) -> object:
        self.later.append(callback)
        return callback


def test_the_loop_is_woken_once_for_all_that_wait() -> None:
    loop, begun = Loop(), list[Any]()
    handover = Handover(loop, Door(begun.append))  # type: ignore[arg-type]
    for request in "abc":
        handover.give(request)  # type: ignore[arg-type]
    (take,) = loop.asked
    take()
    assert begun == ["a", "b", "c"]


def test_what_comes_while_others_are_begun_is_taken_after_a_pause_and_then_the_loop_is_woken_again() -> None:
    loop, begun = Loop(), list[Any]()

    def begin(request: Any) -> None:
        begun.append(request)
        if request == "a":
            handover.give("late")  # type: ignore[arg-type]

    handover = Handover(loop, Door(begin))  # type: ignore[arg-type]
    handover.give("a")  # type: ignore[arg-type]
    loop.asked[0]()
    assert (begun, len(loop.asked), len(loop.later)) == (["a"], 1, 1)
    handover.give("later")  # type: ignore[arg-type]
    loop.later[0]()
    assert (begun, len(loop.asked), len(loop.later)) == (["a", "late", "later"], 1, 2)
    loop.later[1]()
    handover.give("alone")  # type: ignore[arg-type]
    assert (len(loop.asked), len(loop.later)) == (2, 2)
    loop.asked[1]()
    assert begun == ["a", "late", "later", "alone"]


def test_who_asks_when_all_others_are_answered_does_not_wait_out_a_pause() -> None:
    loop, begun = Loop(), list[Any]()
    door = Door(begun.append, answering=1)
    handover = Handover(loop, door)  # type: ignore[arg-type]
    for number in range(3):
        handover.give(number)  # type: ignore[arg-type]
        loop.asked[number]()
    assert (begun, len(loop.later)) == ([0, 1, 2], 1)  # one pause, which nobody waited out
    door.answering = 2
    handover.give(3)  # type: ignore[arg-type]
    assert (begun, len(loop.asked)) == ([0, 1, 2], 3)
    loop.later[0]()
    assert (begun, len(loop.later)) == ([0, 1, 2, 3], 2)


def test_the_loop_is_not_woken_twice_by_who_is_alone() -> None:
    loop, begun = Loop(), list[Any]()
    handover = Handover(loop, Door(begun.append, answering=1))  # type: ignore[arg-type]
    handover.give("a")  # type: ignore[arg-type]
    handover.give("b")  # type: ignore[arg-type]
    (wake,) = loop.asked
    wake()
    assert begun == ["a", "b"]


def test_what_waits_beside_a_request_that_raises_is_begun_after_the_pause_in_its_order() -> None:
    loop, begun = Loop(), list[Any]()

    def begin(request: Any) -> None:
        if request == "bad":
            handover.give("late")  # type: ignore[arg-type]
            raise OSError("nobody reads the log")
        begun.append(request)

    handover = Handover(loop, Door(begin))  # type: ignore[arg-type]
    for request in ("a", "bad", "b", "c"):
        handover.give(request)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="nobody reads the log"):
        loop.asked[0]()
    assert (begun, len(loop.asked), len(loop.later)) == (["a"], 1, 1)
    loop.later[0]()
    assert begun == ["a", "b", "c", "late"]


class Waiter(Awaited):
    """Remembers on which thread it heard of what."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, Any]] = []

    def told(self, pending: Any) -> None:
        self.heard.append((threading.get_ident(), pending))


def test_bodies_come_by_the_hand_over_and_everything_else_as_ever() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CollectorLoop)
        loop.handover = Handover(loop, Door(list[Any]().append, waits=True))
        loop.handover.give("a request")  # type: ignore[arg-type]
        waiter, called = Waiter(), asyncio.Event()
        await asyncio.to_thread(loop.call_soon_threadsafe, waiter, "its body")
        loop.call_soon_threadsafe(called.set)
        async with asyncio.timeout(30):
            await called.wait()
            while not waiter.heard:
                await asyncio.sleep(0)
        assert waiter.heard == [(threading.get_ident(), "its body")]
        assert waiter.pending is None

    with asyncio.Runner(loop_factory=CollectorLoop) as runner:
        runner.run(scenario())


@pytest.mark.parametrize("answering", [1, 2])
def test_nothing_is_lost_or_doubled_between_threads(answering: int) -> None:
    async def scenario() -> list[Any]:
        begun: list[Any] = []
        handover = Handover(asyncio.get_running_loop(), Door(begun.append, answering=answering))

        def give(thread: int) -> None:
            for number in range(EACH):
                handover.give((thread, number))  # type: ignore[arg-type]

        threads = [threading.Thread(target=give, args=(thread,)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        async with asyncio.timeout(30):
            while len(begun) < THREADS * EACH:
                await asyncio.sleep(0.001)
        for thread in threads:
            thread.join()
        return begun

    begun = asyncio.run(scenario())
    for thread in range(THREADS):
        assert [number for whose, number in begun if whose == thread] == list(range(EACH))
