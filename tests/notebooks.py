"""`python -m tests.notebooks`: runs the example notebook on a small shop and writes its answers into it.

Its cells are run one after the other, as Jupyter runs them: what a cell's last line gives is its answer. Without Jupyter, whose
kernel is a hundred megabytes; hence no magic commands in it.
"""

import ast
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.deploy.story import stored
from tests.engines import embedded_clickhouse
from tests.sinks.stage import Tables

NOTEBOOK = Path(__file__).parents[1] / "deploy" / "examples" / "notebook" / "people.ipynb"
FORMS = {"text/html": "_repr_html_", "image/svg+xml": "_repr_svg_"}


def with_answers(notebook: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The same notebook with the answers that its cells give now. Raises what a cell raises."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with _environ(environ):
        cells = [_run(cell, names) if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    for number, cell in enumerate((cell for cell in cells if cell["cell_type"] == "code"), 1):
        cell["execution_count"] = number
        for output in cell["outputs"]:
            output["execution_count"] = number
    return notebook | {"cells": cells}


def _run(cell: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    tree = ast.parse("".join(cell["source"]), cell["id"])
    last = ast.Expression(end.value) if isinstance(end := tree.body[-1], ast.Expr) else None
    del tree.body[len(tree.body) - (last is not None) :]
    exec(compile(tree, cell["id"], "exec"), names)  # noqa: S102 - our own notebook
    given = eval(compile(last, cell["id"], "eval"), names) if last else None  # noqa: S307 - as above
    return cell | {"outputs": [_answer(given)] if given is not None else []}


def _answer(given: object) -> dict[str, Any]:
    shown = {form: getattr(given, method)() for form, method in FORMS.items() if hasattr(given, method)}
    data = {
        form: text.splitlines(keepends=True) for form, text in {**shown, "text/plain": repr(given)}.items()
    }
    return {"output_type": "execute_result", "metadata": {}, "data": data}


@contextmanager
def _environ(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def environ_of(tables: Tables) -> dict[str, str]:
    return {"CLICKHOUSE_URL": tables.settings.url, "STITCHLINE_DATABASE": tables.settings.database}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, embedded_clickhouse(Path(folder)) as url:
        tables = Tables(url, "stitchline")
        stored(tables)
        notebook = with_answers(json.loads(NOTEBOOK.read_text()), environ_of(tables))
        tables.client.close()
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
