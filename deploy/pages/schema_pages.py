"""The JSON Schemas of what is written in configuration files, by the name of the section or of the kind of action."""

from importlib.resources import files

from schemas.configuration.definition_schemas import action_kinds

_SECTIONS = ("campaigns", "contact_lists", "destinations", "mailers", "rules", "segments")


class NoSuchSchema(ValueError):
    """The text says which there are."""


def schema_text(what: str) -> str:
    """Raises NoSuchSchema."""
    if what in _SECTIONS:
        return (files("schemas") / what / "definition.schema.json").read_text()
    if what in action_kinds():
        return (files("schemas") / "actions" / f"{what}.schema.json").read_text()
    raise NoSuchSchema(
        f"there is no schema of {what}, but of {', '.join(_SECTIONS)} and of the actions {', '.join(action_kinds())}"
    )
