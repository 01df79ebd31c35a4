"""`python -m collector`: one collector with the settings of the environment."""

import os
import sys

import runtime.logs  # noqa: F401 - before whatever else imports structlog
from collector.server import run
from runtime.environment.settings import SettingsError
from runtime.ports import PortTaken

if __name__ == "__main__":
    try:
        sys.exit(run(os.environ))
    except (SettingsError, PortTaken) as error:
        sys.exit(f"collector: {error}")
