"""What measures leave out: values that stand at a measured path and are no number, and amounts that no rate converts.

One query over the rows that the measures of a segment look at, of everybody. Pure.
"""

from collections.abc import Iterator
from typing import TypeAlias

from console.segments.segment_compiler import worded
from console.segments.segment_events import LeafRows, decimals_at
from console.segments.segment_identity import identity_of
from console.segments.segment_scope import Asked, Scope, where
from schemas.segments.segment_filters import Rows
from schemas.segments.segment_paths import json_of, place_of, value_at
from schemas.segments.segment_sql import Query
from schemas.segments.segment_tree import Inlined, Leaf, leaves
from schemas.segments.segments import Did

Measure: TypeAlias = tuple[Leaf, Did, str]  # with the path


def measures(wanted: Inlined) -> Iterator[Measure]:
    """Those that can leave something out, in the order of the leaves."""
    for leaf in leaves(wanted):
        did = leaf.condition.did
        if did is not None and (measured := did.sum or did.avg or did.min or did.max) is not None:
            yield leaf, did, measured.path


def skipped_query(wanted: Inlined, at_ms: int, scope: Scope) -> Query | None:
    """One row: of each measure how many values were left out. None where there is no measure."""
    asked = Asked(at_ms, scope)
    columns = []
    for leaf, did, path in measures(wanted):
        rows = LeafRows(Rows(at_ms, leaf.zone, asked.parameters), leaf.bots, are_mixed=True)
        left_out = f"toInt64({_there(path, did)}) - toInt64(length({decimals_at(path, did)}))"
        columns.append(f"sumIf({left_out}, {rows.conditions(did, did.window)})")
    if not columns:
        return None
    identity = identity_of(asked)
    listed = ",\n        ".join(columns)
    tests = [*asked.visible(), *asked.kept(profile=identity.profile())]
    sql = (
        f"SELECT\n    [\n        {listed}\n    ] AS skipped\nFROM {identity.rows('events')}\n{where(tests)}\n"
    )
    return Query(worded(sql, asked, identity.tables()), asked.parameters.values)


def _there(path: str, did: Did) -> str:
    """How many values an event has at the path, whatever they are."""
    value = value_at(path, place_of(did.event))
    if value.form == "number":
        return f"isNotNull({value.sql})"
    if value.form == "numbers":
        return f"arrayCount(each -> isNotNull(each), {value.sql})"
    return f"length(texts_of({json_of(value)}))"
