"""Rules that nobody wrote: what a destination does of itself with events of known names, by the table actions/defaults.yaml.

A destination with `default_actions: true` has one rule of the project's level for each name in the table, called
DESTINATION--event-name; its own `actions` put another action in a default one's place, or none, and may add names. An HTTP
destination gets webhooks, a Kafka destination records; both say the same.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from schemas.actions.actions import Action, KafkaAction, WebhookAction
from schemas.actions.destinations import Destination, decode_destination
from schemas.rules.default_names import default_name
from schemas.rules.rules import Rule, Trigger
from schemas.segments.segments import Selection

_NAMED = ("webhook", "http", "email", "kafka")  # actions that go to a destination


class Default(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    data: dict[str, Any]


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By event name; `message`: what each says besides its type and data."""

    actions: dict[str, Default]
    message: dict[str, Any]


@cache
def defaults() -> Defaults:
    return msgspec.convert(
        yaml.safe_load((files("schemas") / "actions" / "defaults.yaml").read_text()), Defaults
    )


def implied_rules(destination: Destination) -> list[Rule]:
    """Raises msgspec.ValidationError for actions that no `apply` has checked."""
    if not destination.default_actions:
        return []
    table = defaults().actions
    names = [*table, *(name for name in destination.actions if name not in table)]
    made = ((name, _action(destination, name)) for name in names)
    return [_rule(destination, name, action) for name, action in made if action is not None]


def decode_usable(document: bytes) -> Destination:
    """Raises msgspec.DecodeError also when its default actions cannot be made."""
    destination = decode_destination(document)
    implied_rules(destination)
    return destination


def own_action(destination: str, said: Any) -> Any:
    """An entry of `Destination.actions` as it is meant: where it goes to need not be said."""
    if not isinstance(said, dict):
        return said
    return {
        kind: {"destination": destination, **each} if kind in _NAMED and isinstance(each, dict) else each
        for kind, each in said.items()
    }


def _action(destination: Destination, event: str) -> Action | None:
    if event in destination.actions:
        said = own_action(destination.destination, destination.actions[event])
        return None if said is None else msgspec.convert(said, Action)
    default = defaults().actions[event]
    body = {"type": default.type, **defaults().message, "data": default.data}
    if destination.kafka is not None:
        return Action(kafka=KafkaAction(destination.destination, value=body))
    return Action(webhook=WebhookAction(destination.destination, type=default.type, body=body))


def _rule(destination: Destination, event: str, action: Action) -> Rule:
    return Rule(
        rule=default_name(destination.destination, event),
        workspace=destination.workspace,
        trigger=Trigger(event=Selection(event)),
        action=action,
        description=f"default action of {destination.destination} for {event}",
    )
