"""Who a host or a name in a link stands for, by the lists of schemas/channels: the product's own and the deployment's."""

from collections.abc import Sequence

import msgspec

from processors.enrichment.hosts import ascii_host, names_of
from schemas.events.channel_lists import ChannelLists

PASSAGE = "passage"  # the kind of those through whom a visitor comes back to where he was
REFERRAL = "site"
_MEDIA = {
    "search": "organic",
    "social": "social",
    "mail": "email",
    "video": "video",
    "shopping": "shopping",
    "ai": "ai",
    "push": "push",
    "sms": "sms",
    "affiliate": "affiliate",
    "display": "display",
    "audio": "audio",
}


class Sender(msgspec.Struct, frozen=True):
    """`medium` is what a visitor came by whom only the host says it of."""

    kind: str
    source: str

    @property
    def medium(self) -> str:
        return _MEDIA.get(self.kind, "referral")


class Senders:
    """`lists`: of two that name the same, the last one counts."""

    def __init__(self, lists: Sequence[ChannelLists]) -> None:
        self._names: dict[str, Sender] = {}
        for some in lists:
            self._add(some)

    def of_host(self, host: str) -> Sender:
        """A host that nobody lists is a site's of its own name."""
        found = self._listed(host)
        return found or Sender(REFERRAL, host.removeprefix("www."))

    def kind_of(self, source: str) -> str:
        """Of what a link calls its source, a name or a host; "" when no list has it."""
        found = self._names.get(source)
        if found is None and "." in source and (host := ascii_host(source)):
            found = self._listed(host)
        return found.kind if found else ""

    def _listed(self, host: str) -> Sender | None:
        return next((found for name in names_of(host) if (found := self._names.get(name))), None)

    def _add(self, some: ChannelLists) -> None:
        for hosts in some.passages.values():
            self._names.update((host.lower(), Sender(PASSAGE, "")) for host in hosts)
        for kind, sources in some.sources.items():
            for source, names in sources.items():
                sender = Sender(kind, source)
                self._names.update((name.lower(), sender) for name in names)
                if kind != REFERRAL:
                    self._names.setdefault(source.lower(), sender)
