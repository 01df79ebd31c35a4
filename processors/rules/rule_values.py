"""Values of events and traits as rules test them: what JSON gives (None is missing), read as texts, numbers, booleans or dates.

The same readings as segments' (segment_words.py, in SQL): what the literal of a test is decides what a value is taken
for; a list stands for its elements; null, objects and lists within lists hold nothing. Pure.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas.segments.segment_windows import EPOCH
from schemas.values.zones import zone as zone_of

NUMBER = re.compile(r"[ \t\n\r]*-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?[ \t\n\r]*")
DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.]([0-9]+))?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
SECONDS_MIN, SECONDS_MAX, MS_MAX = 1e8, 1e11, 1e15  # numbers that are dates
PLAIN_MIN, PLAIN_MAX = 1e-6, 1e21  # numbers that are written without an exponent
MS = timedelta(milliseconds=1)


def scalars(value: Any) -> Iterator[Any]:
    """What a value holds: itself, or the elements of a list."""
    for each in value if isinstance(value, list) else (value,):
        if each is not None and not isinstance(each, dict | list):
            yield each


def text_of(scalar: Any) -> str:
    """As JSON has it, without quotes."""
    if isinstance(scalar, str):
        return scalar
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, float):
        return _float_text(scalar)
    return format(scalar.normalize(), "f") if isinstance(scalar, Decimal) else str(scalar)


def _float_text(value: float) -> str:
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    written = repr(value)
    if "e" not in written:
        return written.removesuffix(".0")
    if PLAIN_MIN <= abs(value) < PLAIN_MAX:
        return format(Decimal(written), "f")
    mantissa, _, exponent = written.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def number_of(scalar: Any) -> float | None:
    """None for what is no number; a text is one when it is a JSON number but for blanks around it."""
    if isinstance(scalar, bool):
        return None
    if isinstance(scalar, str) and not NUMBER.fullmatch(scalar):
        return None
    try:
        found = float(scalar)
    except OverflowError:  # an integer of more than 308 digits
        return None
    return found if math.isfinite(found) else None


def date_of(scalar: Any, zone: str) -> int | None:
    """In ms since 1970; None for what is no date. `zone`: of texts without an offset."""
    if isinstance(scalar, str):
        return _written_date(scalar, zone)
    if isinstance(scalar, bool):
        return None
    number = float(scalar)
    if not SECONDS_MIN <= number <= MS_MAX:
        return None
    return int(number * 1000) if number <= SECONDS_MAX else int(number)


def _written_date(text: str, zone: str) -> int | None:
    found = DATE.fullmatch(text)
    if found is None:
        return None
    day, hour, minute, second, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(day)
    except ValueError:
        return None
    moment += timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
    stated = moment.replace(tzinfo=UTC if offset else zone_of(zone))
    return (stated - EPOCH) // MS + int((fraction or "0")[:3].ljust(3, "0")) - _offset_ms(offset)


def _offset_ms(offset: str | None) -> int:
    if offset is None or offset == "Z":
        return 0
    digits = offset[1:].replace(":", "")
    ms = (int(digits[:2]) * 60 + int(digits[2:])) * 60_000
    return -ms if offset[0] == "-" else ms
