"""The example dbt project: its models, rendered as dbt renders them, run on the shop's tables and read what is a source.

dbt itself is not among the tests' dependencies, being larger than all of them: deploy/examples/dbt/README.md says how it was
tried.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import pytest

from tests.deploy.story import stored
from tests.pages import DBT_SOURCES
from tests.sinks.stage import Tables

PROJECT = DBT_SOURCES.parents[1]
MODELS = sorted(DBT_SOURCES.parent.glob("*.sql"))
DAYS = 11


@pytest.fixture(scope="module")
def shop(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    stored(tables)
    yield tables
    tables.client.close()


def read(path: Path) -> Any:
    return msgspec.yaml.decode(path.read_bytes())


def rendered(model: Path, *, this: str = "") -> tuple[str, dict[str, Any]]:
    """The SQL and the configuration; `this` is the model's table, where it is there already."""
    sources = {table["name"] for table in read(DBT_SOURCES)["sources"][0]["tables"]}
    said: dict[str, Any] = {}

    def source(name: str, table: str) -> str:
        assert (name, table in sources) == ("stitchline", True)
        return table

    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(model.read_text())  # noqa: S701 - SQL, no page
    sql = template.render(
        config=lambda **more: said.update(more) or "",
        source=source,
        is_incremental=lambda: bool(this),
        this=this,
    )
    return sql, said


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_a_model_runs_at_first_and_again(shop: Tables, model: Path) -> None:
    sql, said = rendered(model)
    shop.client.command(f"CREATE TABLE {model.stem} ENGINE = MergeTree ORDER BY {said['order_by']} AS {sql}")
    first = shop.row(f"SELECT count() FROM {model.stem}")  # noqa: S608 - a file of ours
    assert first > (0,)
    again, _ = rendered(model, this=model.stem)
    assert 0 < len(shop.rows(again)) <= first[0]


def test_what_the_models_say_is_right(shop: Tables) -> None:
    by_name = {model.stem: rendered(model)[0] for model in MODELS}
    revenue = shop.row(f"SELECT sum(orders), sum(revenue) FROM ({by_name['daily_revenue']})")  # noqa: S608 - as above
    assert revenue == (15, 570)
    events = f"SELECT sum(events), uniqExact(day) FROM ({by_name['daily_events']})"  # noqa: S608 - as above
    assert shop.row(events) == (125, DAYS)


def test_every_model_is_described_and_every_description_is_of_a_model() -> None:
    described = {model["name"] for model in read(PROJECT / "models" / "models.yml")["models"]}
    assert described == {model.stem for model in MODELS}


def test_the_project_names_its_profile() -> None:
    project, profiles = read(PROJECT / "dbt_project.yml"), read(PROJECT / "profiles.yml")
    target = profiles[project["profile"]]
    assert target["outputs"][target["target"]]["type"] == "clickhouse"
