"""`python tests/deploy/server_install.py COMMAND...`: `stitchline` as requirements.server.lock alone installs it.

Whatever the environment has besides cannot be imported. Making the real environment takes half a minute, so no test does it.
"""

import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.server.lock"
OURS = "stitchline"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path) -> dict[str, str]:
    """Distributions of a lock file and their versions."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE))


def hidden() -> frozenset[str]:
    """The top-level modules that no distribution of a server brings."""
    known = {*locked(LOCK), OURS}
    return frozenset(
        module
        for module, distributions in packages_distributions().items()
        if not known & {normal(name) for name in distributions}
    )


class Server(PathFinder):
    """Finds what Python finds, but for what is hidden."""

    modules = frozenset[str]()

    @classmethod
    def find_spec(cls, fullname, path=None, target=None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in cls.modules:
            return None
        return PathFinder.find_spec(fullname, path, target)


def main() -> None:
    Server.modules = hidden()
    sys.meta_path[:] = [Server if finder is PathFinder else finder for finder in sys.meta_path]
    sys.path[0] = str(ROOT)
    from deploy.cli import main as stitchline

    stitchline()


if __name__ == "__main__":
    main()
