"""docs/settings.md, made from the settings themselves: `stitchline settings` prints it, a test holds the file against it."""

from typing import Any, get_type_hints

import msgspec

from runtime.environment.settings import ALL

HEAD = """\
# Settings

Every process reads its settings from environment variables, once, at its start. `stitchline up` sets those marked *up*
itself. A value that cannot be read stops the process with the variable's name. This page is what `stitchline settings` prints.
"""

BY_UP = {
    "COLLECTOR_PORT",
    "CONSOLE_PORT",
    "COLLECTOR_CONTROL_SNAPSHOT",
    "PROCESSOR_STATE_DIR",
    "PROCESSOR_METRICS_PORT",
    "PROCESSOR_INSTANCE_ID",
    "SINK_INSTANCE_ID",
    "SINK_METRICS_PORT",
    "SEGMENTS_INSTANCE_ID",
    "SEGMENTS_METRICS_PORT",
    "RULES_STATE_DIR",
    "DELIVER_INSTANCE_ID",
    "DELIVER_METRICS_PORT",
    "RULES_INSTANCE_ID",
    "RULES_METRICS_PORT",
    "STITCHLINE_HASH_KEY",
    "STITCHLINE_PARTITIONS",
    "STITCHLINE_REPLICATION_FACTOR",
    "STITCHLINE_MIN_INSYNC_REPLICAS",
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_SECURITY_PROTOCOL",
    "CLICKHOUSE_URL",
}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(kind) for kind in ALL)])


def _section(kind: type[msgspec.Struct]) -> str:
    hints = get_type_hints(kind, include_extras=True)
    rows = [_row(field, hints[field.name]) for field in msgspec.structs.fields(kind)]
    title = kind.__name__.removesuffix("Settings")
    return "\n".join([f"## {title}", "", "| variable | default | meaning |", "|---|---|---|", *rows, ""])


def _row(field: msgspec.structs.FieldInfo, hint: Any) -> str:
    default = "(required)" if field.required else f"`{field.default}`" if field.default != "" else "(empty)"
    name = f"`{field.encode_name}`" + (" *up*" if field.encode_name in BY_UP else "")
    meaning = next(meta.description for meta in hint.__metadata__ if meta.description)
    return f"| {name} | {default} | {meaning} |"
