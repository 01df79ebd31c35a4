"""Contact lists, opt-out lists, campaigns and mailers: documents `contact_list/`, `campaign/` and `mailer/WORKSPACE/NAME` on
`control`.

A list has addresses of one channel. Who is on an opt-out list is suppressed: no rule fires for them but those of opt-out lists
themselves (docs/contacts.md). A mailer is what sends for a campaign; changes of lists may say by which one they came.
"""

from typing import Literal, TypeAlias

import msgspec

from schemas.definitions.names import Name
from schemas.segments.segments import Selection

CONTACT_LIST, CAMPAIGN, MAILER = "contact_list/", "campaign/", "mailer/"

Channel: TypeAlias = Literal["email", "phone"]  # of the addresses on a list
CampaignChannel: TypeAlias = Literal["email", "sms"]


class ListedBy(Selection, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Events that put an address on a list, or take it off. `address`: the path of it in the event; "": where the event has
    the person's (traits, context.traits, properties: email or phone). `mailer`: the path of the mailer's name."""

    address: str = ""
    mailer: str = "properties.mailer"


class ContactList(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """`campaigns`: of an opt-out list, those that it is for; empty: everything of its channel, project rules included."""

    list: Name
    channel: Channel
    workspace: Name = "main"
    kind: Literal["contacts", "opt_out"] = "contacts"
    added_by: tuple[ListedBy, ...] = ()
    deleted_by: tuple[ListedBy, ...] = ()
    campaigns: tuple[Name, ...] = ()
    description: str = ""

    @property
    def key(self) -> str:
        return f"{CONTACT_LIST}{self.workspace}/{self.list}"


class Campaign(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    campaign: Name
    channel: CampaignChannel
    workspace: Name = "main"
    description: str = ""

    @property
    def key(self) -> str:
        return f"{CAMPAIGN}{self.workspace}/{self.campaign}"


class Mailer(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """`campaign`: whose it is, if one's; its channel is the campaign's then."""

    mailer: Name
    channel: CampaignChannel
    workspace: Name = "main"
    campaign: Name | None = None
    description: str = ""

    @property
    def key(self) -> str:
        return f"{MAILER}{self.workspace}/{self.mailer}"


decode_contact_list = msgspec.json.Decoder(ContactList).decode
decode_campaign = msgspec.json.Decoder(Campaign).decode
decode_mailer = msgspec.json.Decoder(Mailer).decode
