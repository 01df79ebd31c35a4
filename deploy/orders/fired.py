"""What rules did for somebody who is forgotten: firings by their subject or person and the time of what they fired on, and the
attempts to deliver them, whose answers may say anything. Attempts are found by their firings, so they go first.
"""

from collections.abc import Iterable

from deploy.orders.tables import Tables, cut, numbers
from schemas.identity.orders import Erase

FIRED = ("delivery_attempts", "firing_states")  # in the order in which they are deleted

_IDS = "SELECT DISTINCT sipHash64(firing_id) FROM firing_states WHERE {condition}"


def fired(tables: Tables, here: str, erasures: Iterable[Erase]) -> dict[str, list[str]]:
    """By table, conditions that together hold for every row that goes. `here`: the condition of the workspace."""
    firings = [f"{here} AND {each}" for each in _firings(erasures)]
    ids = sorted({each for condition in firings for (each,) in tables.ask(_IDS.format(condition=condition))})
    attempts = [f"{here} AND sipHash64(firing_id) IN ({numbers(some)})" for some in cut(ids)]
    return dict(zip(FIRED, (attempts, firings), strict=True))


def _firings(erasures: Iterable[Erase]) -> list[str]:
    nodes: dict[tuple[int, int], set[int]] = {}
    for erase in erasures:
        nodes.setdefault((erase.since, erase.until), set()).add(erase.node)
    return [
        f"(subject IN ({some}) OR profile IN ({some})) "
        f"AND toUnixTimestamp64Milli(occurred_at) BETWEEN {since:d} AND {until:d}"
        for (since, until), found in sorted(nodes.items())
        for some in map(numbers, cut(sorted(found)))
    ]
