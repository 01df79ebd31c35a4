"""Who can be a member at all: profiles with a visible event, of people or bots, whether they are known, and when they were
seen.

Read from `subjects`, one row or a few per subject. A device that several people used belongs to each in their time, so such
devices are read from `events`. So is everybody where only what was known at some moment counts, and, for the last time that
somebody was seen, whoever has events after T.
"""

from textwrap import indent

from console.segments.segment_identity import Identity
from console.segments.segment_scope import COLUMNS, Asked, Source, where

SEEN = {"exclude": "seen", "only": "seen_as_bot", "include": "seen_at_all"}
BY_ROW = {"exclude": "NOT device.is_bot", "only": "device.is_bot", "include": "1"}
KNOWN = "known"
IS_KNOWN = "profile != subject OR subject_type NOT IN ('a', 'm')"
LATEST = {
    "exclude": "human_last_seen",
    "only": "bot_last_seen",
    "include": "greatest(human_last_seen, bot_last_seen)",
}
EARLIEST = {
    "exclude": "human_first_seen",
    "only": "bot_first_seen",
    "include": "least(human_first_seen, bot_first_seen)",
}


class Universe:
    """Which of its columns the segments of a query need, and the branches that have them."""

    def __init__(self, asked: Asked, identity: Identity) -> None:
        self._asked = asked
        self._identity = identity
        self._seen: dict[str, None] = {}
        self._needs_known = False
        self._times: dict[str, dict[str, str]] = {}

    def people(self, bots: str) -> str:
        self._seen[bots] = None
        return f"max({SEEN[bots]})"

    def known(self) -> str:
        self._needs_known = True
        return f"max({KNOWN})"

    def seen(self, bots: str, column: str, sql: str) -> None:
        """A verdict over `first` and `last`, rows of when a profile was seen."""
        self._times.setdefault(bots, {})[column] = sql

    def sources(self) -> list[Source]:
        flags = [self._by_subject(), self._by_event()] if self._seen or self._needs_known else []
        return [
            *(source for source in flags if source is not None),
            *(self._timed(bots) for bots in self._times),
        ]

    def _by_subject(self) -> Source | None:
        if self._asked.scope.known_at_ms is not None:
            return None
        columns = {SEEN[bots]: f"{EARLIEST[bots]} < {self._asked.at}" for bots in self._seen}
        if self._needs_known:
            columns[KNOWN] = IS_KNOWN
        tests = [f"subject NOT IN ({self._identity.contested()})", *self._asked.kept()]
        sql = (
            f"    SELECT {self._identity.root('subject')} AS profile,{COLUMNS}\n"
            f"    FROM {self._asked.table('subjects')}\n"
            f"{where([f'workspace = {self._asked.workspace}', *tests])}"
        )
        return Source("who there is", sql, columns)

    def _by_event(self) -> Source:
        columns = {SEEN[bots]: BY_ROW[bots] for bots in self._seen}
        if self._needs_known:
            columns[KNOWN] = IS_KNOWN
        tests = [*self._asked.visible(), *self._exact([self._identity.contested()]), *self._asked.kept()]
        sql = (
            f"    SELECT DISTINCT {self._identity.profile()} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.rows('events')}\n{where(tests)}"
        )
        return Source("and on devices that several people used", sql, columns)

    def _exact(self, subjects: list[str]) -> list[str]:
        """Nothing to leave out where all is read from events."""
        if self._asked.scope.known_at_ms is not None:
            return []
        return [f"subject IN ({' UNION ALL '.join(subjects)})"]

    def _timed(self, bots: str) -> Source:
        moments = indent(self._moments(bots), "    ")
        sql = f"    SELECT profile,{COLUMNS}\n    FROM\n    (\n{moments}\n    )\n    GROUP BY profile"
        return Source("when they were seen", sql, self._times[bots])

    def _moments(self, bots: str) -> str:
        after = (
            f"SELECT subject FROM {self._asked.table('subjects')} "
            f"WHERE workspace = {self._asked.workspace} AND {LATEST[bots]} >= {self._asked.at}"
        )
        needs_last = any("max(last)" in sql for sql in self._times[bots].values())
        apart = [self._identity.contested(), *([after] if needs_last else [])]
        by_row = {"include": []}.get(bots, [BY_ROW[bots]])
        tests = [*self._asked.visible(), *by_row, *self._exact(apart), *self._asked.kept()]
        by_event = (
            f"    SELECT {self._identity.profile()} AS profile, timestamp AS first, timestamp AS last\n"
            f"    FROM {self._identity.rows('events')}\n{where(tests)}"
        )
        if self._asked.scope.known_at_ms is not None:
            return by_event
        tests = [
            f"workspace = {self._asked.workspace}",
            f"{EARLIEST[bots]} < {self._asked.at}",
            f"subject NOT IN ({' UNION ALL '.join(apart)})",
            *self._asked.kept(),
        ]
        by_subject = (
            f"    SELECT {self._identity.root('subject')} AS profile, {EARLIEST[bots]} AS first, {LATEST[bots]} AS last\n"
            f"    FROM {self._asked.table('subjects')}\n{where(tests)}"
        )
        return f"{by_subject}\n    UNION ALL\n{by_event}"
