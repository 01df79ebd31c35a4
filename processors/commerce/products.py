"""What is known of one product: its catalogue fields of now, and which statements about it were told already.

A *statement* is a set of values that an event gave, and the hour it belongs to: it is told once, with the earliest time at
which it was made in that hour. So what ClickHouse has of a product is a function of the set of events, whatever order they
came in, and a product that is looked at a thousand times an hour is one row. What was told is remembered for the latest
statements only; an older one is told again, and changes nothing there.

The fields of now are for those who read the topic: each is the latest value by event time, of equals the greatest.
"""

import msgspec

from processors.commerce.commerce_facts import NO_VALUES, ProductFact, Values, encode_values
from schemas.identity.identifiers import node_id

HOUR_MS = 3_600_000
STATEMENTS_MAX = 48  # remembered for one product, the latest
KEPT_MS = 90 * 86_400_000  # what nobody stated for so long is forgotten; ClickHouse keeps it

FIELDS = Values.__struct_fields__


class Told(msgspec.Struct, array_like=True, frozen=True, gc=False, order=True):
    """One statement: its hour, a digest of its values, the earliest time."""

    hour: int
    digest: int
    time: int


class ProductState(msgspec.Struct, array_like=True, frozen=True):
    """`times`: of each field of `latest`, in the order of `FIELDS`; 0 for one that nobody stated. `seen`: the latest of all."""

    version: int = 1
    seen: int = 0
    latest: Values = NO_VALUES
    times: tuple[int, ...] = (0,) * len(FIELDS)
    told: tuple[Told, ...] = ()


def hour_of(time: int) -> int:
    return time // HOUR_MS


def stated(known: ProductState, fact: ProductFact, hash_key: bytes) -> tuple[ProductState, Told | None]:
    """The state after this one, and the statement when it is news: a new one, or an earlier time of a known one."""
    made = Told(hour_of(fact.time), node_id(encode_values(fact.values), hash_key), fact.time)
    had = next((told for told in known.told if (told.hour, told.digest) == (made.hour, made.digest)), None)
    latest, times = _later(known.latest, known.times, fact)
    is_news = had is None or made.time < had.time
    kept = sorted({*known.told, made} - {had})[-STATEMENTS_MAX:] if is_news else known.told
    after = msgspec.structs.replace(
        known, seen=max(known.seen, fact.time), latest=latest, times=times, told=tuple(kept)
    )
    return after, made if is_news else None


def _later(latest: Values, times: tuple[int, ...], fact: ProductFact) -> tuple[Values, tuple[int, ...]]:
    """Field by field the value with the greater time."""
    changed: dict[str, str | int] = {}
    moved = list(times)
    for place, name in enumerate(FIELDS):
        value = getattr(fact.values, name)
        if value in ("", None):
            continue
        had = getattr(latest, name)
        if (fact.time, value) > (times[place], had) if had not in ("", None) else True:
            changed[name], moved[place] = value, fact.time
    return (msgspec.structs.replace(latest, **changed), tuple(moved)) if changed else (latest, times)
