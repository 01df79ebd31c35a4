"""What brings visitors to sites, as data: schemas/channels/lists.yaml, and a deployment's own file of the same form.

Deliberately absent: what follows for one event; that is processors/enrichment/channel.py's.
"""

from functools import cache
from importlib.resources import files

import msgspec


class Click(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who sends a click id. `organic`: also with links that nobody paid for."""

    source: str
    medium: str
    organic: bool = False


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holds when each condition that it has does; in texts, * stands for anything."""

    channel: str
    kind: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    campaign: tuple[str, ...] = ()


class ChannelLists(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sources`: kind -> source -> hosts and other names; `passages`: hosts through which visitors come back, by purpose."""

    parameters: dict[str, tuple[str, ...]] = {}
    clicks: dict[str, Click] = {}
    mail_marks: dict[str, str] = {}
    passages: dict[str, tuple[str, ...]] = {}
    own_domains: tuple[str, ...] = ()
    sources: dict[str, dict[str, tuple[str, ...]]] = {}
    rules: tuple[ChannelRule, ...] = ()


NO_LISTS = ChannelLists()


@cache
def kept_lists() -> ChannelLists:
    """Those that come with the product."""
    return read_lists((files("schemas") / "channels" / "lists.yaml").read_bytes())


def read_lists(document: bytes) -> ChannelLists:
    """Raises msgspec.DecodeError, or msgspec.ValidationError naming the place."""
    found = msgspec.yaml.decode(document)
    return NO_LISTS if found is None else msgspec.convert(found, ChannelLists)
