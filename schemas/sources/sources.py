"""Sources: the sites, apps and servers that send events, as a file names them and as the `control` topic keeps them.

Pure. A write key is public: it stands in the site's pages. A secret key is for servers, and never for a page. Both are kept as
SHA-256 only. Absent: what a request has to fulfil (collector/), and what the pixel is told of it (pixel_config.py).
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from schemas.definitions.names import Name
from schemas.definitions.shapes import shaped

# No client can send an empty one, and spaces around a key are trimmed from what a client sends.
WriteKey = Annotated[str, shaped(r"^\S(.*\S)?\Z", "a text on one line without spaces around it")]
EventsPerSecond = Annotated[float, msgspec.Meta(gt=0)]
Burst = Annotated[int, msgspec.Meta(ge=1)]
Events = Annotated[int, msgspec.Meta(ge=1)]
Path = Annotated[
    str,
    shaped(
        r"^(/[A-Za-z0-9._~-]+)*\Z",
        "a path such as /assets/shop.js, of A-Z a-z 0-9 . _ ~ - without a slash at its end",
        max_length=200,
    ),
]
# A name and all below it as `*.shop.example`; names of letters beyond ASCII as browsers send them (xn--).
Domain = Annotated[
    str,
    shaped(
        r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z",
        "a host name in lower case such as shop.example, or *.shop.example for all below it",
        max_length=253,
    ),
]
Signal = Literal[
    "cookieless", "drop", "ignore"
]  # what becomes of events of a browser that asks not to be followed

WRITE_KEYS_REMEMBERED_MAX = 1_024  # a source sends the same one with every request
REMEMBERED_CHARS_MAX = 1_024  # no more of each: strangers' keys of hundreds of KB would stay for ever


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many events may be stored in a calendar day and month in UTC; None: as many as come."""

    events_per_day_max: Events | None = None
    events_per_month_max: Events | None = None


class Paths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the site's own, beside the usual ones; "" where there is none.

    `script` is where the pixel is found, `calls` stands for `/v1`, `redirect` for `/r`.
    """

    script: Path = ""
    calls: Path = ""
    redirect: Path = ""


class PixelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the pixel does on the site's pages by itself.

    `pages`: page views; `domains`: the site's own, between which a visitor stays the same one; `emails`: what is sent of an
    address that is typed into a field marked for it.
    """

    pages: bool = False
    domains: list[Domain] = []
    emails: Literal["none", "plain", "sha256"] = "none"


class Privacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`gpc` and `dnt`: what Global Privacy Control and Do Not Track do. `cookieless`: nobody gets a cookie, or is known the next
    day. `address`: what is kept of the network address, of what the deployment keeps at all."""

    gpc: Signal = "cookieless"
    dnt: Signal = "ignore"
    cookieless: bool = False
    address: Literal["keep", "truncate", "drop"] = "keep"


class ConsentRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Visitors are asked. `needed` is the category without which nothing is sent; `before` what happens until they have answered,
    `denied` what happens when they said no."""

    categories: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=20)]
    needed: Name
    before: Literal["wait", "cookieless", "send"] = "wait"
    denied: Literal["drop", "cookieless"] = "drop"

    def __post_init__(self) -> None:
        if self.needed not in self.categories:
            raise ValueError(
                f"needed: {self.needed!r} is none of the categories {', '.join(self.categories)}: name one of them"
            )


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of a source and the topic keeps as it is.

    `events_per_s_max` None: as many as it likes. `burst_events_max` None: one second's worth. `consent` None: nobody is asked.
    """

    id: Name
    workspace: Name = "main"
    unsigned_links: bool = False  # accept email= and contact_id= in page addresses without a signature
    allowed_origins: list[str] = msgspec.field(default_factory=lambda: ["*"])
    events_per_s_max: EventsPerSecond | None = None
    burst_events_max: Burst | None = None
    quota: Quota = Quota()
    paths: Paths = Paths()
    redirect_domains: list[Domain] = []
    pixel: PixelSettings = PixelSettings()
    privacy: Privacy = Privacy()
    consent: ConsentRules | None = None


class Source(Settings, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """As the topic keeps it: keys as SHA-256. `key_ends` has those that end, with the first moment without them in ms since the
    epoch."""

    write_key_hashes: list[str]
    secret_key_hashes: list[str] = []
    key_ends: dict[str, int] = {}

    @property
    def key_hashes(self) -> list[str]:
        return [*self.write_key_hashes, *self.secret_key_hashes]


class KeyInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that another one replaces: it counts to the end of its last day in UTC."""

    key: WriteKey
    until: date

    def __post_init__(self) -> None:
        if self.until == date.max:  # as people write "always": no day comes after it
            raise ValueError(f"until: {self.until} has no end: write a key that does not end without `until`")


class SourceInput(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry under `sources:` of a file for `stitchline apply`."""

    write_keys: Annotated[list[WriteKey | KeyInput], msgspec.Meta(min_length=1)]
    secret_keys: list[WriteKey | KeyInput] = []

    def all_keys(self) -> Iterator[str]:
        """All of them, as they are sent."""
        for entry in (*self.write_keys, *self.secret_keys):
            yield entry.key if isinstance(entry, KeyInput) else entry


def stored_source(entry: SourceInput) -> Source:
    settings = {name: getattr(entry, name) for name in Settings.__struct_fields__}
    ends = {
        hash_write_key(given.key): _end_of(given.until)
        for given in (*entry.write_keys, *entry.secret_keys)
        if isinstance(given, KeyInput)
    }
    return Source(
        **settings,
        write_key_hashes=_hashes(entry.write_keys),
        secret_key_hashes=_hashes(entry.secret_keys),
        key_ends=ends,
    )


def hash_write_key(write_key: str) -> str:
    return (_remembered_hash if len(write_key) <= REMEMBERED_CHARS_MAX else _hash)(write_key)


def _hashes(given: Sequence[str | KeyInput]) -> list[str]:
    return [hash_write_key(entry.key if isinstance(entry, KeyInput) else entry) for entry in given]


def _end_of(day: date) -> int:
    after = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return int(after.timestamp() * 1_000)


def _hash(write_key: str) -> str:
    return hashlib.sha256(write_key.encode()).hexdigest()


_remembered_hash = lru_cache(WRITE_KEYS_REMEMBERED_MAX)(_hash)
