"""A cache of jars that are exactly those of a committed list: fetched by jgo, kept only when size and SHA-256 are right.

The list (`name sha256 bytes` a line, name = group:artifact:version) decides what runs, so nothing is resolved at run
time and a cache that is whole needs no network. Sums are checked on every start: 45 MB take a twentieth of a second,
which is less than any record of earlier checks would save. A new list is written by `python -m deploy.embedded.jars`.
"""

import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import msgspec

FETCHES_AT_ONCE = 6
ATTEMPTS = 3
TIMEOUT_S = 30

Say = Callable[[str], None]
Download = Callable[[str, Path], Path]
"""A jar's name and an empty folder -> the file, somewhere in the folder. Raises FetchFailed."""


class FetchFailed(Exception):
    """A jar could not be had, or is not the one of the list; the text says which and what to do."""


class Jar(msgspec.Struct, frozen=True):
    name: str
    sha256: str
    bytes: int

    @property
    def file_name(self) -> str:
        _, artifact, version = self.name.split(":")
        return f"{artifact}-{version}.jar"


def read_list(text: str) -> list[Jar]:
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return [Jar(name, sha256, int(size)) for name, sha256, size in lines]


def is_right(jar: Jar, path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != jar.bytes:
        return False
    return _sha256(path) == jar.sha256


def missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    """Those that are not there, or not as the list says."""
    return [jar for jar in jars if not is_right(jar, folder / jar.file_name)]


def fetch(jars: Sequence[Jar], folder: Path, download: Download, say: Say) -> list[Path]:
    """The jars' paths, in the list's order; fetches what is missing or broken. Raises FetchFailed."""
    if missing(jars, folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, say):
            _fetch_all(missing(jars, folder), folder, download, say)
    return [folder / jar.file_name for jar in jars]


def by_jgo(registry: str = "") -> Download:
    """Downloads from Maven's central registry, or from a mirror of it."""

    def download(name: str, folder: Path) -> Path:
        # Imported when something is fetched: a start with a whole cache does not pay for it.
        import requests
        from jgo.maven import MavenContext

        remotes = {"mirror": registry.rstrip("/")} if registry else None
        context = MavenContext(repo_cache=folder, local_repos=[], remote_repos=remotes, timeout=TIMEOUT_S)
        group, artifact, version = name.split(":")
        try:
            return context.project(group, artifact).at_version(version).artifact().resolve()
        except (requests.RequestException, RuntimeError, OSError) as error:
            raise FetchFailed(f"{name} could not be fetched ({error})") from error

    return download


def _fetch_all(jars: Sequence[Jar], folder: Path, download: Download, say: Say) -> None:
    total = sum(jar.bytes for jar in jars)
    say(f"fetching {len(jars)} jars ({total / 1e6:.0f} MB) into {folder}")
    done = 0
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
        running = {pool.submit(_fetch_one, jar, folder, download): jar for jar in jars}
        try:
            for number, finished in enumerate(as_completed(running), 1):
                finished.result()
                done += running[finished].bytes
                if number % 10 == 0 or number == len(jars):
                    say(f"fetched {number} of {len(jars)} jars, {done / 1e6:.0f} of {total / 1e6:.0f} MB")
        except FetchFailed:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch_one(jar: Jar, folder: Path, download: Download) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_once(jar, folder, download)
        except FetchFailed:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def _fetch_once(jar: Jar, folder: Path, download: Download) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        fetched = download(jar.name, Path(scratch))
        if not is_right(jar, fetched):
            raise FetchFailed(
                f"{jar.name} as fetched is not the file that this version was made with "
                f"({fetched.stat().st_size} bytes, SHA-256 {_sha256(fetched)}): a proxy or mirror may have changed it"
            )
        # Whole or not at all, also for a process that reads meanwhile.
        os.replace(fetched, folder / jar.file_name)


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """One process fetches, others wait for it; the lock goes with its process."""
    with (folder / ".lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that fetches into {folder}")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def resolve(coordinates: Sequence[str]) -> str:
    """A new list: what jgo resolves the coordinates to, with sizes and sums as fetched now.

    Each is resolved alone and the first to name a jar decides its version: resolved together, a later one's managed
    versions would change what the first was released with.
    """
    lines: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for coordinate in coordinates:
            for name, path in _resolve_one(coordinate, Path(scratch)):
                lines.setdefault(name.rpartition(":")[0], f"{name} {_sha256(path)} {path.stat().st_size}")
    return "\n".join(
        [
            "# Written by: python -m deploy.embedded.jars",
            *map("#   {}".format, coordinates),
            *sorted(lines.values()),
            "",
        ]
    )


def _resolve_one(coordinate: str, scratch: Path) -> Iterator[tuple[str, Path]]:
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=scratch, local_repos=[], timeout=TIMEOUT_S)
    inputs, others = context.resolver.resolve([context.create_dependency(coordinate)])
    for dependency in [*inputs, *(other for other in others if other.scope in ("compile", "runtime"))]:
        yield (
            f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}",
            dependency.artifact.resolve(),
        )


if __name__ == "__main__":
    sys.stdout.write(resolve(sys.argv[1:]))
