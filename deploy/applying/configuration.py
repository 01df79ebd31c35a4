"""Declarative configuration: a YAML file to records on the control topic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from collector.webhooks.webhook_mapping import compile_webhook
from deploy.applying.authority import Wish, authorised
from deploy.applying.wide_names import refuse_wide_names
from deploy.files.yaml_file import NotYaml, read_yaml
from deploy.identifiers.ids import NotAnId, read
from processors.actions.templates import check_templates
from processors.enrichment.plans import compile_plan
from runtime.control import read_control, write_control
from runtime.environment.settings import KafkaSettings
from schemas.configuration.changes import Change, differences
from schemas.configuration.configuration_file import blocked_in, parse_file, section
from schemas.configuration.contact_list_records import (
    campaign_records,
    contact_list_records,
    mailer_records,
    refuse_unfit_lists,
)
from schemas.configuration.rule_names import refuse_broken_names
from schemas.configuration.rule_reading import BadRule
from schemas.configuration.rule_records import destination_records, rule_records
from schemas.control import ControlState, refuse_taken_keys
from schemas.definitions.shapes import in_words
from schemas.pixel.pixel_event_records import pixel_event_records, refuse_unusable
from schemas.rules.rules import Rule
from schemas.segments.segment_records import Records, refuse_broken_uses, segment_records
from schemas.sources.source_paths import refuse_clashing_paths
from schemas.sources.webhooks import refuse_taken_ids, webhook_records

T = TypeVar("T")


class BadConfiguration(ValueError):
    """The file cannot be applied; the text says where and why. Nothing of it was written."""


class Applied(msgspec.Struct, frozen=True):
    """What one `stitchline apply` wrote, all under one id, and which listed identifiers it blocked; by their nodes.

    `deleted`: of what was written, what is there no more.
    """

    apply_id: str
    written: list[str]
    blocked: list[str] = []
    deleted: list[str] = []


def read_file(file: Path) -> Records:
    """The control records of a file. Raises BadConfiguration."""
    return _parsed(file, _usable)


def _usable(document: Any) -> Records:
    """Its plans can be compiled, its segments are sound by themselves. Raises ValueError."""
    records: Records = {
        **parse_file(document),
        **segment_records(section(document, "segments")),
        **pixel_event_records(section(document, "pixel_events")),
        **webhook_records(section(document, "webhooks")),
        **destination_records(section(document, "destinations")),
        **rule_records(section(document, "rules")),
        **contact_list_records(section(document, "contact_lists")),
        **campaign_records(section(document, "campaigns")),
        **mailer_records(section(document, "mailers")),
    }
    state = ControlState(records)
    for plan in state.plans.values():
        compile_plan(plan)
    for webhook in state.webhooks.values():
        compile_webhook(webhook)
    for source in state.sources:
        refuse_wide_names(source)
    for rule in state.rules.values():
        _check_templates(rule)
    return records


def _check_templates(rule: Rule) -> None:
    try:
        check_templates(rule.action)
    except ValueError as error:
        raise BadRule(f"rule {rule.rule}: at action.{error}") from error


def read_blocked(file: Path) -> list[tuple[str, str]]:
    """(workspace, identifier) of those that nobody is to be known by. Raises BadConfiguration."""
    listed = _parsed(file, blocked_in)
    for _, text in listed:
        try:
            is_typed = read(text) is not None
        except NotAnId as error:
            raise BadConfiguration(f"{file}: blocked_ids: {error}") from error
        if not is_typed:
            raise BadConfiguration(
                f"{file}: blocked_ids: {text!r} does not say what it is: write u:{text}, e:{text}, a:{text} or x:TYPE:{text}"
            )
    return listed


def _parsed(file: Path, parse: Callable[[Any], T]) -> T:
    try:
        document = read_yaml(file)
    except NotYaml as error:
        raise BadConfiguration(f"{file} is not YAML: {error}") from error
    try:
        return parse(document)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadConfiguration(f"{file}: {in_words(error)}") from error


class Proposal(msgspec.Struct, frozen=True):
    """What a file says, beside what is there: nothing of it is written yet."""

    before: ControlState
    after: ControlState
    records: Records


def proposed(file: Path, kafka: KafkaSettings) -> Proposal:
    """Raises BadConfiguration or KafkaUnavailable."""
    records = read_file(file)
    return beside(file, records, read_control(kafka, kafka.answer_timeout_s))


def beside(file: Path, records: Records, state: ControlState) -> Proposal:
    """What a file says, held against what is there. Raises BadConfiguration."""
    try:
        refuse_taken_keys(state, records)
        after = state.updated(records.items())
        refuse_broken_uses(state.segments, after.segments, records)
        source_ids = [source.id for source in after.sources]
        refuse_clashing_paths(after.sources)
        refuse_unusable(after.pixel_events, source_ids, records)
        refuse_taken_ids(after.webhooks.values(), source_ids)
        refuse_broken_names(state, after, records)
        refuse_unfit_lists(state, after, records)
    except ValueError as error:
        raise BadConfiguration(f"{file}: {error}") from error
    return Proposal(state, after, records)


def plan_file(file: Path, kafka: KafkaSettings) -> list[Change]:
    """What `apply_file` would change now. Raises as it does, but for who applies."""
    found = proposed(file, kafka)
    return differences(found.before, found.after, found.records)


def apply_file(file: Path, kafka: KafkaSettings, wish: Wish) -> Applied:
    """Write all of a file's documents in one transaction. Raises BadConfiguration, NotAllowed or KafkaUnavailable.

    Not kept apart from another apply at the same moment: two people who give one key to two sources at once are not told.
    """
    found = proposed(file, kafka)
    written = authorised(found.before, found.after, found.records, wish)
    own = {key: document for key, document in written.items() if key in found.records}
    if own:
        write_control(kafka, written, wish.apply_id)
    deleted = sorted(key for key, document in own.items() if document is None)
    return Applied(wish.apply_id, sorted(own), deleted=deleted)
