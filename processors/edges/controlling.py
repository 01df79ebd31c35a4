"""The control topic as a process of agents reads it: what is made of it is made once for each change, and taken by each chunk.

A chunk is judged by one value (docs/decisions/0029). There is no snapshot file as the collector has one: without Kafka there are
no events to judge either. Deliberately absent: what is made of it; see planning.py and rule_book.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from runtime.control import ControlReader
from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable
from schemas.control import ControlState

T = TypeVar("T")


class Control(Protocol):
    """What is needed of runtime.control.ControlReader."""

    @property
    def problem(self) -> str: ...

    @property
    def state(self) -> ControlState: ...


class ControlUnread(RuntimeError):
    """The control topic is not read any more: the process must be started again."""


class Derived(Generic[T]):
    """What `make` makes of the state of now and of what it made before. May be called from any thread; raises ControlUnread:
    events would be judged by what was said in the past."""

    def __init__(self, control: Control, make: Callable[[ControlState, T], T], nothing: T) -> None:
        self._control = control
        self._make = make
        self._known: tuple[ControlState | None, T] = (None, nothing)

    def __call__(self) -> T:
        if self._control.problem:
            raise ControlUnread(self._control.problem)
        seen, value = self._known
        if (state := self._control.state) is not seen:
            value = self._make(state, value)
            self._known = (state, value)
        return value


@contextmanager
def current_control(kafka: KafkaSettings) -> Iterator[Control]:
    """Once all of it has been read. Raises KafkaUnavailable."""
    reader = ControlReader(kafka)
    reader.start()
    try:
        if not reader.wait_current(kafka.answer_timeout_s):
            raise KafkaUnavailable(
                reader.problem or f"the control topic at {kafka.bootstrap_servers} cannot be read to its end"
            )
        yield reader
    finally:
        reader.stop()
