"""Events that a site's pages make by themselves: what makes one, on which pages, and what it says. The pixel evaluates them.

A definition is a document `pixel_event/SOURCE/EVENT` on the control topic. It has exactly one trigger. `compact` is the form in
which pixel.js gets it (collector/pixel/automatic.ts, interface Definition): what is default is left out.

Deliberately absent: how an entry of a file is read and what is refused (pixel_event_records.py), and what becomes of an event
afterwards: it is a track call as any other.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from schemas.definitions.names import Name
from schemas.definitions.shapes import shaped
from schemas.events.channel_lists import kept_lists

PREFIX: Final = "pixel_event/"

MARKS_MAX = 10  # of percents or seconds in one trigger
SECONDS_MAX = 3_600
PATTERNS_MAX = 50
PROPERTIES_MAX = 30
TEXT_CHARS_MAX = 500

ONE_LINE, ON_ONE_LINE = r"^\S([^\x00-\x1f\x7f]*\S)?\Z", "a text on one line without spaces around it"

EventName = Annotated[str, shaped(ONE_LINE, ON_ONE_LINE, max_length=200)]
Selector = Annotated[str, msgspec.Meta(min_length=1)]
Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
Patterns = Annotated[tuple[Pattern, ...], msgspec.Meta(max_length=PATTERNS_MAX)]
PathPattern = Annotated[str, shaped(r"^[/*]", "a path that begins with / or *", max_length=TEXT_CHARS_MAX)]
PathPatterns = Annotated[tuple[PathPattern, ...], msgspec.Meta(max_length=PATTERNS_MAX)]
HostPattern = Annotated[
    str,
    shaped(
        r"^[a-z0-9*][a-z0-9.*-]*\Z",
        "a host name in lower case, in which * stands for anything",
        max_length=253,
    ),
]
HostPatterns = Annotated[tuple[HostPattern, ...], msgspec.Meta(max_length=PATTERNS_MAX)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Percents = Annotated[tuple[Percent, ...], msgspec.Meta(min_length=1, max_length=MARKS_MAX)]
Part = Annotated[int, msgspec.Meta(ge=1, le=99)]  # of a medium: its end is an event of its own
Seconds = Annotated[int, msgspec.Meta(ge=1, le=SECONDS_MAX)]
Parameters = Annotated[dict[Pattern, Pattern], msgspec.Meta(max_length=PATTERNS_MAX)]
PropertyName = Annotated[str, shaped(ONE_LINE, ON_ONE_LINE, max_length=100)]
Constant = bool | int | float | Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
UtmPart = Literal["source", "medium", "campaign", "term", "content"]


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person writes: an unknown name is a mistake."""


class Page(_Written, frozen=True):
    """Every view of a page that fulfils the conditions."""


class Click(_Written, frozen=True):
    """On an element, or on something in it. `outbound`: only where it is a link that leads to another site."""

    selector: Selector = "a[href]"
    outbound: bool = False


class Submit(_Written, frozen=True):
    selector: Selector = "form"


class Scroll(_Written, frozen=True):
    """How much of the page was seen, once per page view for each of `percents`; or that an element came into view."""

    percents: Percents | None = None
    selector: Selector | None = None


class Time(_Written, frozen=True):
    """Seconds for which the page was visible, each once per page view."""

    seconds: Annotated[tuple[Seconds, ...], msgspec.Meta(min_length=1, max_length=MARKS_MAX)]


class Media(_Written, frozen=True):
    """What is played, paused and played to its end; `percents` on the way. The events have the video specification's names."""

    selector: Selector = "video, audio"
    percents: Annotated[tuple[Part, ...], msgspec.Meta(max_length=MARKS_MAX)] = (25, 50, 75)


class Arrival(_Written, frozen=True):
    """How a visitor came to the page that was loaded: by parameters of a campaign, from a site, out of an e-mail."""

    utm: dict[UtmPart, Pattern] = {}
    referrer: HostPattern | None = None
    channel: Literal["email"] | None = None


class Trigger(_Written, frozen=True):
    """Exactly one of them, which `pixel_event_records.py` sees to."""

    page: Page | None = None
    click: Click | None = None
    submit: Submit | None = None
    scroll: Scroll | None = None
    time: Time | None = None
    media: Media | None = None
    arrival: Arrival | None = None

    def only(self) -> tuple[str, _Written]:
        """Its name and what it says."""
        (found,) = ((name, value) for name in TRIGGERS if (value := getattr(self, name)) is not None)
        return found


TRIGGERS: Final = Trigger.__struct_fields__


class Taken(_Written, frozen=True, rename={"as_": "as"}):
    """A property that is read when the event happens; exactly one source. `of`: the nearest element around the one that made the
    event which fulfils this, else the first one in it, else the first one of the page."""

    attribute: Pattern | None = None
    text: Literal[True] | None = None
    field: Pattern | None = None
    page: Literal["title", "path", "url", "referrer", "host"] | None = None
    query: Pattern | None = None
    meta: Pattern | None = None
    of: Selector | None = None
    as_: Literal["number"] | None = None


ORIGINS: Final = ("attribute", "text", "field", "page", "query", "meta")


class PixelEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`pages`, `hosts`: any of the patterns, in which * stands for anything. `query`: all of these parameters."""

    event: EventName
    source: Name
    trigger: Trigger
    pages: PathPatterns = ()
    hosts: HostPatterns = ()
    query: Parameters = {}
    properties: Annotated[dict[PropertyName, Constant | Taken], msgspec.Meta(max_length=PROPERTIES_MAX)] = {}

    @property
    def key(self) -> str:
        return key_of(self.source, self.event)


class PixelEventInput(PixelEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry under `pixel_events:` of a file for `stitchline apply`."""


def key_of(source: str, event: str) -> str:
    return f"{PREFIX}{source}/{event}"


decode_pixel_event = msgspec.json.Decoder(PixelEvent).decode


def compact(definition: PixelEvent) -> dict[str, Any]:
    """As the pixel's configuration has it; ready for JSON."""
    on, trigger = definition.trigger.only()
    said: dict[str, Any] = msgspec.to_builtins(definition)
    for name in ("source", "trigger"):
        del said[name]
    return {"on": on, **said, **_options(trigger)}


def _options(trigger: _Written) -> dict[str, Any]:
    """Of one trigger, under names that all of them share: `at` are the marks, `selector` is never left to the pixel."""
    said: dict[str, Any] = msgspec.to_builtins(trigger)
    if isinstance(trigger, Click | Submit | Media):
        said["selector"] = trigger.selector
    marks = getattr(trigger, "percents", None) or getattr(trigger, "seconds", None)
    said.pop("percents", None), said.pop("seconds", None)
    if said.pop("channel", None):
        said["mail"] = _mail()
    if "utm" in said:
        said["utm"] = {part: pattern.lower() for part, pattern in said["utm"].items()}
    return {**said, **({"at": sorted(set(marks))} if marks else {})}


def _mail() -> dict[str, list[str]]:
    """By what an address, or the page before, tells that somebody came out of an e-mail: as the channels' own list has it."""
    lists = kept_lists()
    names = [name for source, others in lists.sources["mail"].items() for name in (source, *others)]
    return {
        "marks": ["_c", *lists.mail_marks],
        "media": [medium for rule in lists.rules if rule.channel == "email" for medium in rule.medium],
        "sources": sorted({name for name in names if not _is_host(name)}),
        "hosts": sorted({name for name in names if _is_host(name)}),
    }


def _is_host(name: str) -> bool:
    return "." in name and " " not in name
