"""What the documentation shows as an example, for the tests that hold it to its word."""

from pathlib import Path

EVENTS = Path(__file__).parents[1] / "docs" / "events.md"


def plan_of_the_documentation() -> str:
    """The YAML of docs/events.md: a source `magazine` with a plan."""
    return _first("yaml")


def violations_of_the_documentation() -> str:
    """The SQL of docs/events.md."""
    return _first("sql")


def _first(language: str) -> str:
    return EVENTS.read_text().partition(f"```{language}\n")[2].partition("```")[0]
