"""Paths that a site chose for its collector, so that no list of blocked addresses knows them: which source has which. Pure.

Absent: what is done with a request there (collector/routes.py).
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from schemas.sources.sources import Source

CALLS, REDIRECT = "/v1", "/r"  # what a chosen prefix stands for

# What the first part of a chosen path must not be: all that the collector answers, or will.
RESERVED = frozenset(
    (
        *(
            "v1",
            "r",
            "w",
            "beacon",
            "sourceConfig",
            "pixel",
            "pixel.js",
            "privacy",
            "healthz",
            "livez",
            "ready",
        ),
        *("readyz", "metrics", "schemas", "subjects", "config"),
    )
)


class ChosenPaths(msgspec.Struct, frozen=True):
    """`scripts`: whose pixel a path is. `prefixes`: what the beginning of a path stands for."""

    scripts: Mapping[str, Source]
    prefixes: Mapping[str, str]

    def usual(self, path: str) -> str:
        """The collector's own name for a path beneath a chosen one, "" for any other."""
        return next(
            (
                own + path[len(chosen) :]
                for chosen, own in self.prefixes.items()
                if path.startswith(chosen + "/")
            ),
            "",
        )


def chosen_paths(sources: Iterable[Source]) -> ChosenPaths:
    known = list(sources)
    return ChosenPaths(
        scripts={source.paths.script: source for source in known if source.paths.script},
        prefixes={path: own for source in known for path, own in _prefixes(source)},
    )


def refuse_clashing_paths(sources: Iterable[Source]) -> None:
    """Raises ValueError, naming the sources, when a path is the collector's own or two uses of one meet.

    Sources may share a prefix for the same use: a call says whose it is by its key.
    """
    claims: list[tuple[str, str, str]] = []
    for source in sources:
        for path, use in _claims(source):
            _refuse_reserved(path, source.id)
            for other, its_use, owner in claims:
                if _meet(path, other) and not (path == other and use == its_use and use):
                    raise ValueError(
                        f"paths: {path} of source {source.id} and {other} of source {owner} meet: give each use a path that "
                        "is not another one's, or beneath it"
                    )
            claims.append((path, use, source.id))


def _refuse_reserved(path: str, source: str) -> None:
    parts = path.split("/")[1:]
    if parts[0] in RESERVED:
        raise ValueError(
            f"paths: {path} of source {source} begins with /{parts[0]}, which is the collector's own: choose another name"
        )
    if {".", ".."} & set(parts):
        raise ValueError(f"paths: {path} of source {source} has a part `.` or `..`, which browsers take out")


def _claims(source: Source) -> Iterator[tuple[str, str]]:
    """Each path with what may share it: "" for a script, which is one source's."""
    yield from _prefixes(source)
    if source.paths.script:
        yield source.paths.script, ""


def _prefixes(source: Source) -> Iterator[tuple[str, str]]:
    if source.paths.calls:
        yield source.paths.calls, CALLS
    if source.paths.redirect:
        yield source.paths.redirect, REDIRECT


def _meet(path: str, other: str) -> bool:
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
