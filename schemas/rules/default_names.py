"""What the rules of default actions are called: DESTINATION--event-name."""

import re
from typing import Final

MARK: Final = "--"
NAME_CHARS_MAX: Final = 63  # of any rule

_OTHER = re.compile(r"[^a-z0-9]+")


def default_name(destination: str, event: str) -> str:
    return f"{destination}{MARK}{_OTHER.sub('-', event.lower()).strip('-')}"
