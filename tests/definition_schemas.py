"""Writes the JSON Schemas of definitions, as the structs make them: python -m tests.definition_schemas"""

from pathlib import Path

from schemas.configuration.definition_schemas import as_text, committed

FOLDER = Path(__file__).parents[1] / "schemas"


def write() -> None:
    for path, schema in committed().items():
        (FOLDER / path).write_text(as_text(schema))


if __name__ == "__main__":
    write()
