"""The tracking plans as they are now, for each chunk.

What cannot be compiled is logged, and the plan that counted before goes on to count.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from processors.edges.controlling import Control, Derived, current_control
from processors.enrichment.plans import NO_PLANS, Plans, compiled
from runtime.environment.settings import KafkaSettings
from schemas.control import ControlState

log = structlog.get_logger()


def plan_book(control: Control) -> Callable[[], Plans]:
    """Called at the beginning of a chunk, from any thread. Raises ControlUnread."""
    return Derived(control, _compiled, NO_PLANS)


def _compiled(state: ControlState, before: Plans) -> Plans:
    plans, problems = compiled(state.plans.values(), before)
    for problem in problems:
        log.error("tracking plan ignored", error=problem)
    return plans


@contextmanager
def current_plans(kafka: KafkaSettings) -> Iterator[Callable[[], Plans]]:
    """Once all of them have been read. Raises KafkaUnavailable."""
    with current_control(kafka) as control:
        yield plan_book(control)
