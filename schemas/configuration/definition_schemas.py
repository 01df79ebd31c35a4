"""JSON Schemas (2020-12) of what is written under `rules:`, `destinations:` and the like, made from the structs that it becomes.

They are committed beside the structs (`rules/definition.schema.json` and so on), so that editors and other programs can have
them; a test compares. Filters, selections, traits and durations are those of segments, by that schema's own parts. Each
description says what is expected at its place: refusals quote it (definition_shape.py).

Deliberately absent: what a schema cannot say (rule_checks.py, destination_checks.py).
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from msgspec import inspect

from schemas.actions.actions import Action, HttpAction
from schemas.actions.destinations import Destination
from schemas.contacts.contact_lists import Campaign, ContactList, ListedBy, Mailer
from schemas.rules.rules import Rule, TraitTrigger, Trigger, ValueTest
from schemas.segments.segments import Filter, Selection, Trait

Schema = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
DESCRIPTION_CHARS_MAX: Final = 2_000
TEXT_CHARS_MAX: Final = 100_000  # of a template
ITEMS_MAX: Final = 200

# Structs that segments have too, and what their schema calls them.
_OF_SEGMENTS: Mapping[type, str] = {Filter: "filter", Selection: "selection", Trait: "trait"}
_ONE_OF: Mapping[type, str] = {Trigger: "a trigger", Action: "an action"}
_FIELDS: Mapping[str, Schema] = {
    "within": {"$ref": "#/$defs/duration"},
    "delay": {"$ref": "#/$defs/duration"},
    "expires_after": {"$ref": "#/$defs/duration"},
    "timezone": {"$ref": "#/$defs/zone"},
    "or_timezone": {"$ref": "#/$defs/zone"},
    "cron": {"$ref": "#/$defs/cron"},
    "description": {
        "type": "string",
        "maxLength": DESCRIPTION_CHARS_MAX,
        "description": f"a text of at most {DESCRIPTION_CHARS_MAX} characters",
    },
}
_FIELDS_OF: Mapping[tuple[type, str], Schema] = {
    (TraitTrigger, "name"): {"$ref": "#/$defs/path"},
    (ListedBy, "event"): {"$ref": "#/$defs/event"},
    (ListedBy, "type"): {"$ref": "#/$defs/type"},
    (ListedBy, "address"): {"$ref": "#/$defs/path"},
    (ListedBy, "mailer"): {"$ref": "#/$defs/path"},
    (ValueTest, "op"): {"$ref": "#/$defs/operator"},
    (HttpAction, "headers"): {
        "type": "object",
        "maxProperties": ITEMS_MAX,
        "propertyNames": {
            "type": "string",
            "pattern": "^[A-Za-z0-9-]{1,100}$",
            "description": "the name of a header: letters, digits and -",
        },
        "additionalProperties": {"type": "string", "maxLength": TEXT_CHARS_MAX, "description": "a text"},
        "description": f"a mapping of at most {ITEMS_MAX} headers",
    },
}
_DEFS: Mapping[str, Schema] = {
    "zone": {
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "description": "a time zone by its name, such as Europe/Berlin",
    },
    "cron": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "description": 'the five fields of cron, such as "0 9 * * mon"',
    },
}
_TEXTS: Mapping[str, str] = {  # by pattern
    r"^[a-z0-9][a-z0-9_-]{0,62}$": "a name: a-z, 0-9, _ and -, beginning with a letter or a digit, at most 63 characters",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": 'a time of day in quotes, such as "21:30"',
    r"^https?://[^\s]+$": "an address that begins with http:// or https://",
    r"^[A-Za-z0-9.:-]{1,253}$": "the name or the address of a host, without a port",
    r"^[A-Za-z0-9-]{1,100}$": "the name of a header: letters, digits and -",
    r"^[A-Za-z0-9._-]{1,200}$": "the name of a topic: letters, digits, dots, _ and -",
    r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00]+)$": "where a secret is, never the secret itself: env:NAME or file:/PATH",
}


def schema_of(struct: type[msgspec.Struct]) -> Schema:
    """Of everything that can be said of one; closed throughout."""
    made = _Made()
    found = made.struct(struct)
    shared = _shared(found, made.parts)
    return {
        "$schema": DRAFT,
        "title": f"A{_noun(struct)[1:]} of Stitchline",
        **found,
        "$defs": dict(sorted({**shared, **made.parts}.items())),
    }


def action_kinds() -> dict[str, type[msgspec.Struct]]:
    """The struct of each kind of action."""
    return {field.name: _only_struct(field.type) for field in msgspec.structs.fields(Action)}


def committed() -> dict[str, Schema]:
    """By the path within schemas/: what stands in each file."""
    actions = {f"actions/{kind}.schema.json": schema_of(struct) for kind, struct in action_kinds().items()}
    return {
        "rules/definition.schema.json": schema_of(Rule),
        "destinations/definition.schema.json": schema_of(Destination),
        "contact_lists/definition.schema.json": schema_of(ContactList),
        "campaigns/definition.schema.json": schema_of(Campaign),
        "mailers/definition.schema.json": schema_of(Mailer),
        **actions,
    }


def as_text(schema: Schema) -> str:
    """As it is committed and printed."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _only_struct(kind: Any) -> type[msgspec.Struct]:
    union = inspect.type_info(kind)
    assert isinstance(union, inspect.UnionType)
    return next(each.cls for each in union.types if isinstance(each, inspect.StructType))


class _Made:
    """Collects the parts that others refer to."""

    def __init__(self) -> None:
        self.parts: dict[str, Schema] = {}

    def struct(self, cls: type[msgspec.Struct]) -> Schema:
        info = inspect.type_info(cls)
        assert isinstance(info, inspect.StructType)
        properties = {field.encode_name: self._field(cls, field) for field in info.fields}
        needed = [field.encode_name for field in info.fields if field.required]
        schema: Schema = {"type": "object", "description": _description(cls, list(properties), needed)}
        if cls in _ONE_OF:
            schema |= {"minProperties": 1, "maxProperties": 1}
        if needed:
            schema["required"] = needed
        schema |= {"additionalProperties": False, "properties": properties}
        return schema | ({"$ref": "#/$defs/test"} if cls is ValueTest else {})

    def _field(self, cls: type, field: inspect.Field) -> Schema | bool:
        known = _FIELDS_OF.get((cls, field.name)) or _FIELDS.get(field.name)
        return known or self.of(field.type)

    def of(self, kind: inspect.Type) -> Schema | bool:
        """`None` is how a field that is left out is kept, and is never written."""
        if isinstance(kind, inspect.UnionType):
            given = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
            assert len(given) == 1, kind
            return self.of(given[0])
        if isinstance(kind, inspect.Metadata):
            return _number(self, kind.type, kind.extra_json_schema)
        if isinstance(kind, inspect.AnyType):
            return True
        return _MAKERS[type(kind)](self, kind)

    def part(self, kind: Any) -> Schema:
        if kind.cls in _OF_SEGMENTS:
            return {"$ref": f"#/$defs/{_OF_SEGMENTS[kind.cls]}"}
        name = _words(kind.cls).replace(" ", "_")
        if name not in self.parts:
            self.parts[name] = {}  # it may contain itself
            self.parts[name] = self.struct(kind.cls)
        return {"$ref": f"#/$defs/{name}"}

    def items(self, kind: Any) -> Schema:
        if isinstance(kind.item_type, inspect.StructType) and kind.item_type.cls is Filter:
            return {"$ref": "#/$defs/filters"}
        return {
            "type": "array",
            "maxItems": ITEMS_MAX,
            "items": self.of(kind.item_type),
            "description": f"a list of at most {ITEMS_MAX}",
        }

    def mapping(self, kind: Any) -> Schema:
        names = self.of(kind.key_type)
        return {
            "type": "object",
            "maxProperties": ITEMS_MAX,
            "propertyNames": names,
            "additionalProperties": self.of(kind.value_type),
            "description": f"a mapping of at most {ITEMS_MAX}",
        }


def _text(_: _Made, kind: Any) -> Schema:
    if kind.pattern is None:
        return {
            "type": "string",
            "maxLength": TEXT_CHARS_MAX,
            "description": f"a text of at most {TEXT_CHARS_MAX} characters",
        }
    pattern = kind.pattern.replace(r"\Z", "$")
    schema = {"type": "string", "pattern": pattern, "description": _TEXTS[pattern]}
    return schema | ({"maxLength": kind.max_length} if kind.max_length else {})


def _number(_: _Made, kind: Any, later: Schema | None = None) -> Schema:
    """`later`: bounds that documents which were applied before need not keep."""
    is_whole = isinstance(kind, inspect.IntType)
    bounds = {"minimum": kind.ge, "maximum": kind.le, "exclusiveMinimum": kind.gt} | (later or {})
    if later and "minimum" in later:
        bounds["exclusiveMinimum"] = None
    given = {key: bound for key, bound in bounds.items() if bound is not None}
    told = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}
    words = ", ".join(f"{told[key]} {bound:.12g}" for key, bound in given.items())
    what = "a whole number" if is_whole else "a number"
    return {
        "type": "integer" if is_whole else "number",
        **given,
        "description": f"{what}, {words}" if words else what,
    }


def _choice(_: _Made, kind: Any) -> Schema:
    return {"enum": list(kind.values), "description": f"one of {', '.join(map(str, kind.values))}"}


_MAKERS: Mapping[type, Callable[[_Made, Any], Schema]] = {
    inspect.StructType: _Made.part,
    inspect.ListType: _Made.items,
    inspect.VarTupleType: _Made.items,
    inspect.DictType: _Made.mapping,
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.LiteralType: _choice,
    inspect.BoolType: lambda _, __: {"type": "boolean", "description": "true or false"},
}


def _description(cls: type, names: list[str], needed: list[str]) -> str:
    if cls in _ONE_OF:
        return f"exactly one of {', '.join(names)} is given"
    optional = [name for name in names if name not in needed]
    told = [", ".join(needed)] if needed else []
    told += [f"optional: {', '.join(optional)}"] if optional else []
    return f"{_noun(cls)} ({'; '.join(told)})"


def _noun(cls: type) -> str:
    words = _words(cls).replace("http", "HTTP").replace("smtp", "SMTP")
    return f"{'an' if words[0] in 'aeiouHS' else 'a'} {words}"


def _words(cls: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower()


def _shared(schema: Schema, parts: Mapping[str, Schema]) -> dict[str, Schema]:
    """The parts of others that are referred to, and those that these refer to."""
    known = {**segment_parts(), **_DEFS}
    found: dict[str, Schema] = {}
    waiting = sorted(_referred([schema, parts]) - parts.keys())
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = known[name]
            waiting += sorted(_referred(known[name]) - parts.keys())
    return found


def _referred(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_referred(each) for each in value.values()))
    return set().union(*(_referred(each) for each in value)) if isinstance(value, list) else set()


@cache
def segment_parts() -> dict[str, Schema]:
    """What the schema of segments is made of, by name."""
    text = (files("schemas") / "segments" / "definition.schema.json").read_bytes()
    found: dict[str, Schema] = msgspec.json.decode(text)["$defs"]
    return found
