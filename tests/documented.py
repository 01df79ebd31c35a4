"""Configuration that the documentation shows, for the tests that hold it to its word."""

from pathlib import Path

EVENTS = Path(__file__).parents[1] / "docs" / "events.md"


def plan_of_the_documentation() -> str:
    """The YAML of docs/events.md: a source `magazine` with a plan."""
    return EVENTS.read_text().partition("```yaml\n")[2].partition("```")[0]
