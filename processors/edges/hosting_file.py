"""The file of hosting networks (hosting.py): read at start, and again when it has changed. An edge.

Whether it has changed is looked at no more often than every `LOOK_S` seconds. A change that cannot be read leaves the list as it
was, and is told in the log: events do not wait for a file.
"""

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from processors.enrichment.hosting import NO_NETWORKS, BadNetworks, Networks, read_networks
from runtime.environment.settings import SettingsError

log = structlog.get_logger()

LOOK_S = 60.0


def hosting_networks(path: str, clock: Callable[[], float] = time.monotonic) -> Callable[[], Networks]:
    """Of a deployment without a list: none. Raises SettingsError for a file that cannot be read at start."""
    if not path:
        return lambda: NO_NETWORKS
    file = HostingFile(Path(path).expanduser(), clock)
    try:
        file.read()
    except (OSError, UnicodeDecodeError, BadNetworks) as error:
        raise SettingsError(
            f"BOT_NETWORKS_FILE: {path} cannot be read as a list of networks: {error}"
        ) from None
    return file.networks


class HostingFile:
    """Asked by several threads: at worst the file is read twice."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._known = NO_NETWORKS
        self._state: tuple[int, int] = (0, 0)
        self._looked_at = clock()

    def networks(self) -> Networks:
        now = self._clock()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            try:
                if self._now() != self._state:
                    self.read()
            except (OSError, UnicodeDecodeError, BadNetworks) as error:
                log.warning("the list of hosting networks cannot be read anew", error=str(error))
        return self._known

    def read(self) -> None:
        state = self._now()
        with self._path.open(encoding="utf-8") as lines:
            self._known = read_networks(lines)
        self._state = state
        log.info("hosting networks", file=str(self._path))

    def _now(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size
