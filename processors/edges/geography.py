"""The geography file: opened once at start, asked for addresses. The edge to `maxminddb`, whose reader is in C.

The file is mapped into memory, so that processes on one machine share it. It is read as it was at start: a newer one is
seen after a restart, and must be put in place by renaming, not by writing over the old one.
Absent: what a record means (place.py).
"""

from collections.abc import Callable
from pathlib import Path

import structlog

from processors.enrichment.place import Locate, nowhere
from runtime.environment.settings import SettingsError

log = structlog.get_logger()


def open_geography(path: str) -> Locate:
    """Raises SettingsError for a file that cannot be read; an empty path is a deployment without one."""
    if not path:
        return nowhere
    import maxminddb

    try:
        reader = maxminddb.open_database(Path(path).expanduser())
        about = reader.metadata()
        reader.get("192.0.2.1")  # what is cut short is seen now
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise SettingsError(f"GEO_FILE: {path} cannot be read as a MaxMind database: {error}") from None
    log.info("geography", kind=about.database_type, built_at=about.build_epoch)
    return _asking(reader.get, (ValueError, maxminddb.InvalidDatabaseError))


def _asking(get: Callable[[str], object], wrong: tuple[type[Exception], ...]) -> Locate:
    def locate(address: str) -> object:
        try:
            return get(address)
        except wrong:  # an IPv6 address in a file of IPv4 ones, or a record that is damaged
            return None

    return locate
