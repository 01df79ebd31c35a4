"""Compiled modules: where one was made of exactly the source that is there, it is imported in the source's place.

`make setup` compiles the modules that take the time, where it finds a C compiler (deploy/compiling.py). A compiled module is a
file of its own in `.compiled`, beside the packages, and its name has the digest of the source that it was made of. So an edited
source and a library of what it was before never meet: the edited module runs interpreted until it is compiled again. What the
sources say is what counts; that both do the same is tested (tests/processors/test_compiled_steps.py).

Beside some sources stands a file `.pxd`, which says to the compiler alone what is a number of C. A module whose `.pxd` takes
types of another one's is made of that one's source too: an edited source takes all that know its types along.

`python -X interpreted` takes none of them, as if they were not there; `.compiled` may be removed at any time.
"""

import re
import sys
from collections.abc import Sequence
from hashlib import blake2b
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".compiled"
PACKAGES = ("schemas.", "processors.", "collector.", "sinks.")
RECIPE = b"Cython 3.3.1, options 1"  # what else decides what is made of a source; another one: all is compiled anew
_TAKEN = re.compile(rb"^(?:from ([\w.]+) cimport |cimport ([\w.]+) as )", re.MULTILINE)
SUFFIX = EXTENSION_SUFFIXES[0]  # of this version of Python on this platform


def library(module: str, origin: bytes, folder: Path = FOLDER) -> Path:
    """The file of a module that was compiled of this."""
    return folder / f"{module}-{blake2b(RECIPE + origin, digest_size=8).hexdigest()}{SUFFIX}"


def source_of(module: str, root: Path = ROOT) -> Path:
    return root / f"{module.replace('.', '/')}.py"


def types_of(module: str, root: Path = ROOT) -> Path:
    """Where it stands what the compiler is told, for the few modules that have it."""
    return source_of(module, root).with_suffix(".pxd")


def origin_of(module: str, root: Path = ROOT) -> bytes:
    """All that a module is compiled of. Raises FileNotFoundError: a package, or nothing at all."""
    source = source_of(module, root).read_bytes()
    try:
        types = types_of(module, root).read_bytes()
    except FileNotFoundError:
        return source
    return b"".join((source, types, *(origin_of(name, root) for name in taken_types(types))))


def taken_types(types: bytes) -> list[str]:
    """The modules of ours whose types are taken by this."""
    found = [(one or other).decode() for one, other in _TAKEN.findall(types)]
    return [name for name in found if name.startswith(PACKAGES)]


class CompiledFinder:
    """Finds what was compiled of the present sources; for everything else the next finder is asked."""

    def __init__(self, root: Path = ROOT, folder: Path = FOLDER) -> None:
        self._root, self._folder = root, folder

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(PACKAGES):
            return None
        try:
            origin = origin_of(name, self._root)
        except FileNotFoundError:
            return None
        compiled = library(name, origin, self._folder)
        if not compiled.exists():
            return None
        return spec_from_file_location(name, compiled, loader=ExtensionFileLoader(name, str(compiled)))


def take_compiled() -> None:
    """From now on. The packages call it themselves, before a module of theirs is imported."""
    is_there = any(isinstance(finder, CompiledFinder) for finder in sys.meta_path)
    if not is_there and "interpreted" not in sys._xoptions and FOLDER.is_dir():
        sys.meta_path.insert(0, CompiledFinder())


def is_compiled(module: ModuleType) -> bool:
    return (module.__file__ or "").endswith(SUFFIX)
