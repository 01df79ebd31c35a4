"""How a process ends itself when it must not go on: at once, with the reason in its log."""

import os
import sys
from typing import NoReturn

import structlog

log = structlog.get_logger()

EXIT_BUG = 70


def die(error: BaseException) -> NoReturn:
    """End the process at once, with the stack in the log. What was not committed is done again by the next process."""
    log.critical("the worker ends: a bug, or something it cannot live with", exc_info=error)
    leave(EXIT_BUG)


def leave(code: int) -> NoReturn:
    """Without waiting for any thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
