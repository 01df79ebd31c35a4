"""A stage of the sinks' process that is no sink: a thread with work of its own, as the process sees it.

Deliberately absent: what the work is, and how each stage says that it is ready (`is_assigned`).
"""

import threading
from abc import ABC, abstractmethod

import structlog

from runtime.watch.judgement import Pulse, Sight

log = structlog.get_logger()


class OwnThread(threading.Thread, ABC):
    """Sets `stop` when it ends, whatever the reason, so that all stages of the process end together."""

    unsettled = ""  # nothing waits for its group

    def __init__(self, name: str, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._stop_event = stop
        self.has_failed = False

    def sights(self) -> list[Sight]:
        return []

    def pulses(self, _limit_s: float) -> list[Pulse]:
        return []

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # a root: nothing above would see it
            self.has_failed = True
            log.exception("sink failed", sink=self.name, error=str(error))
        finally:
            self._stop_event.set()

    @abstractmethod
    def _work(self) -> None:
        """Until `stop` is set. What it raises ends the process."""
