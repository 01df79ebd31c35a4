"""Whose a row is, in SQL: by the pointers of now, in dictionaries, or by those of a moment in the past, from their log, by
joins.

Rows are mapped to profiles where they are read. Adding up by owner first and mapping then is quicker from some ten matching
rows a subject on, and by a fifth at most; mapping first lets each source end with verdicts, so that one GROUP BY joins them
(decision 0042).
"""

from console.segments.segment_scope import Asked

CHAIN_HOPS_MAX = (
    64  # pointers from an identifier to its root; a chain of 16 aliases is the longest that identity makes
)


class Now:
    """By the dictionaries, which follow chains to their end when they are loaded."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def profile(self, subject: str = "subject", at: str = "timestamp") -> str:
        return f"profile_of({subject}, {at})"

    def root(self, node: str) -> str:
        return f"root_of({node})"

    def rows(self, table: str, subject: str = "subject", at: str = "timestamp") -> str:
        return self._asked.table(table)

    def contested(self) -> str:
        """SQL of the devices that several people used."""
        table = self._asked.table("identity_pointers")
        return (
            f"SELECT node FROM {table} FINAL WHERE workspace = {self._asked.workspace} AND notEmpty(segments)"
        )

    def spans(self) -> str:
        """SQL of rows (node, owner): to whom such a device ever belonged."""
        table = self._asked.table("identity_pointers")
        return (
            f"(SELECT node, span.owner AS owner FROM {table} FINAL ARRAY JOIN segments AS span "
            f"WHERE workspace = {self._asked.workspace})"
        )

    def tables(self) -> list[str]:
        return []


class Then:
    """By the last version of each pointer before `known_at_ms`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        assert asked.scope.known_at_ms is not None
        self._known_at = asked.moment("known_at", asked.scope.known_at_ms)

    def profile(self, subject: str = "subject", at: str = "timestamp") -> str:
        owner = f"owner_then({subject}, {at}, devices_then.spans)"
        return f"if(roots_then.root = 0, {owner}, roots_then.root)"

    def root(self, node: str) -> str:
        return f"if(roots_then.root = 0, {node}, roots_then.root)"

    def rows(self, table: str, subject: str = "subject", at: str = "timestamp") -> str:
        return (
            f"{self._asked.table(table)}\n"
            f"    LEFT JOIN devices_then ON devices_then.device = {subject}\n"
            f"    LEFT JOIN roots_then ON roots_then.owned = owner_then({subject}, {at}, devices_then.spans)"
        )

    def contested(self) -> str:
        return "SELECT device FROM devices_then"

    def spans(self) -> str:
        return "(SELECT device AS node, span.3 AS owner FROM devices_then ARRAY JOIN spans AS span)"

    def tables(self) -> list[str]:
        log = self._asked.table("identity_pointer_log")
        last_known = (
            f"SELECT node, argMax(owner, version) AS next, argMax(segments, version) AS spans FROM {log} "
            f"WHERE workspace = {self._asked.workspace} AND updated_at < {self._known_at} "
            "GROUP BY node HAVING NOT argMax(is_deleted, version)"
        )
        owner = (
            "(subject, at, spans) -> arrayFirst(owner -> owner != 0, "
            "[arrayFirst(span -> span.1 <= at AND at < span.2, spans).3, subject])"
        )
        followed = (
            "SELECT node, next AS root, 1 AS hops FROM links_then UNION ALL "
            "SELECT chains_then.node, links_then.next, hops + 1 FROM chains_then "
            f"INNER JOIN links_then ON links_then.node = chains_then.root WHERE hops < {CHAIN_HOPS_MAX}"
        )
        return [
            f"({owner}) AS owner_then",
            f"pointers_then AS ({last_known})",
            "devices_then AS (SELECT node AS device, spans FROM pointers_then WHERE notEmpty(spans))",
            "links_then AS (SELECT node, next FROM pointers_then WHERE empty(spans) AND next != node)",
            f"chains_then AS ({followed})",
            "roots_then AS (SELECT node AS owned, argMax(root, hops) AS root FROM chains_then GROUP BY node)",
        ]


Identity = Now | Then


def identity_of(asked: Asked) -> Identity:
    return Then(asked) if asked.scope.identity == "then" else Now(asked)
