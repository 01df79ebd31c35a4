"""What the documentation shows as an example, for the tests that hold it to its word."""

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
EVENTS = DOCS / "events.md"


def plan_of_the_documentation() -> str:
    """The YAML of docs/events.md: a source `magazine` with a plan."""
    return _first("yaml")


def violations_of_the_documentation() -> str:
    """The SQL of docs/events.md."""
    return _first("sql")


def _first(language: str) -> str:
    return EVENTS.read_text().partition(f"```{language}\n")[2].partition("```")[0]


def yaml_of_the_documentation(page: str) -> list[str]:
    """All of a page."""
    return [part.partition("```")[0] for part in (DOCS / page).read_text().split("```yaml\n")[1:]]


def sql_of_the_documentation(page: str) -> list[str]:
    """All statements of a page."""
    blocks = [part.partition("```")[0] for part in (DOCS / page).read_text().split("```sql\n")[1:]]
    return [statement for block in blocks for statement in block.split(";") if statement.strip()]


def table_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, row by row, without its head."""
    under = (DOCS / page).read_text().partition(f"## {heading}\n")[2]
    lines = under[under.index("\n|") :].strip().split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
