"""Time zones as the pinned tzdata has them, whatever the machine's own says: the same input gives the same answer everywhere."""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@cache
def zone(name: str) -> ZoneInfo:
    """Raises ValueError for a name that it does not have."""
    try:
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError):
        raise ValueError(f"no time zone {name!r}") from None
