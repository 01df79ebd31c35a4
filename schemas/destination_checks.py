"""What a JSON Schema cannot say of a destination: that it is one of three, and what its own default actions are."""

from collections.abc import Iterator
from typing import Any, Final

from schemas.default_names import MARK, NAME_CHARS_MAX, default_name
from schemas.segment_checks import Problem
from schemas.topics import AGENTS, TOPICS, changelog

KINDS: Final = ("http", "smtp", "kafka")


def destination_problems(said: dict[str, Any]) -> Iterator[Problem]:
    """Of a mapping whose shape is right."""
    given = [kind for kind in KINDS if kind in said]
    if len(given) != 1:
        here = (
            f"here are {' and '.join(given)}: make a destination of its own of each"
            if given
            else "here is none"
        )
        yield Problem("its top", f"exactly one of {', '.join(KINDS)} is given; {here}")
    if "kafka" in said:
        yield from _of_topic(said["kafka"]["topic"])
    if MARK in said["destination"]:
        yield Problem("destination", f"names with {MARK} are those of default actions: take another one")
    yield from _of_defaults(said)


def _of_topic(topic: str) -> Iterator[Problem]:
    own = {each.name for each in TOPICS}
    if topic in own or any(topic.endswith(changelog("", agent).name) for agent in AGENTS):
        yield Problem("kafka.topic", f"{topic} is a topic of Stitchline's own: take another one")


def _of_defaults(said: dict[str, Any]) -> Iterator[Problem]:
    if said.get("actions") and not said.get("default_actions"):
        yield Problem("actions", "they take the place of default actions: say `default_actions: true` too")
    if said.get("default_actions") and "smtp" in said:
        yield Problem("default_actions", "there are none for mail: write rules with the action email")
    for event in said.get("actions", ()):
        if len(name := default_name(said["destination"], event)) > NAME_CHARS_MAX:
            yield Problem(
                "destination",
                f"the rule {name} would have {len(name)} characters, at most {NAME_CHARS_MAX}: shorten the destination's name",
            )
