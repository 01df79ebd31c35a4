"""What a JSON Schema cannot say of a destination: that it is one of three, and what its own default actions are."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from schemas.actions.actions import Action
from schemas.configuration.definition_schemas import schema_of
from schemas.definitions.definition_shape import Shape
from schemas.definitions.problems import Problem
from schemas.rules.default_actions import defaults, own_action
from schemas.rules.default_names import MARK, NAME_CHARS_MAX, default_name
from schemas.rules.rule_checks import action_problems, header_problems
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
    if "http" in said:
        yield from _of_http(said["http"])
    if "smtp" in said and not said["smtp"]["from"].isprintable():
        yield Problem("smtp.from", "a line break or another control character: take it out")
    if MARK in said["destination"]:
        yield Problem("destination", f"names with {MARK} are those of default actions: take another one")
    yield from _of_defaults(said)


def _of_topic(topic: str) -> Iterator[Problem]:
    own = {each.name for each in TOPICS}
    if topic in own or any(topic.endswith(changelog("", agent).name) for agent in AGENTS):
        yield Problem("kafka.topic", f"{topic} is a topic of Stitchline's own: take another one")


def _of_http(said: dict[str, Any]) -> Iterator[Problem]:
    if not _has_host(said["url"]):
        yield Problem(
            "http.url",
            "no address of a host, with a port from 1 to 65535 if any: write https://crm.example/hooks",
        )
    yield from header_problems("http.headers", said.get("headers", {}))
    yield from header_problems("http.secret_headers", said.get("secret_headers", {}))
    names = {name.lower() for name in said.get("headers", {})}
    for name in said.get("secret_headers", {}):
        if name.lower() in names:
            yield Problem(f"http.secret_headers.{name}", "it stands under headers too: leave one of them")
    for name, value in said.get("headers", {}).items():
        if not value.replace("\t", " ").isprintable():
            yield Problem(f"http.headers.{name}", "a line break or another control character: take it out")


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        labels = (parts.hostname or "").removesuffix(".").split(".")
        return all(labels) and parts.port != 0
    except ValueError:
        return False


def _of_defaults(said: dict[str, Any]) -> Iterator[Problem]:
    if said.get("actions") and not said.get("default_actions"):
        yield Problem("actions", "they take the place of default actions: say `default_actions: true` too")
    if said.get("default_actions") and "smtp" in said:
        yield Problem("default_actions", "there are none for mail: write rules with the action email")
    if said.get("default_actions"):
        yield from _of_names(said)
    for event, action in said.get("actions", {}).items():
        for problem in _of_action(said["destination"], action):
            yield Problem(f"actions.{event}{problem.place}", problem.what)


def _of_names(said: dict[str, Any]) -> Iterator[Problem]:
    names: dict[str, str] = {}
    for event in dict.fromkeys([*defaults().actions, *said.get("actions", {})]):
        name = default_name(said["destination"], event)
        if len(name) > NAME_CHARS_MAX:
            yield Problem(
                "destination",
                f"its rule {name} would have {len(name)} characters, at most {NAME_CHARS_MAX}: take a shorter name",
            )
            return
        if name in names or name.endswith(MARK):
            yield Problem(
                f"actions.{event}",
                f"its rule would be called {name}, as the one of {names.get(name, 'no event')}: write a rule",
            )
        names[name] = event


def _of_action(destination: str, action: Any) -> Iterator[Problem]:
    if action is None:
        return
    said = own_action(destination, action)
    wrong = list(_shape().problems(said)) or list(action_problems(said))
    yield from (Problem(f".{place}" if place != "its top" else "", what) for place, what in wrong)
    if wrong:
        return
    kind, each = next(iter(said.items()))
    if each.get("destination", destination) != destination:
        yield Problem(f".{kind}.destination", f"an action of {destination} goes to it: take this out")


@cache
def _shape() -> Shape:
    return Shape(schema_of(Action), several="an action does one thing: leave one of them")
