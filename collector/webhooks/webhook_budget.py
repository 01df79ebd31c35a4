"""What the expressions of a mapping may cost for one payload, in steps. Pure."""

from typing import Any

STEPS_MAX = 100_000  # of all expressions over one payload: some 50 ms of the collector's thread at the worst
CHARS_PER_STEP = 100  # what so long a piece of text costs


class Failed(ValueError):
    """It cannot be worked out for this payload; the text quotes nothing of it."""


class Budget:
    """Steps that are left. Raises Failed when there are none."""

    def __init__(self, steps: int = STEPS_MAX) -> None:
        self._left = steps

    @property
    def is_spent(self) -> bool:
        return self._left < 0

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Failed("it takes or makes more than one payload may cost: choose less of it")

    def spend_on(self, value: Any) -> None:
        """What it costs to look through all of it, as often as each part stands in it."""
        waiting = [value]
        while waiting:
            part = waiting.pop()
            self.spend(1)
            if isinstance(part, str):
                self.spend(len(part) // CHARS_PER_STEP)
            elif isinstance(part, dict):
                self.spend(len(part))
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part
