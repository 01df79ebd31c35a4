"""Nothing of Faust, mode or aiokafka is overridden or used in private that the contract does not list."""

import importlib.util
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from tests.runtime import (
    test_aiokafka_contract,
    test_faust_contract,
    test_faust_holes,
    test_faust_holes_in_state,
)
from tests.runtime.faust_contract import PROMISES, VERSIONS, Promise, listed
from tests.runtime.faust_names import (
    ROOT,
    Name,
    all_names,
    overridden,
    private_elsewhere,
    used_on_app,
    used_on_self,
)

METHODS = [promise for promise in PROMISES if promise.parameters]
UPGRADING = 'see "Upgrading" in docs/faust.md'


@pytest.mark.parametrize("package", VERSIONS)
def test_the_version_is_the_one_that_the_contract_was_written_against(package: str) -> None:
    assert version(package) == VERSIONS[package], UPGRADING


@pytest.mark.parametrize("package", VERSIONS)
def test_the_version_is_pinned_exactly(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"{package}=={VERSIONS[package]}" in project["dependencies"], UPGRADING


def test_every_name_that_our_code_uses_is_in_the_contract() -> None:
    """A new one is added to tests/runtime/faust_contract.py, with a test that shows what we rely on."""
    assert all_names() - listed() == set()


def test_every_name_of_the_contract_is_used() -> None:
    assert listed() - all_names() == set()


@pytest.mark.parametrize("promise", METHODS, ids=lambda promise: promise.name)
def test_an_overridden_method_has_the_parameters_that_we_know(promise: Promise) -> None:
    module, _, name = promise.owner.partition(":")
    method = getattr(getattr(importlib.import_module(module), name), promise.name)
    parameters = [name for name in inspect.signature(method).parameters if name != "self"]
    assert tuple(parameters) == promise.parameters


def test_every_promise_is_shown_by_a_test() -> None:
    tests = {*vars(test_faust_contract), *vars(test_aiokafka_contract)}
    assert {promise.shown_by for promise in PROMISES} - tests == set()


def test_every_hole_of_the_page_names_its_tests() -> None:
    page = (ROOT / "docs" / "faust.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ") and line.count("|") == 5]
    holes = rows[1:]
    tests = {*vars(test_faust_holes), *vars(test_faust_holes_in_state)}
    stock = {f"test_stock_faust_{name}" for row in holes for name in re.findall(r"`(\w+)`", row[3])}
    ours = {f"test_ours_{name}" for row in holes for name in re.findall(r"`(\w+)`", row[4])}
    assert stock | ours == {name for name in tests if name.startswith(("test_stock_", "test_ours_"))}
    assert len(stock) == len(holes)


SAMPLE = """
import faust
from faust.transport.drivers.aiokafka import Consumer

class Mine(Consumer):
    own = 1
    def commit(self):
        self._secret = self.own + self.beacon
        self._acked.clear()

def reach(app, thing):
    thing._coordinator.generation
    getattr(thing, "_fetcher")
    return app.rebalancing, thing.public
"""


def test_the_scan_finds_every_kind_of_name(tmp_path: Path) -> None:
    sample = loaded(tmp_path / "sample.py")
    consumer = "faust.transport.drivers.aiokafka:Consumer"
    assert set(overridden(sample)) == {Name(consumer, "commit")}
    assert set(used_on_self(sample)) == {Name(consumer, "beacon"), Name(consumer, "_acked")}
    assert set(private_elsewhere(sample)) == {Name("", "_coordinator"), Name("", "_fetcher")}
    assert set(used_on_app(sample)) == {Name("app", "rebalancing")}


def loaded(path: Path) -> ModuleType:
    path.write_text(SAMPLE)
    spec = importlib.util.spec_from_file_location("sample", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
