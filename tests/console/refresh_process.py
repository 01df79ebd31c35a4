"""`python -m tests.console.refresh_process STEP`: one refresh in a process that kills itself after the step of that name.

Kafka and ClickHouse are those of the environment. The definitions are refresh_stage.py's, and no event has an offset that counts.
"""

import os
import signal
import sys

from console.refreshing.refresh import run_once
from console.refreshing.refresh_log import KafkaRunLog
from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings, KafkaSettings, load
from tests.console.refresh_stage import ALL, Fate, defined, mortal_tools


class Killed(Fate):
    """Ends as a machine ends it."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._step = step

    def done(self, step: str) -> None:
        if step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def main(step: str, now_ms: int) -> None:
    clickhouse = load(ClickHouseSettings, os.environ)
    log = KafkaRunLog(load(KafkaSettings, os.environ))
    log.take_over()
    tools = mortal_tools(connect(clickhouse), clickhouse.database, log, Killed(step))
    run_once(tools, defined(*ALL), now_ms)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
