"""Every mutant, and whether the tests see it: `make mutants`.

    python -m tests.mutants [--only TEXT]

Exit status 1 when one is not seen, 2 when one does not apply or tests fail without any.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import (
    DoesNotApply,
    Mutant,
    TestsDidNotRun,
    caught_by,
    copy_of_the_packages,
    failing_test,
)


def main() -> int:
    chosen = [mutant for mutant in MUTANTS if _options().only in mutant.name]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy_of_the_packages(Path(folder))
        try:
            return _judge(chosen, Path(folder))
        except (DoesNotApply, TestsDidNotRun) as error:
            _say(str(error))
            return 2


def _judge(chosen: list[Mutant], folder: Path) -> int:
    for mutant in chosen:
        mutant.applied()
    tests = tuple(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
    if failed := failing_test(tests, folder):
        _say(f"{failed} fails without any mutant")
        return 2
    survivors = 0
    for mutant in chosen:
        began = time.monotonic()
        test = caught_by(mutant, folder)
        survivors += test is None
        _say(
            f"{mutant.name}: {f'caught by {test}' if test else 'NOT CAUGHT'} ({time.monotonic() - began:.0f} s)"
        )
    _say(f"{len(chosen) - survivors} of {len(chosen)} mutants are caught")
    return 1 if survivors else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those whose names contain this")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
