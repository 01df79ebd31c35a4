"""The example notebook: a valid one, whose answers are those that it gives."""

import json
import re
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest

from tests.deploy.story import stored
from tests.notebooks import NOTEBOOK, environ_of, with_answers
from tests.sinks.stage import Tables


@pytest.fixture(scope="module")
def shop(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    stored(tables)
    yield tables
    tables.client.close()


def notebook() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(NOTEBOOK.read_text())
    return found


def answers(cells: list[dict[str, Any]]) -> dict[str, str]:
    return {
        cell["id"]: "".join(output["data"]["text/plain"])
        for cell in cells
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    }


def test_it_is_a_valid_notebook() -> None:
    nbformat.validate(notebook(), version=4)


def test_it_needs_nothing_but_python() -> None:
    source = "".join(
        line for cell in notebook()["cells"] if cell["cell_type"] == "code" for line in cell["source"]
    )
    assert not re.search(r"^\s*[%!]", source, re.MULTILINE)
    assert set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)) == {
        "html",
        "os",
        "clickhouse_connect",
    }


def test_its_answers_are_those_that_it_gives(shop: Tables) -> None:
    """Mend it with: .venv/bin/python -m tests.notebooks"""
    ran = with_answers(notebook(), environ_of(shop))
    assert ran == notebook()


def test_its_answers_are_right(shop: Tables) -> None:
    found = answers(notebook()["cells"])
    assert found["people"].splitlines()[1] == "40 | 15 | 5 | 125"
    assert found["funnel"].splitlines() == ["viewed 40", "added 20", "ordered 15"]
    customers = [line.split(" | ") for line in found["segment"].splitlines()[1:]]
    assert [line[:3] for line in customers] == [["members", "10", "10"], ["others", "5", "5"]]
    revenue = float(sum(20 + number for number in range(40) if number % 4 == 0 or number % 8 == 2))
    shares = [
        [float(value) for value in line.split(" | ")[1:]] for line in found["attribution"].splitlines()[1:]
    ]
    assert [round(sum(share), 1) for share in zip(*shares, strict=True)] == [revenue] * 3
