"""Which browser a test drives: the machine's Chromium, or the lighter build of it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from deploy.demo import javascript

HEADLESS_SHELL = "chromium-headless-shell"


def light(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Chromium without the parts of a person's browser, where the machine has it and $CHROMIUM names none; else the whole one.

    The same engine, for half the CPU. What it lacks, and is tested in the whole one: a page that is put by and taken up again,
    what a profile sets for cookies, and what a page has only where it counts as secure (locks, `crypto.subtle`, `caches`).
    """
    found = None if environ.get("CHROMIUM") else shutil.which(HEADLESS_SHELL)
    return Path(found) if found else javascript.browser(environ)
