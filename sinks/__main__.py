"""`python -m sinks NAME...`: one or more sinks in this process."""

import os
import sys

from sinks.worker import run

if __name__ == "__main__":
    run(sys.argv[1:], os.environ)
