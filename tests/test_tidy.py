"""The house rules that a machine can check."""

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.pages.settings_page import page
from schemas.topics import TOPICS
from schemas.wire.codec import SCHEMAS

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "runtime", "collector", "processors", "sinks", "console", "deploy")
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50


@pytest.mark.parametrize("name", [*PACKAGES, "tests"])
def test_modules_are_short_and_say_what_they_are_for(name: str) -> None:
    modules = sorted((ROOT / name).rglob("*.py"))
    assert modules
    assert [untidy for path in modules for untidy in untidies(path)] == []


def untidies(path: Path) -> list[str]:
    """What the module must mend."""
    source, name = path.read_text(), str(path.relative_to(ROOT))
    tree = ast.parse(source)
    lines = len(source.splitlines())
    found = [] if ast.get_docstring(tree) else [f"{name} does not say what it is for"]
    if lines > MODULE_LINES_MAX:
        found.append(f"{name} has {lines} lines")
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return found + [
        f"{name}: {node.name} has {FUNCTION_LINES_MAX} lines or more"
        for node in functions
        if (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX
    ]


def test_what_is_untidy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "long.py"
    path.write_text("def long() -> None:\n" + "    print()\n" * MODULE_LINES_MAX)
    assert untidies(path) == [
        "long.py does not say what it is for", "long.py has 301 lines", "long.py: long has 50 lines or more",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PACKAGES)
def test_an_import_name_is_ours_alone(name: str) -> None:
    """Our names are common words: no other distribution in the environment may claim one."""
    assert set(packages_distributions().get(name, ["stitchline"])) == {"stitchline"}


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    """Mend it with: stitchline settings > docs/settings.md"""
    assert (ROOT / "docs" / "settings.md").read_text() == page() + "\n"


def test_every_public_topic_has_a_schema_that_is_served() -> None:
    known = {schema.subject for schema in SCHEMAS}
    assert {topic.subject for topic in TOPICS if topic.subject} == known


def test_schema_ids_are_never_reused() -> None:
    assert [schema.id for schema in SCHEMAS] == list(range(1, len(SCHEMAS) + 1))


def test_every_migration_has_a_number_of_its_own_in_order() -> None:
    names = sorted(path.name for path in (ROOT / "schemas" / "clickhouse").glob("*.sql"))
    assert [int(name.split("_")[0]) for name in names] == list(range(1, len(names) + 1))
