"""The seam under the sender's lanes: one channel for each destination, whatever its kind. A type only."""

from typing import Protocol

from schemas.actions.action_work import Due
from sinks.sending.sender_outcomes import Answer


class Channel(Protocol):
    """Used in the event loop, by many attempts at once."""

    async def send(self, due: Due, now_ms: int) -> Answer:
        """One attempt. Whatever may go wrong with a destination or a request is an answer; anything raised is a bug."""

    async def close(self) -> None:
        """When no attempt is on its way any more."""
