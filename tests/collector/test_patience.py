"""A wait ends in time, and only the one that took too long."""

import asyncio

import pytest

from collector.patience import Patience


def test_a_wait_that_takes_too_long_times_out_and_others_go_on() -> None:
    async def scenario() -> None:
        patience = Patience(0.5)
        async with asyncio.timeout(10):
            slow = asyncio.create_task(patience.wait(asyncio.ensure_future(asyncio.Event().wait())))
            with pytest.raises(TimeoutError):
                await slow
            assert await patience.wait(asyncio.ensure_future(asyncio.sleep(0, "quick"))) == "quick"

    asyncio.run(scenario())


def test_a_task_cancelled_from_elsewhere_stays_cancelled() -> None:
    async def scenario() -> None:
        waiting = asyncio.create_task(Patience(60).wait(asyncio.ensure_future(asyncio.Event().wait())))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())
