"""The search after a forgetting: where the person's identifiers still stand in clear, in any text column of any table of ours.

Not every find is a fault: an address may stand inside an event of somebody else. So each is told with its place and why it may be
there; what is told as `unexplained` is one. Only reads.
"""

from collections.abc import Iterator, Sequence

from deploy.orders.deletion import SEEN, TABLES
from deploy.orders.fired import FIRED
from deploy.orders.letters import anywhere, words_within
from deploy.orders.receipt import Residue
from deploy.orders.tables import Named, Tables, cut, numbers
from schemas.identity.order_documents import hex_of

VALUES_PER_PASS_MAX = 20
WORDS_PER_PASS_MAX = 250  # the server searches for at most 255 at once

_COLUMNS = """\
SELECT table, name FROM system.columns
WHERE database = currentDatabase() AND (type LIKE '%String%' OR type LIKE '%JSON%') AND default_kind != 'ALIAS' AND table IN (
    SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
ORDER BY table, position"""

LATER = "of an event that happened after the moment of forgetting"
OTHERS = "inside an event that is somebody else's"
NAMED = "named by an event that happened after the moment of forgetting, or by one of somebody else"
LETTER = "in a dead letter, where it does not stand as an identifier, or which came later"
OWN_NAME = "the name of a workspace, a source, a stage or a list, which is the same text"
CART = "of a cart that somebody else, or a later event, touched"
PRODUCT = "of a product, whose name or address is the same text"
LISTED = "of an address that was put on a list, or taken off one, after the moment of forgetting"
DEFINED = "in the definition of a segment"
UNEXPLAINED = "unexplained"


def search(tables: Tables, values: Sequence[Named], nodes: frozenset[int]) -> list[Residue]:
    """All of it, for these identifiers; `nodes` are those whose own later rows are no surprise."""
    columns: dict[str, list[str]] = {}
    for table, name in tables.ask(_COLUMNS):
        columns.setdefault(table, []).append(name)
    words = {value: words_within(value.kind, value.value) for value in values}
    return [
        found
        for table, names in columns.items()
        for some in cut(_perhaps_in(tables, table, names, words), VALUES_PER_PASS_MAX)
        for found in _in_table(tables, table, names, some, nodes)
    ]


def _perhaps_in(
    tables: Tables, table: str, columns: list[str], words: dict[Named, tuple[str, ...]]
) -> list[Named]:
    """The values that may stand in the table: somebody has thousands, hardly any of them is left, and patterns are dear."""
    texts = ", ".join(f"toString({column})" for column in columns)
    counts = (
        "sumForEach(arrayMap(at -> toUInt64(at > 0), multiSearchAllPositionsCaseInsensitive("
        f"concatWithSeparator('\n', {texts}), {{words:Array(String)}})))"
    )
    met: set[str] = set()
    for some in cut(sorted({word for each in words.values() for word in each}), WORDS_PER_PASS_MAX):
        [[found]] = tables.ask(f"SELECT {counts} FROM {table}", words=list(some))  # noqa: S608 - names of ours
        met.update(word for word, rows in zip(some, found, strict=False) if rows)
    return [value for value, each in words.items() if not each or not met.isdisjoint(each)]


def _in_table(
    tables: Tables, table: str, columns: list[str], values: Sequence[Named], nodes: frozenset[int]
) -> Iterator[Residue]:
    places = [(column, number) for column in columns for number in range(len(values))]
    counts = ", ".join(
        f"countIf(match(toString({column}), {{v{number}:String}}))" for column, number in places
    )
    patterns = {f"v{number}": anywhere(each.kind, each.value) for number, each in enumerate(values)}
    sql = f"SELECT {_reason(table, nodes)} AS why, {counts} FROM {table} GROUP BY why"  # noqa: S608 - names of ours
    for why, *found in tables.ask(sql, **patterns):
        for (column, number), rows in zip(places, found, strict=True):
            if rows:
                yield Residue(table, column, rows, hex_of(values[number].node), why)


def _reason(table: str, nodes: frozenset[int]) -> str:
    """What the rows of a table that still hold a value are."""
    if table in (*TABLES, *SEEN, *FIRED):
        return f"if(subject IN ({numbers(sorted(nodes)) or 0}), '{LATER}', '{_sql(OTHERS)}')"
    reasons = {
        "identifiers": NAMED,
        "dead_letters": LETTER,
        "identity_pointers": OWN_NAME,
        "identity_pointer_log": OWN_NAME,
        "identity_owners": OWN_NAME,
        "lists": OWN_NAME,
        "cart_states": CART,
        "catalogue_statements": PRODUCT,
        "contact_list_members": LISTED,
        "opt_outs": OWN_NAME,
        "ledger": OWN_NAME,
        "schema_migrations": OWN_NAME,
        "segment_versions": DEFINED,
        "segment_runs": DEFINED,
        "segment_changes": OWN_NAME,
        "segment_touched": OWN_NAME,
    }
    return f"'{_sql(reasons.get(table, UNEXPLAINED))}'"


def _sql(text: str) -> str:
    return text.replace("'", "\\'")
