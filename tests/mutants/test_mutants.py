"""The list of mutants is up to date, and the short way through it: all of them are for `make mutants`."""

from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import ROOT, DoesNotApply, Mutant, caught_by, copy_of_the_packages

QUICK = ("an address belongs to who claimed it last", "whoever was linked first stays linked")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_code_that_is_there_and_stays_python(mutant: Mutant) -> None:
    compile(mutant.applied(), mutant.file, "exec")
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


def test_a_mutant_whose_code_is_gone_is_an_error() -> None:
    gone = Mutant("gone", "processors/identity/forest.py", (("no such text", ""),), ())
    with pytest.raises(DoesNotApply):
        gone.applied()


def test_tests_see_a_mutant_and_pass_without_one(tmp_path: Path) -> None:
    copy_of_the_packages(tmp_path)
    chosen = [mutant for mutant in MUTANTS if mutant.name in QUICK]
    story = "tests/processors/identity/test_stories.py::test_two_users_who_share_an_email_do_not_merge"
    harmless = Mutant(
        "harmless", "processors/identity/forest.py", (('"""The pointer', '"""A pointer'),), (story,)
    )
    assert caught_by(harmless, tmp_path) is None
    assert all(caught_by(mutant, tmp_path) for mutant in chosen)
