"""`python -m sinks NAME...`: one or more sinks in this process."""

import os
import sys

import runtime.logs  # noqa: F401 - before whatever else imports structlog
from sinks.worker import run

if __name__ == "__main__":
    run(sys.argv[1:], os.environ)
