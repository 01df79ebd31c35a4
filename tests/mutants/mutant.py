"""One mutant: a small wrong change, put into a copy of the packages, and whether tests of ours see it.

The copy holds what may be changed; everything else is a link to the real thing. Hypothesis draws the same examples each time and
does not look for the smallest one: that a mutant is seen is enough.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
COPIED = ("console", "deploy", "processors", "runtime", "schemas", "sinks")
LINKED = ("collector", "tests", "pyproject.toml", "node_modules")
TESTS_FAILED = 1  # pytest's exit status; every other one but 0 means that the tests did not run


class DoesNotApply(Exception):
    """The code that a mutant changes is not there any more, or not once: bring tests/mutants/catalogue.py up to date."""


class TestsDidNotRun(Exception):
    """pytest ended in another way than with passed or failed tests; the text is what it said."""


class Mutant(msgspec.Struct, frozen=True):
    """In `file`, each pair's first text becomes the second. `tests`: files or test ids, the quick ones first."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]

    def applied(self) -> str:
        """The file's new text. Raises DoesNotApply."""
        source = (ROOT / self.file).read_text()
        for old, new in self.changes:
            if source.count(old) != 1:
                raise DoesNotApply(f"{self.name}: {self.file} has {source.count(old)} times {old!r}")
            source = source.replace(old, new)
        return source


def copy_of_the_packages(folder: Path) -> None:
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)


def caught_by(mutant: Mutant, folder: Path) -> str | None:
    """The test that fails in a copy with this mutant, None when none does. Raises DoesNotApply or TestsDidNotRun."""
    path = folder / mutant.file
    path.write_text(mutant.applied())
    try:
        return failing_test(mutant.tests, folder)
    finally:
        shutil.copyfile(ROOT / mutant.file, path)


def failing_test(tests: tuple[str, ...], folder: Path) -> str | None:
    """The first of these tests that fails in the copy."""
    # -B: a compiled file is told from its source by seconds and size, and mutants come quicker than that.
    argv = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
    ]
    hasty = ["-p", "tests.mutants.hasty", "--hypothesis-profile=hasty"]
    many = {"STITCHLINE_TEST_EXAMPLES": "200", "STITCHLINE_SEGMENT_EXAMPLES": "12"}
    environ = {**os.environ, "CI": "1", "PYTHONPATH": str(folder), **many}
    ran = subprocess.run([*argv, *hasty, *tests], cwd=folder, env=environ, capture_output=True, text=True)
    if ran.returncode not in (0, TESTS_FAILED):
        raise TestsDidNotRun(ran.stdout + ran.stderr)
    failed = [line for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    if ran.returncode and not failed:  # what a test needs could not be made
        raise TestsDidNotRun(ran.stdout + ran.stderr)
    return failed[0].removeprefix("FAILED ").split(" - ")[0] if failed else None
