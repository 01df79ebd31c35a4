"""Names of hosts that are too wide for a source: `*.com` would let in everybody's pages, and redirect to them. Pure.

What a registry's name is says the Public Suffix List. Absent: those of platforms (`*.github.io`), under which one's own pages
may well stand, and origins that are no names.
"""

from collections.abc import Iterator

from processors.enrichment.hosts import is_registrys
from schemas.sources.sources import Source


def refuse_wide_names(source: Source) -> None:
    """Raises ValueError."""
    for setting, written in _written(source):
        name = written.rpartition("://")[2].partition(":")[0]
        if name.startswith("*.") and is_registrys(name[2:]):
            raise ValueError(
                f"{setting} of source {source.id}: {written!r} is every site below {name[1:]}, whoever it belongs to: name your "
                f"own, as *.shop{name[1:]}"
            )


def _written(source: Source) -> Iterator[tuple[str, str]]:
    yield from (("allowed_origins", origin) for origin in source.allowed_origins)
    yield from (("redirect_domains", domain) for domain in source.redirect_domains)
    yield from (("pixel.domains", domain) for domain in source.pixel.domains)
