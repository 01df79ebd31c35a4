"""`python -m console`: the console with the settings of the environment."""

import os
import sys

import runtime.logs  # noqa: F401 - before whatever else imports structlog
from console.server import run
from runtime.environment.settings import SettingsError
from runtime.ports import PortTaken

if __name__ == "__main__":
    try:
        sys.exit(run(os.environ))
    except (SettingsError, PortTaken) as error:
        sys.exit(f"console: {error}")
