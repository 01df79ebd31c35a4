"""Compiles the modules that take the time: `python -m deploy.compiling`, which `make setup` runs.

Cython makes C of the sources as they stand, without a type or a word for it in them, and the machine's C compiler makes
libraries of that: half a minute for all. What it is told of some of them stands beside them, in a file `.pxd`. Each is made once
for each state of its source (schemas/compiled.py). Where there is no C compiler nothing is made and everything runs interpreted;
that is said, and is no fault.

Deliberately absent: imports of anything but Cython and setuptools, with which alone an image is built; modules of which a
hundredth of the time or less is spent; and whatever waits for others, which compiling does not make sooner.
"""

import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from schemas.compiled import FOLDER, ROOT, SUFFIX, library, origin_of, source_of, taken_types, types_of

# By what the interpreter does for an event (docs/benchmarks.md): up to resolved 95 hundredths of the
# resolver's step, then identity, commerce, the matching of rules and the collector.
_MODULES = {
    "schemas.events": "network",
    "schemas.identity": "identifiers",
    "schemas.values": "json_values",
    "schemas.wire": "avro stamp_codec",
    "processors.resolver": "resolve duplicates visitor_values resolved hints",
    "processors.events": "addresses parsed times mentions blocked ledger",
    "processors.enrichment": "enrichment context device place clock bots channel arrivals semantics plans commerce money "
    "visits visit_state",
    "processors.identity": "known facts identity forest timeline node_state settled",
    "processors.commerce": "commerce_facts commerce_outbox told_products commerce_agent carts products",
    "processors.rules": "resolved_peek resolved_reader rule_view rule_values rule_operators rule_paths rule_filters "
    "rule_compiling rule_events rule_matching rule_index rule_outbox",
    "collector.http": "head incoming parsing peer",
    "collector": "reception answering meter heads privacy cors posting publisher tickets exchange "
    "body guard intake sender packing routing visitor holding unsettled gathering connection credentials",
    "sinks.storing": "paths objects columns",
}
MODULES = tuple(f"{folder}.{name}" for folder, names in _MODULES.items() for name in names.split())
OPTIONS = ("-O2", "-g0", "-w")
DIRECTIVES = {
    "language_level": "3",
    "annotation_typing": False,
}  # annotations are for mypy: Python heeds none


class NotCompiled(Exception):
    """Why modules stay interpreted."""


def brought_up_to_date(modules: Sequence[str], root: Path = ROOT, folder: Path = FOLDER) -> int:
    """How many had to be compiled, so that all are. Raises NotCompiled."""
    wanted = [name for name in modules if not _library(name, root, folder).exists()]
    if wanted:
        require_compiler()
        with tempfile.TemporaryDirectory(prefix="compiling-") as scratch:
            _compile(wanted, root, Path(scratch), folder)
        _sweep({_library(name, root, folder) for name in modules}, folder)
    return len(wanted)


def _library(name: str, root: Path, folder: Path) -> Path:
    return library(name, origin_of(name, root), folder)


def require_compiler() -> None:
    """Raises NotCompiled where there is none."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        raise NotCompiled(f"there is no C compiler ({compiler})")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        raise NotCompiled(f"Python's headers for C are not installed ({header})")


def _compile(names: Sequence[str], root: Path, scratch: Path, folder: Path) -> None:
    """Of copies: a source may be edited meanwhile."""
    from Cython.Build import cythonize
    from Cython.Compiler.Errors import CompileError
    from setuptools import Distribution, Extension
    from setuptools.errors import BaseError, CCompilerError

    sources = [
        Extension(name, [_copied(name, root, scratch)], extra_compile_args=[*OPTIONS]) for name in names
    ]
    try:
        made = cythonize(
            sources,
            include_path=[str(scratch)],
            compiler_directives=DIRECTIVES,
            build_dir=f"{scratch}/c",
            quiet=True,
        )
        command = Distribution({"ext_modules": made}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = f"{scratch}/lib", f"{scratch}/o"
        command.parallel = os.cpu_count()
        command.ensure_finalized()
        command.run()
    except (BaseError, CCompilerError, CompileError) as error:
        raise NotCompiled(f"compiling failed: {error}") from error
    folder.mkdir(exist_ok=True)
    for name in names:
        _take_over(Path(command.get_ext_fullpath(name)), _library(name, scratch, folder))


def _copied(name: str, root: Path, scratch: Path) -> str:
    """With what the compiler is told beside it, and the modules whose types that takes."""
    copy = source_of(name, scratch)
    copy.parent.mkdir(parents=True, exist_ok=True)
    for package in copy.relative_to(scratch).parents[:-1]:
        (scratch / package / "__init__.py").touch()  # by which Cython knows a package
    shutil.copyfile(source_of(name, root), copy)
    if types_of(name, root).exists():
        shutil.copyfile(types_of(name, root), types_of(name, scratch))
        for other in taken_types(types_of(name, scratch).read_bytes()):
            _copied(other, root, scratch)
    return str(copy)


def _take_over(made: Path, kept: Path) -> None:
    """Under its name there is all of it or nothing, whoever looks meanwhile."""
    unfinished = kept.with_suffix(f".{os.getpid()}")
    shutil.copyfile(made, unfinished)
    unfinished.replace(kept)


def _sweep(kept: set[Path], folder: Path) -> None:
    """Away with what was compiled of sources that are no more."""
    for path in folder.glob(f"*{SUFFIX}"):
        if path not in kept:
            path.unlink(missing_ok=True)


def main() -> None:
    began = time.monotonic()
    try:
        count = brought_up_to_date(MODULES)
    except NotCompiled as reason:
        _say(
            f"not compiled, {reason}: everything works, but the processors take a third longer, and ClickHouse a seventh"
        )
        return
    if count:
        _say(f"compiled {count} modules in {time.monotonic() - began:.0f} s")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
