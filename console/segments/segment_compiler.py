"""From segments to one ClickHouse query: whose members each profile is, for any number of segments in one pass.

Every source (events, traits, groups, identifiers, lists, and who there is) emits rows of profiles with a verdict per leaf,
0 where it has nothing to say; one GROUP BY takes the greatest of each, and each segment is an expression over these. Equal
leaves are worked out once, also across segments. The meaning is in docs/segments.md; that the query says the same is held
against an evaluator that shares no code.

Pure: what is to be asked, when and for whom are arguments. Deliberately absent: sending it (segment_query.py), and reading
definitions (schemas/segments/segment_reading.py).
"""

from collections.abc import Mapping, Sequence

from console.segments.segment_leaves import Leaves
from console.segments.segment_scope import COLUMNS, Asked, Scope, Source
from schemas.segments.segment_sql import Query
from schemas.segments.segment_tree import AllOf, AnyOf, Inlined, Leaf, Node, NotOf
from schemas.segments.segment_words import used

__all__ = ["Scope", "compile_members"]

LINE_CHARS_MAX = 120


def compile_members(wanted: Sequence[Inlined], at_ms: int, scope: Scope) -> Query:
    """Rows (profile UInt64, members Array(UInt16)): each profile that is in at least one, with the places in `wanted` of
    those."""
    asked = Asked(at_ms, scope)
    leaves = Leaves(asked, wanted)
    trees = [(each.segment.segment, _tree(each, leaves, 2)) for each in wanted]
    sql = f"{_members(trees)}\nFROM\n(\n{body(leaves)}\n)\nGROUP BY profile\nHAVING notEmpty(members)\n"
    return Query(worded(sql, asked, leaves.identity.tables()), asked.parameters.values)


def body(leaves: Leaves) -> str:
    """All branches, with all columns."""
    sources = leaves.sources()
    columns = list(dict.fromkeys(name for source in sources for name in source.columns))
    return "\n    UNION ALL\n".join(_branch(source, columns) for source in sources)


def worded(sql: str, asked: Asked, tables: Sequence[str]) -> str:
    """The query with the meaning of its words, and the tables that it joins, before it."""
    defined = [*used(sql + " ".join(tables), asked.scope.prefix), *tables]
    start = "WITH RECURSIVE" if tables else "WITH"
    return f"{start}\n    " + ",\n    ".join(defined) + f"\n{sql}" if defined else sql


def _members(trees: Sequence[tuple[str, str]]) -> str:
    tests = ",\n".join(f"        -- {name}\n        {sql}" for name, sql in trees)
    return (
        "SELECT\n    profile,\n"
        f"    arrayFilter((segment, is_member) -> is_member, range({len(trees)}), [\n{tests}\n    ])::Array(UInt16) AS members"
    )


def _branch(source: Source, columns: Sequence[str]) -> str:
    """All columns of the query in one order: a source's own, 0 for the others."""
    return f"    -- {source.title}\n" + source.sql.replace(COLUMNS, _listed(source.columns, columns))


def _listed(own: Mapping[str, str], columns: Sequence[str]) -> str:
    lines, zeros = [], ""
    for name in columns:
        if name in own:
            lines += [zeros, f"{own[name]} AS {name}"]
            zeros = ""
        else:
            zeros = f"{zeros}, 0 AS {name}" if zeros else f"0 AS {name}"
    return ",".join(f"\n        {line}" for line in [*lines, zeros] if line)


def _tree(node: Node, leaves: Leaves, depth: int) -> str:
    if isinstance(node, Leaf):
        return leaves.verdict(node)
    if isinstance(node, NotOf):
        return f"NOT {_within(node.part, leaves, depth)}"
    if isinstance(node, Inlined):
        return " AND ".join([*leaves.people(node), _within(node.where, leaves, depth)])
    joined = " AND " if isinstance(node, AllOf) else " OR "
    return joined.join(_within(part, leaves, depth) for part in node.parts)


def _within(node: Node, leaves: Leaves, depth: int) -> str:
    """In brackets where it is more than one thing."""
    sql = _tree(node, leaves, depth)
    is_one = isinstance(node, Leaf) or (isinstance(node, AllOf | AnyOf) and len(node.parts) == 1)
    return sql if is_one else f"({sql})"
