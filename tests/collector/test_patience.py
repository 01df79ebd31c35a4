"""A wait ends in time, and only the one that took too long."""

import asyncio
from typing import Any

from collector.patience import Patience


def test_a_wait_that_takes_too_long_times_out_and_others_go_on() -> None:
    async def scenario() -> None:
        patience = Patience(0.5)
        slow: asyncio.Future[Any] = patience.begin(asyncio.ensure_future(asyncio.Event().wait()))
        quick: asyncio.Future[Any] = patience.begin(asyncio.ensure_future(asyncio.sleep(0, "quick")))
        await asyncio.wait([slow, quick], timeout=60)
        assert isinstance(patience.outcome(slow), TimeoutError)
        assert patience.outcome(quick) == "quick"

    asyncio.run(scenario())


def test_a_wait_cancelled_from_elsewhere_stays_cancelled() -> None:
    async def scenario() -> None:
        patience = Patience(60)
        pending: asyncio.Future[Any] = patience.begin(asyncio.ensure_future(asyncio.Event().wait()))
        pending.cancel()
        await asyncio.wait({pending}, timeout=60)
        assert isinstance(patience.outcome(pending), asyncio.CancelledError)

    asyncio.run(scenario())
