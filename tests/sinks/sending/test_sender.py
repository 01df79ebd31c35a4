"""Lanes of destinations: what is begun, what waits, what is sent away, and what a change of configuration does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from runtime.environment.settings import DeliverSettings
from schemas.actions.action_work import Due, Result
from schemas.actions.destinations import Destination, HttpDestination
from schemas.control import ControlState
from sinks.sending.sender import Sender, Tools
from sinks.sending.sender_offsets import Bookmark, Window
from sinks.sending.sender_outcomes import Answer, passing
from sinks.sending.sender_reader import Arrival
from tests.sinks.deliver_stage import due

TURNS = 20  # of the event loop: more than any attempt here takes that does not wait


class Slow:
    """Answers when it is told to. `log`: what was done by whom."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log
        self.waiting: list[asyncio.Future[Answer]] = []

    async def send(self, due: Due, now_ms: int) -> Answer:
        self._log.append(f"{self._name} {due.id}")
        self.waiting.append(asyncio.get_running_loop().create_future())
        return await self.waiting[-1]

    async def close(self) -> None:
        self._log.append(f"{self._name} closed")


class World:
    """A sender whose channels are slow ones, by destination and in the order in which they were made."""

    def __init__(self, **settings: Any) -> None:
        self.state = ControlState()
        self.results: dict[str, Result] = {}
        self.log: list[str] = []
        self.channels: list[Slow] = []
        self.failures: list[BaseException] = []
        self.window = Window(Bookmark(0, 0))
        tools = Tools(
            state=lambda: self.state,
            channel=self._channel,
            answer=self._answer,
            now_ms=lambda: 1_000_000,
            chance=lambda: 0.0,
            fail=self.failures.append,
        )
        self.sender = Sender(msgspec.structs.replace(DeliverSettings(), **settings), tools)

    def define(self, name: str, **fields: Any) -> None:
        made = Destination(destination=name, http=HttpDestination(url="http://a.example/"), **fields)
        self.state = self.state.updated([(made.key, msgspec.json.encode(made))])

    def drop(self, name: str) -> None:
        self.state = self.state.updated([(f"destination/main/{name}", None)])

    async def send(self, *attempts: Due) -> None:
        await self.sender.arrived(
            [Arrival(self.window, number, each) for number, each in enumerate(attempts)]
        )
        await self.turn()

    async def end(self, answer: Answer, which: int = 0) -> None:
        self.channels[which].waiting.pop(0).set_result(answer)
        await self.turn()

    async def turn(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def outcomes(self) -> dict[str, str]:
        return {name: result.outcome for name, result in self.results.items()}

    def _channel(self, destination: Destination) -> Slow:
        self.channels.append(Slow(f"{destination.destination}{len(self.channels)}", self.log))
        return self.channels[-1]

    def _answer(self, arrival: Arrival, result: Result) -> None:
        assert arrival.due.id not in self.results
        self.results[arrival.due.id] = result


WELL = Answer(outcome="delivered", health="well")
ILL = passing("no connection")


def live(story: Callable[[World], Awaitable[None]], **settings: Any) -> World:
    async def told() -> World:
        world = World(**settings)
        await story(world)
        await world.sender.stop(0.01)
        assert world.failures == []
        return world

    return asyncio.run(told())


def test_what_waits_begins_when_others_end() -> None:
    async def story(world: World) -> None:
        world.define("shop", concurrency_max=1)
        await world.send(due("a", "shop"), due("b", "shop"))
        assert world.log == ["shop0 a"]
        await world.end(WELL)
        assert world.log == ["shop0 a", "shop0 b"]
        assert world.outcomes() == {"a": "delivered"}

    world = live(story)
    assert world.outcomes() == {"a": "delivered"}  # what was cut off has no result, so it is made again
    assert world.log[-1] == "shop0 closed"


def test_a_full_destination_sends_its_own_away_and_takes_nothing_from_others() -> None:
    async def story(world: World) -> None:
        world.define("slow", concurrency_max=1)
        world.define("shop")
        await world.send(*(due(f"s{number}", "slow") for number in range(4)), due("a", "shop"))
        assert world.outcomes() == {"s2": "postponed", "s3": "postponed"}
        assert "shop1 a" in world.log

    live(story, queue_max=1)


@pytest.mark.parametrize("limits", [{"held_max": 1}, {"held_bytes_max": 30}])
def test_what_would_be_too_much_in_all_lanes_is_sent_away(limits: dict[str, int]) -> None:
    async def story(world: World) -> None:
        for name in ("one", "two"):
            world.define(name, concurrency_max=1)
        await world.send(*(due(f"{name}{number}", name) for name in ("one", "two") for number in range(2)))
        assert world.outcomes() == {"two1": "postponed"}
        assert world.log == ["one0 one0", "two1 two0"]

    live(story, **limits)


def test_no_more_are_on_their_way_than_may() -> None:
    async def story(world: World) -> None:
        for name in ("one", "two", "three"):
            world.define(name)
        await world.send(*(due(name, name) for name in ("one", "two", "three")), due("again", "one"))
        assert world.log == ["one0 one", "two1 two"]
        assert world.outcomes() == {"three": "postponed", "again": "postponed"}

    live(story, in_flight_max=2)


def test_a_destination_that_fails_is_left_alone() -> None:
    async def story(world: World) -> None:
        world.define("shop", concurrency_max=2)
        await world.send(*(due(f"a{number}", "shop") for number in range(3)))
        await world.end(ILL)
        await world.end(ILL)
        world.sender.sweep()
        await world.send(due("b", "shop"))
        assert world.outcomes() == {"a0": "retry", "a1": "retry", "b": "postponed"}
        assert len(world.log) == 3

    world = live(story, circuit_failures_max=2, circuit_pause_s_min=60.0)
    assert world.results["b"].retry_after_ms > 1_000
    assert "left alone" in world.results["b"].error


def test_an_edited_destination_gets_a_new_channel_and_what_waited_goes_there() -> None:
    async def story(world: World) -> None:
        world.define("shop", concurrency_max=1)
        await world.send(due("a", "shop"), due("b", "shop"))
        world.define("shop", concurrency_max=2)
        world.sender.sweep()
        await world.turn()
        assert world.log == ["shop0 a", "shop1 b"]
        await world.end(WELL, 0)
        assert world.log[-1] == "shop0 closed"
        assert world.outcomes() == {"a": "delivered"}

    live(story)


def test_an_attempt_right_after_an_edit_uses_the_new_definition() -> None:
    async def story(world: World) -> None:
        world.define("shop")
        await world.send(due("a", "shop"))
        world.define("shop", concurrency_max=3)
        await world.send(due("b", "shop"))
        assert world.log == ["shop0 a", "shop1 b"]

    live(story)


def test_what_waits_for_a_destination_that_goes_is_postponed_not_failed_at_once() -> None:
    async def story(world: World) -> None:
        world.define("shop", concurrency_max=1)
        await world.send(due("a", "shop"), due("b", "shop"))
        world.drop("shop")
        world.sender.sweep()
        assert world.outcomes() == {"b": "postponed"}
        await world.end(WELL)

    assert live(story).outcomes() == {"b": "postponed", "a": "delivered"}


def test_an_attempt_of_another_kind_or_too_late_fails_without_a_request() -> None:
    async def story(world: World) -> None:
        world.define("shop")
        await world.send(due("a", "shop", kind="email"), due("b", "shop", not_after=999_999))
        assert world.outcomes() == {"a": "failed", "b": "failed"}
        await world.send(due("c", "shop", not_after=1_000_001))
        assert world.log == ["shop0 c"]

    live(story)


def test_of_a_partition_that_is_taken_away_what_waits_is_dropped_and_what_is_on_its_way_is_waited_for() -> (
    None
):
    async def story(world: World) -> None:
        world.define("shop", concurrency_max=1)
        await world.send(due("a", "shop"), due("b", "shop"))
        revoking = asyncio.create_task(world.sender.revoked([world.window], 60))
        await world.turn()
        assert not revoking.done()
        await world.end(WELL)
        await revoking
        assert world.outcomes() == {"a": "delivered"}
        assert world.log == ["shop0 a"]

    live(story)


def test_a_bug_in_a_channel_ends_the_process() -> None:
    async def story() -> list[BaseException]:
        world = World()
        world.define("shop")
        await world.send(due("a", "shop"))
        world.channels[0].waiting.pop(0).set_exception(ZeroDivisionError())
        await world.turn()
        return world.failures

    [failure] = asyncio.run(story())
    assert isinstance(failure, ZeroDivisionError)
