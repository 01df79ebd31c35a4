"""Rules as they are written down: when this happens (one trigger), if that holds (conditions), do this (one action).

The same shape in YAML, JSON and on the control topic (documents `rule/WORKSPACE/NAME`). What a definition may say is checked by
schemas/configuration/rule_reading.py, which every one passes before it becomes a `Rule`; what it means stands in docs/rules.md.
Filters are those of segments (schemas/segments/segments.py) and mean the same.

Firings that wait carry their rule. So what a struct takes is never made less, nor is that of a destination: a bound that came
later stands in `extra_json_schema`, of which only the schema for what is written takes note.
"""

from hashlib import blake2b
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from schemas.actions.actions import Action
from schemas.contacts.contact_lists import Channel
from schemas.definitions.names import Name
from schemas.segments.segments import Duration, Filter, Selection, Trait

RULE = "rule/"

Level: TypeAlias = Literal[
    "project", "email_campaign", "sms_campaign", "email_opt_out_list", "phone_opt_out_list"
]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
QuotaMax = Annotated[int, msgspec.Meta(ge=1, extra_json_schema={"maximum": 1_000_000_000})]
CapMax = Annotated[int, msgspec.Meta(ge=1, le=1_000)]  # so many moments are kept for each person
PERSON_ZONE = "person"


class PixelTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of the source's own pixel events (schemas/pixel/pixel_events.py)."""

    source: Name
    event: str
    where: list[Filter] = []


class SourceTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A visit begins that was brought by one of these; an empty list asks for nothing. One of them at least is given.
    Names as in the touch of an event (docs/channels.md)."""

    channels: list[str] = []
    sources: list[str] = []
    mediums: list[str] = []
    campaigns: list[str] = []


class SegmentTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of `entered` and `left`. `initial`: also for those who were there when the segment was made."""

    entered: Name | None = None
    left: Name | None = None
    initial: bool = False


class CartTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The event `Cart Abandoned` (docs/carts.md)."""

    where: list[Filter] = []


class TraitTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The newest value of a trait became another one. `from_` and `to` are tests of it before and after, as of segments'
    traits without the name; without them every change counts, the first statement included unless `from_` says otherwise."""

    name: str
    from_: "ValueTest | None" = msgspec.field(default=None, name="from")
    to: "ValueTest | None" = None


class ValueTest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    op: str
    value: Any = UNSET


class ContactTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`Contact Added` or `Contact Deleted`: one of the two, for one channel or both (None). `lists` and `mailers`: the trigger's
    settings, which levels restrict (schemas/rules/rule_levels.py); empty: any."""

    change: Literal["added", "deleted"]
    channel: Channel | None = None
    lists: list[Name] = []
    mailers: list[Name] = []


class AbsenceTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`after` was done, and for as long as `within` `of` was not, under any identifier of the person. A later `after` starts
    anew."""

    after: Selection
    of: Selection
    within: Duration


class ScheduleTrigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`cron`: five fields, in `timezone`. For each member of `segment`; without one once, for nobody."""

    cron: str
    timezone: str = "UTC"
    segment: Name | None = None


class Trigger(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Exactly one of these."""

    event: Selection | None = None
    pixel: PixelTrigger | None = None
    source: SourceTrigger | None = None
    segment: SegmentTrigger | None = None
    cart_abandoned: CartTrigger | None = None
    trait: TraitTrigger | None = None
    contact: ContactTrigger | None = None
    absence: AbsenceTrigger | None = None
    schedule: ScheduleTrigger | None = None

    @property
    def kind(self) -> str:
        """The name of the one that is given."""
        return next(name for name in self.__struct_fields__ if getattr(self, name) is not None)


class Conditions(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """All of them. `where` tests the event; segments and traits are asked of the person, as ClickHouse knows them then."""

    where: list[Filter] = []
    in_segments: list[Name] = []
    not_in_segments: list[Name] = []
    traits: list[Trait] = []
    consent: list[str] = []  # categories that the event must have been granted
    bots: Literal["exclude", "include"] = "exclude"


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `max` firings of this rule for one person within any stretch of this length."""

    max: CapMax
    within: Duration


class RuleQuota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `max` firings of this rule, exactly counted, per day or month (UTC), or ever (`total`)."""

    max: QuotaMax
    per: Literal["day", "month", "total"] = "month"


class QuietHours(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Nothing is sent from `start` to `end`, which may be on the next day. What comes up then waits for the end, or is
    dropped. `timezone`: a zone's name, or `person` for that of the person's latest place; `or_timezone` where that is unknown."""

    start: TimeOfDay
    end: TimeOfDay
    timezone: str = "UTC"
    then: Literal["wait", "drop"] = "wait"
    or_timezone: str = "UTC"


class Limits(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`once`: once per person, whatever the version. `expires_after`: what could not be sent so long after it happened is not."""

    caps: list[Cap] = []
    once: bool = False
    quota: RuleQuota | None = None
    quiet_hours: QuietHours | None = None
    delay: Duration | None = None
    expires_after: Duration = "1d"


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One rule. `object`: the campaign or opt-out list that it belongs to, at every level but the project's. `replaces`: rules of
    wider levels that do not fire where this one is in charge. Mode `test` does everything but send."""

    rule: Name
    trigger: Trigger
    action: Action
    conditions: Conditions = Conditions()
    limits: Limits = Limits()
    workspace: Name = "main"
    level: Level = "project"
    object: Name | None = None
    replaces: list[Name] = []
    mode: Literal["live", "test", "off"] = "live"
    description: str = ""

    @property
    def key(self) -> str:
        """On the control topic."""
        return rule_key(self.workspace, self.rule)


def rule_key(workspace: str, name: str) -> str:
    return f"{RULE}{workspace}/{name}"


def version_of(rule: Rule) -> str:
    """16 hex digits of what the rule says; its description and its mode change nothing."""
    meaning = msgspec.structs.replace(rule, description="", mode="live")
    return blake2b(msgspec.json.encode(meaning, order="sorted"), digest_size=8).hexdigest()


decode_rule = msgspec.json.Decoder(Rule).decode
