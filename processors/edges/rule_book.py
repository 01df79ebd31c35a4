"""The rules as they are now, for each chunk of agent `rules`.

Whoever matched an event may have read a newer control than this worker has: a version that was never heard of is waited for, a
moment, and once. Else what a rule that was just applied asks for could be taken for one that is gone.
"""

import time
from collections.abc import Collection

from processors.edges.controlling import Control, Derived
from processors.rules.rules_now import NO_RULES, Name, RulesNow, rules_of

WAIT_S_MAX = 3.0
POLL_S = 0.02
UNHEARD_MAX = 10_000  # versions that never came, of which that is remembered


class RuleBook:
    """Called at the beginning of a chunk, from any thread. Raises ControlUnread."""

    def __init__(self, control: Control, wait_s_max: float = WAIT_S_MAX) -> None:
        self._rules = Derived(control, rules_of, NO_RULES)
        self._wait_s_max = wait_s_max
        self.unheard: dict[Name, None] = {}  # in the order in which they were asked for

    def __call__(self, asked: Collection[Name] = ()) -> RulesNow:
        """`asked`: what the chunk names."""
        end = time.monotonic() + self._wait_s_max
        while True:
            now = self._rules()
            missing = [name for name in asked if not now.has_heard_of(name) and name not in self.unheard]
            if not missing or time.monotonic() > end:
                break
            time.sleep(POLL_S)
        self._remember(missing)
        return now

    def _remember(self, missing: Collection[Name]) -> None:
        for name in missing:
            self.unheard[name] = None
        if len(self.unheard) > UNHEARD_MAX:
            self.unheard = dict.fromkeys(list(self.unheard)[-UNHEARD_MAX // 2 :])
