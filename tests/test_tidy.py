"""The house rules that a machine can check."""

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.settings_page import page
from schemas.codec import SCHEMAS
from schemas.topics import TOPICS

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "runtime", "collector", "processors", "sinks", "console", "deploy")
MODULES = sorted(path for name in (*PACKAGES, "tests") for path in (ROOT / name).rglob("*.py"))
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    assert len(source.splitlines()) <= MODULE_LINES_MAX
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno < FUNCTION_LINES_MAX, node.name


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
