"""What a refresh of segments has to do next, decided from what is known: pure, so that every kind of end can be tried.

A *run* has a number, an instant T and a mark K (by raw partition the offset below which all was stored). It is worked out in
*attempts*: each is claimed first, then writes, then is sealed, then told. Only one process at a time can claim; so of the
attempts of a run only the last claimed one can be the one that is told.

    claimed  ->  begun  ->  touched, changes  ->  sealed  ->  told and done (one transaction)  ->  published

Whoever finds a claim that is not done tells it, if it was sealed, and otherwise works it out once more: the same T and K, the
next attempt. Deliberately absent: SQL (refresh_sql.py), Kafka and ClickHouse (refresh.py and what it uses).
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from schemas.segments.segment_tree import BadSegment, Inlined, Segments, inlined, inlined_version, leaves
from schemas.segments.segments import Segment

Key: TypeAlias = tuple[str, str]  # workspace, segment

INITIAL, DEFINITION, DATA, EXPLAINED = "initial", "definition", "data", ""
LIST, RATES = "list/", "rates"  # what has a fingerprint
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Attempt(msgspec.Struct, frozen=True):
    """`is_full`: everybody is looked at. `stored` is K."""

    run: int
    attempt: int
    instant_ms: int
    stored: dict[int, int]
    is_full: bool = False


class Standing(msgspec.Struct, frozen=True):
    """What the last sealed run found of one segment. `good_ms` 0: it was never worked out."""

    version: str
    members: int
    error: str
    good_ms: int
    entered: int = 0
    gone: int = 0
    drift: int = 0


class Base(msgspec.Struct, frozen=True):
    """The last sealed run: what the next one starts from."""

    run: int = 0
    instant_ms: int = 0
    stored: dict[int, int] = {}
    lists: dict[str, int] = {}
    standings: dict[Key, Standing] = {}
    full_ms: int = 0  # T of the last sealed run that looked at everybody


class Defined(msgspec.Struct, frozen=True):
    """A segment of now: what it means, or why nobody can tell."""

    version: str
    found: Inlined | None = None
    error: str = ""


def defined_by(segments: Segments, zone: str) -> dict[Key, Defined]:
    """All that `control` says."""
    return {(each.workspace, each.segment): _defined(each, segments, zone) for each in segments.values()}


def _defined(segment: Segment, segments: Segments, zone: str) -> Defined:
    try:
        found = inlined(segment, segments, zone)
    except BadSegment as error:
        return Defined("", None, str(error))
    return Defined(inlined_version(found), found)


def uses(defined: Mapping[Key, Defined], kind: str) -> set[Key]:
    """Whichever has a leaf of this kind."""
    return {
        key
        for key, each in defined.items()
        if each.found is not None and any(leaf.kind == kind for leaf in leaves(each.found))
    }


def outdated(defined: Mapping[Key, Defined], before: Mapping[str, int], now: Mapping[str, int]) -> set[Key]:
    """Segments that read something beside people which is not what it was, by its fingerprints."""
    if before.get(RATES, 0) != now.get(RATES, 0):
        return set(defined)
    return {
        key
        for key, each in defined.items()
        if each.found is not None
        and any(before.get(name, 0) != now.get(name, 0) for name in _lists_of(key[0], each.found))
    }


def _lists_of(workspace: str, found: Inlined) -> set[str]:
    listed = (leaf.condition.in_list for leaf in leaves(found))
    return {f"{LIST}{workspace}/{name}" for name in listed if name is not None}


def not_loaded(defined: Mapping[Key, Defined], prints: Mapping[str, int]) -> list[str]:
    """Lists that segments name and nobody has loaded, or whose last person was forgotten: nobody is on them."""
    named = (_lists_of(key[0], each.found) for key, each in defined.items() if each.found is not None)
    return sorted(name for name in set().union(*named) if not prints.get(name))


def edited(
    defined: Mapping[Key, Defined], definitions: Mapping[Key, str], known: Mapping[Key, tuple[str, str]]
) -> list[tuple[Key, str, str, bool]]:
    """What is to be written into segment_versions: (segment, version, definition, whether it is deleted)."""
    new = [
        (key, each.version, definitions[key], False)
        for key, each in sorted(defined.items())
        if known.get(key) != (each.version, definitions[key])
    ]
    return new + [(key, *known[key], True) for key in sorted(known.keys() - defined.keys())]


class Tell(msgspec.Struct, frozen=True):
    """The attempt is sealed and not told yet."""

    attempt: Attempt


class Again(msgspec.Struct, frozen=True):
    """An attempt was cut off: this is the next."""

    attempt: Attempt


class Fresh(msgspec.Struct, frozen=True):
    """Nothing is left to be done: a run of this number may begin."""

    run: int


def next_step(claimed: Attempt | None, done: int, is_sealed: bool) -> Tell | Again | Fresh:
    """`claimed` is the last claim, `done` the last run that was told, `is_sealed` whether the claimed attempt is sealed."""
    if claimed is None or claimed.run <= done:
        return Fresh(done + 1)
    if is_sealed:
        return Tell(claimed)
    return Again(msgspec.structs.replace(claimed, attempt=claimed.attempt + 1))


class Part(msgspec.Struct, frozen=True):
    """Segments of one workspace that are worked out together: in one pass, over everybody or over those who were touched.

    `whys` says by segment what explains every change: it is new, or another one than before; "" where each has a reason of its
    own.
    """

    workspace: str
    names: tuple[str, ...]
    versions: tuple[str, ...]
    whys: tuple[str, ...]
    wanted: tuple[Inlined, ...]
    is_full: bool

    def alone(self, place: int) -> "Part":
        """One of its segments."""
        return msgspec.structs.replace(
            self,
            names=self.names[place : place + 1],
            versions=self.versions[place : place + 1],
            whys=self.whys[place : place + 1],
            wanted=self.wanted[place : place + 1],
        )


def parts(
    defined: Mapping[Key, Defined], base: Base, *, is_full: bool, stale: Iterable[Key] = ()
) -> list[Part]:
    """`stale`: segments that what was touched says nothing about, such as those of a list that was loaded anew."""
    again = frozenset(stale)
    found: list[Part] = []
    for workspace in sorted({workspace for workspace, _ in defined}):
        here = {key: each for key, each in sorted(defined.items()) if key[0] == workspace}
        for wants_all in (True, False):
            chosen = [
                (key, each)
                for key, each in here.items()
                if each.found is not None
                and (is_full or key in again or _is_unknown(base, key, each)) == wants_all
            ]
            if chosen:
                found.append(_part(chosen, base, again, is_full=wants_all))
    return found


def gone(defined: Mapping[Key, Defined], base: Base) -> list[Part]:
    """What is defined no more: everybody leaves."""
    names: dict[str, list[Key]] = {}
    for key in sorted(base.standings.keys() - defined.keys()):
        names.setdefault(key[0], []).append(key)
    return [
        Part(
            workspace=workspace,
            names=tuple(name for _, name in keys),
            versions=tuple(base.standings[key].version for key in keys),
            whys=(DEFINITION,) * len(keys),
            wanted=(),
            is_full=True,
        )
        for workspace, keys in names.items()
    ]


def _is_unknown(base: Base, key: Key, now: Defined) -> bool:
    """Whether who was a member at the base's instant says nothing about this definition."""
    before = base.standings.get(key)
    return before is None or before.version != now.version or bool(before.error)


def _part(chosen: list[tuple[Key, Defined]], base: Base, stale: frozenset[Key], *, is_full: bool) -> Part:
    return Part(
        workspace=chosen[0][0][0],
        names=tuple(name for (_, name), _ in chosen),
        versions=tuple(each.version for _, each in chosen),
        whys=tuple(
            _why(base.standings.get(key), each) or (DATA if key in stale else EXPLAINED)
            for key, each in chosen
        ),
        wanted=tuple(each.found for _, each in chosen if each.found is not None),
        is_full=is_full,
    )


def _why(before: Standing | None, now: Defined) -> str:
    if before is None or not before.good_ms:
        return INITIAL
    return EXPLAINED if before.version == now.version else DEFINITION


def standing(
    before: Standing | None, part: Part, place: int, counts: tuple[int, int, int], now_ms: int
) -> Standing:
    """Of the segment at this place, after `counts` have entered, left, and done so without a reason."""
    entered, left, drift = counts
    return Standing(
        version=part.versions[place],
        members=(before.members if before else 0) + entered - left,
        error="",
        good_ms=now_ms,
        entered=entered,
        gone=left,
        drift=drift if part.is_full and not part.whys[place] and before and not before.error else 0,
    )


def failed(before: Standing | None, error: str) -> Standing:
    """Its members stay those of the last run that could tell; the next run looks at everybody."""
    if before is None:
        return Standing(version="", members=0, error=error, good_ms=0)
    return msgspec.structs.replace(before, error=error, entered=0, gone=0, drift=0)


def wants_everybody(base: Base, now_ms: int, full_hour: int) -> bool:
    """Whether the hour of the nightly full run (UTC; -1: never) has passed since the last one. The first run is one anyway."""
    if full_hour < 0 or not base.run:
        return not base.run
    due_ms = now_ms - now_ms % DAY_MS + full_hour * HOUR_MS
    if due_ms > now_ms:
        due_ms -= DAY_MS
    return base.full_ms < due_ms


def is_too_many(touched: int, people: int, share_max: float) -> bool:
    """Whether a look at everybody is cheaper."""
    return touched > share_max * people
