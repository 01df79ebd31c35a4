"""Totals per profile in SQLite that stay right through merges, splits and everything else that a pointer can do.

Orders are kept under the node that they came with, for ever; nothing of an order moves. What moves is sums:

- `received` of a node is what it has from the nodes that point to it, at any distance;
- `totals` of a root is that, and its own.

When a part of a node's time goes to another owner, the node's own orders of that time and what it received are taken from the
giver and everybody above it, and given to the taker and everybody above that: a merge of any size is a few additions. Only
devices have parts, and nobody points to a device; all others go as a whole.

Everything here keeps one rule: sums are a function of the orders and of the owners that are written down. So it does not matter
in which order orders and changes come, or whether some come again. Amounts are whole numbers of 1/10,000, so that what is
added and taken away again leaves nothing behind.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

END = 7_258_118_400_000  # 2200-01-01 in ms: the end of an owner's time that has no end
UNIT = 10_000

TABLES = """
CREATE TABLE IF NOT EXISTS positions (topic TEXT, part INTEGER, next INTEGER, PRIMARY KEY (topic, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    subject INTEGER, happened INTEGER, message TEXT, amount INTEGER, PRIMARY KEY (subject, happened, message)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased (
    subject INTEGER, since INTEGER, until INTEGER, PRIMARY KEY (subject, since, until)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    node INTEGER, since INTEGER, until INTEGER, owner INTEGER, PRIMARY KEY (node, since)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (node INTEGER PRIMARY KEY, version INTEGER);
CREATE TABLE IF NOT EXISTS received (node INTEGER PRIMARY KEY, amount INTEGER, orders INTEGER);
CREATE TABLE IF NOT EXISTS totals (profile INTEGER PRIMARY KEY, amount INTEGER, orders INTEGER);
"""

Part = tuple[int, int, int]  # since, until (exclusive), owner


class Order(NamedTuple):
    """`subject`, `happened` (ms) and `message` together are its name: the same again is not counted again."""

    subject: int
    happened: int
    message: str
    amount: int


class Sum(NamedTuple):
    amount: int
    orders: int

    def __neg__(self) -> "Sum":
        return Sum(-self.amount, -self.orders)


class Totals:
    """One SQLite database."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=WAL")  # others may read while this one writes
        self._db.executescript(TABLES)

    def close(self) -> None:
        self._db.close()

    def transaction(self) -> AbstractContextManager[object]:
        """What happens inside is written as one, positions included, or not at all."""
        return self._db

    def position(self, topic: str, part: int) -> int | None:
        """The next offset to read; None before the first."""
        row = self._db.execute(
            "SELECT next FROM positions WHERE topic = ? AND part = ?", (topic, part)
        ).fetchone()
        return int(row[0]) if row else None

    def move_to(self, positions: Mapping[tuple[str, int], int]) -> None:
        rows = [(topic, part, following) for (topic, part), following in positions.items()]
        self._db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", rows)

    def add(self, order: Order) -> None:
        if self._is_erased(order):
            return
        if self._db.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?)", order).rowcount:
            self._give(order.subject, self._owner(order.subject, order.happened), Sum(order.amount, 1))

    def erase(self, subject: int, since: int, until: int) -> None:
        """Orders of this time, both ends included, are gone, and do not come back when they are read again."""
        self._db.execute("INSERT OR IGNORE INTO erased VALUES (?, ?, ?)", (subject, since, until))
        rows = self._db.execute(
            "DELETE FROM orders WHERE subject = ? AND happened BETWEEN ? AND ? RETURNING happened, amount",
            (subject, since, until),
        )
        for happened, amount in rows.fetchall():
            self._give(subject, self._owner(subject, happened), Sum(-amount, -1))

    def point(self, node: int, version: int, parts: Iterable[Part]) -> None:
        """The whole of a node's time, as its pointer has it."""
        for since, until, owner in parts:
            self.change(node, version, (since, until, owner))

    def change(self, node: int, version: int, part: Part) -> None:
        """A part of its time, as a change has it. One that is older than what is known says nothing new."""
        row = self._db.execute("SELECT version FROM versions WHERE node = ?", (node,)).fetchone()
        if row is None or version >= row[0]:
            self._hand_over(node, part)
            self._db.execute("INSERT OR REPLACE INTO versions VALUES (?, ?)", (node, version))

    def profiles(self) -> dict[int, Sum]:
        rows = self._db.execute("SELECT profile, amount, orders FROM totals WHERE orders > 0")
        return {profile: Sum(amount, orders) for profile, amount, orders in rows}

    def _is_erased(self, order: Order) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM erased WHERE subject = ? AND ? BETWEEN since AND until", order[:2]
        ).fetchone()
        return row is not None

    def _hand_over(self, node: int, part: Part) -> None:
        since, until, taker = part
        kept: list[Part] = []
        for start, end, giver in self._parts(node):
            first, last = max(start, since), min(end, until)
            if first >= last:
                kept.append((start, end, giver))
                continue
            kept += [(start, first, giver)] * (start < first) + [(last, end, giver)] * (last < end)
            if giver != taker:
                moved = self._held(node, first, last)
                self._give(node, giver, -moved)
                self._give(node, taker, moved)
        self._write(node, sorted([*kept, part]))

    def _held(self, node: int, since: int, until: int) -> Sum:
        """Its own orders of this time, and what others brought."""
        rows = self._db.execute(
            "SELECT amount, 1 FROM orders WHERE subject = ? AND happened >= ? AND happened < ?"
            " UNION ALL SELECT amount, orders FROM received WHERE node = ?",
            (node, since, until, node),
        ).fetchall()
        return Sum(sum(row[0] for row in rows), sum(row[1] for row in rows))

    def _give(self, node: int, owner: int, what: Sum) -> None:
        """To the owner and all above it; to the node itself where it is its own."""
        top = node
        while owner != top:
            top = owner
            self._count("received", top, what)
            owner = self._owner(top, 0)
        self._count("totals", top, what)

    def _count(self, table: str, node: int, what: Sum) -> None:
        key = {"received": "node", "totals": "profile"}[table]
        self._db.execute(
            f"INSERT INTO {table} VALUES (?, ?, ?)"  # noqa: S608 - one of two names of ours
            f" ON CONFLICT ({key}) DO UPDATE SET amount = amount + excluded.amount, orders = orders + excluded.orders",
            (node, *what),
        )

    def _owner(self, node: int, moment: int) -> int:
        row = self._db.execute(
            "SELECT owner FROM owners WHERE node = ? AND since <= ? ORDER BY since DESC LIMIT 1",
            (node, moment),
        ).fetchone()
        return int(row[0]) if row else node

    def _parts(self, node: int) -> list[Part]:
        rows = self._db.execute(
            "SELECT since, until, owner FROM owners WHERE node = ? ORDER BY since", (node,)
        )
        return rows.fetchall() or [(0, END, node)]

    def _write(self, node: int, parts: list[Part]) -> None:
        self._db.execute("DELETE FROM owners WHERE node = ?", (node,))
        self._db.executemany(
            "INSERT INTO owners VALUES (?, ?, ?, ?)", [(node, *part) for part in _joined(parts)]
        )


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Neighbours of one owner as one."""
    found: list[Part] = []
    for since, until, owner in parts:
        if found and found[-1][2] == owner:
            found[-1] = found[-1][0], until, owner
        else:
            found.append((since, until, owner))
    return found
