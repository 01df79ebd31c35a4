"""Instants as definitions of segments write them: a date, or a time of day on it, with a zone of its own or in the segment's."""

import re
from datetime import UTC, datetime, timedelta

from schemas.values.zones import zone

FIRST_YEAR, LAST_YEAR = 1901, 2298  # ClickHouse has the times from 1900 to 2299, in UTC

_FORM = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def instant_ms(text: str, zone_name: str) -> int:
    """Milliseconds since 1970; a date is its beginning. Raises ValueError."""
    if not _FORM.fullmatch(text):
        raise ValueError(
            f"{text!r} is no instant: write 2026-03-01, 2026-03-01T12:30 or 2026-03-01T12:30:00Z"
        )
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant: {error}") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"{text!r} is not within the years {FIRST_YEAR} to {LAST_YEAR}")
    moment = found if found.tzinfo is not None else found.replace(tzinfo=zone(zone_name))
    return (moment - _EPOCH) // _MS
