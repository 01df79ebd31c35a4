"""The tracking plans as they are now, for each chunk: the processors' reader of the control topic.

There is no snapshot file as the collector has one: without Kafka a processor has no events to judge either. What cannot be
compiled is logged, and the plan that counted before goes on to count.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from processors.plans import NO_PLANS, Plans, compiled
from runtime.control import ControlReader
from runtime.kafka import KafkaUnavailable
from runtime.settings import KafkaSettings
from schemas.control import ControlState

log = structlog.get_logger()


class Control(Protocol):
    """What is needed of runtime.control.ControlReader."""

    @property
    def problem(self) -> str: ...

    @property
    def state(self) -> ControlState: ...


class ControlUnread(RuntimeError):
    """The control topic is not read any more: the process must be started again."""


class PlanBook:
    """Called at the beginning of a chunk, from any thread. Raises ControlUnread: events would be judged by plans of the past."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._known: tuple[ControlState | None, Plans] = (None, NO_PLANS)

    def __call__(self) -> Plans:
        if self._control.problem:
            raise ControlUnread(self._control.problem)
        seen, plans = self._known
        if (state := self._control.state) is not seen:
            plans, problems = compiled(state.plans.values(), plans)
            for problem in problems:
                log.error("tracking plan ignored", error=problem)
            self._known = (state, plans)
        return plans


@contextmanager
def current_plans(kafka: KafkaSettings) -> Iterator[Callable[[], Plans]]:
    """Once all of them have been read. Raises KafkaUnavailable."""
    reader = ControlReader(kafka)
    reader.start()
    try:
        if not reader.wait_current(kafka.answer_timeout_s):
            raise KafkaUnavailable(
                reader.problem or f"the control topic at {kafka.bootstrap_servers} cannot be read to its end"
            )
        yield PlanBook(reader)
    finally:
        reader.stop()
