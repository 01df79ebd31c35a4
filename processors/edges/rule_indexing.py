"""The index of rules as it is now, for each chunk of the agents that match them: made once for each change of the control topic.

A rule that cannot be compiled is logged and fires nothing; the others do.
"""

import structlog

from processors.edges.controlling import Control, Derived
from processors.rules.rule_index import NO_RULES, RuleIndex, indexed
from schemas.control import ControlState

log = structlog.get_logger()


def current_index(control: Control) -> Derived[RuleIndex]:
    """Called at the beginning of a chunk, from any thread. Raises ControlUnread."""
    return Derived(control, _made, NO_RULES)


def _made(state: ControlState, before: RuleIndex) -> RuleIndex:
    index, problems = indexed(state, before)
    for problem in problems:
        log.error("rule ignored", error=problem)
    return index
