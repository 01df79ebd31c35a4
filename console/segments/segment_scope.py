"""For whom, where and as of when a segment is asked; and the SQL that follows from that alone."""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from schemas.segments.segment_sql import MOMENT, Parameters
from schemas.segments.segment_windows import moment_text


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """`subjects`, `profiles`: SQL of a set to keep to ("SELECT subject FROM .."); a verdict is right for profiles whose
    subjects are all in the set. `part` (i, n): the profiles whose hash leaves i of n. `known_at_ms`: only what had been
    received before. `identity`: who was who at `known_at_ms` (then), or now."""

    workspace: str = "main"
    database: str = ""
    subjects: str = ""
    profiles: str = ""
    part: tuple[int, int] = (0, 1)
    known_at_ms: int | None = None
    identity: Literal["now", "then"] = "now"

    @property
    def prefix(self) -> str:
        """Before the name of a table; empty: the client's database."""
        assert re.fullmatch(r"\w*", self.database), "the settings take plain names of databases alone"
        return f"{self.database}." if self.database else ""


class Asked:
    """One query being written: the instant, the scope, the parameters."""

    def __init__(self, at_ms: int, scope: Scope) -> None:
        self.at_ms = at_ms
        self.scope = scope
        self.parameters = Parameters()
        self.at = self.moment("at", at_ms)
        self.workspace = self.parameters.place("workspace", "String", scope.workspace)

    def moment(self, hint: str, ms: int) -> str:
        return self.parameters.place(hint, MOMENT, moment_text(ms))

    def table(self, name: str) -> str:
        return f"{self.scope.prefix}{name}"

    def visible(self, received: str = "received_at") -> list[str]:
        """Of rows with a time: this workspace's, before T, and known."""
        tests = [f"workspace = {self.workspace}", f"timestamp < {self.at}"]
        if self.scope.known_at_ms is not None:
            tests.append(f"{received} < {self.moment('known_at', self.scope.known_at_ms)}")
        return tests

    def kept(self, subject: str = "subject", profile: str = "profile") -> list[str]:
        """What the scope leaves of rows of a subject and its profile; either may be empty."""
        tests = []
        if self.scope.subjects and subject:
            tests.append(f"{subject} IN ({self.scope.subjects})")
        if self.scope.profiles and profile:
            tests.append(f"{profile} IN ({self.scope.profiles})")
        part, parts = self.scope.part
        if parts > 1 and profile:
            placed = [
                self.parameters.place(name, "UInt64", value)
                for name, value in (("parts", parts), ("part", part))
            ]
            tests.append(f"intHash64({profile}) % {placed[0]} = {placed[1]}")
        return tests


class Source(msgspec.Struct, frozen=True):
    """One branch of the query: rows of profiles with some columns. `sql` has COLUMNS where all columns of the query go."""

    title: str
    sql: str
    columns: dict[str, str]


COLUMNS = "/* columns */"


def where(tests: Sequence[str], indent: str = "    ") -> str:
    return f"{indent}WHERE " + f"\n{indent}  AND ".join(tests)
