"""Declarative configuration: a YAML file to records on the control topic."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from runtime.control import read_control, write_control
from runtime.settings import KafkaSettings
from schemas.control import parse_file, refuse_taken_keys


class BadConfiguration(ValueError):
    """The file cannot be applied; the text says where and why. Nothing of it was written."""


class Applied(msgspec.Struct, frozen=True):
    """What one `stitchline apply` wrote, all under one id."""

    apply_id: str
    written: list[str]


def read_file(file: Path) -> dict[str, bytes]:
    """The control records of a file. Raises BadConfiguration."""
    try:
        document: Any = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{file} is not YAML: {error}") from error
    try:
        return parse_file(document)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadConfiguration(f"{file}: {error}") from error


def apply_file(file: Path, kafka: KafkaSettings, *, apply_id: str) -> Applied:
    """Write all of a file's documents in one transaction. Raises BadConfiguration or KafkaUnavailable.

    Not kept apart from another apply at the same moment: two people who give one key to two sources at once are not told.
    """
    records = read_file(file)
    state = read_control(kafka, kafka.answer_timeout_s)
    try:
        refuse_taken_keys(state, records)
    except ValueError as error:
        raise BadConfiguration(f"{file}: {error}") from error
    write_control(kafka, records, apply_id)
    return Applied(apply_id, sorted(records))
