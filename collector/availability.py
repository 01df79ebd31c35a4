"""Whether Kafka answers: a thread that asks often while it does not, and seldom while it does.

While the answer is no, requests are refused at once instead of waiting for a timeout each; the first good answer ends that.
"""

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

ASK_WHEN_UP_S = 5.0
ASK_WHEN_DOWN_S = 0.25


class Availability:
    """`probe` says what is wrong, or "" when nothing is; it may block, and is called by one thread only."""

    def __init__(self, probe: Callable[[], str]) -> None:
        self._probe = probe
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="kafka-probe", daemon=True)
        self.problem = "Kafka has not answered yet"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join(timeout=5)

    def doubt(self) -> None:
        """Something failed: ask now. Safe from any thread."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            problem = self._probe()
            if problem != self.problem:
                log.warning("kafka is away", problem=problem) if problem else log.info("kafka answers")
            self.problem = problem
            self._wake.wait(ASK_WHEN_DOWN_S if problem else ASK_WHEN_UP_S)
