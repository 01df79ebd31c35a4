"""Whether anybody is where the last refresh should not have left them: everybody is looked at once more, as of its own instant.

Whoever was touched since is left out, since that is the next refresh's to tell. Writes nothing but scratch paper, under a run
that never is one, so it may be asked beside a refresher; where that has sealed a run meanwhile, the answer is asked for again.
"""

from collections import Counter
from collections.abc import Mapping

import msgspec

from console.refreshing import refresh_plan as plan
from console.refreshing.refresh import members_query
from console.refreshing.refresh_plan import Attempt, Base, Defined, Key
from console.refreshing.refresh_tables import RefreshTables

SCRATCH_RUN = (1 << 63) - 1
TRIES_MAX = 3


class Moved(Exception):
    """Refreshes are sealed faster than this can look."""


class Checked(msgspec.Struct, frozen=True):
    """As of run and instant. `drift`: by segment memberships that are others than they should be."""

    run: int
    instant_ms: int
    drift: dict[Key, int]


def check(tables: RefreshTables, defined: Mapping[Key, Defined], number: int) -> Checked:
    """`number` tells this question from others. Raises Moved, and what ClickHouse raises."""
    for place in range(TRIES_MAX):
        base = tables.base()
        found = _look(tables, defined, base, number + place)
        if tables.base().run == base.run:
            return found
    raise Moved(
        "a refresh was sealed while this looked, several times: ask again, or with a longer SEGMENTS_PERIOD_S"
    )


def _look(tables: RefreshTables, defined: Mapping[Key, Defined], base: Base, number: int) -> Checked:
    attempt = Attempt(SCRATCH_RUN, number, base.instant_ms, base.stored, is_full=True)
    same = {
        key: each
        for key, each in defined.items()
        if key in base.standings
        and base.standings[key].version == each.version
        and not base.standings[key].error
    }
    stale = plan.outdated(same, base.lists, tables.fingerprints())
    with_groups = bool(plan.uses(same, "group"))
    tables.touch_again(attempt, base, with_groups=with_groups)
    others = [
        ((part.workspace, name), profile)
        for part in plan.parts({key: same[key] for key in same.keys() - stale}, base, is_full=True)
        for name, profile in tables.untouched(attempt, part, members_query(part, attempt))
    ]
    if others:  # by what arrived while this looked?
        tables.touch_again(attempt, base, with_groups=with_groups)
    touched = tables.touched_of(attempt, [profile for _, profile in others])
    return Checked(
        base.run, base.instant_ms, dict(Counter(key for key, profile in others if profile not in touched))
    )
