"""How three mail tools write what differs from recipient to recipient, as templates of links.

Signed: the token is a property of each contact, `stitchline`, filled from `stitchline link --csv`. Unsigned: the tool's own
fields, for sources that take them. Mailchimp's `URL:` and the filter `urlencode` escape the + and the @ of an address.
"""

import msgspec

from schemas.events.links import PARAMETER

PROPERTY = "stitchline"  # at most ten letters: Mailchimp allows no more


class MailTool(msgspec.Struct, frozen=True):
    """Merge tags: of the property with the token, of the e-mail, of the tool's own id of a contact."""

    token: str
    email: str
    contact_id: str


TOOLS = {
    "mailchimp": MailTool(f"*|{PROPERTY.upper()}|*", "*|URL:EMAIL|*", "*|UNIQID|*"),
    "klaviyo": MailTool(
        f"{{{{ person|lookup:'{PROPERTY}' }}}}", "{{ email|urlencode }}", "{{ person.KlaviyoID }}"
    ),
    "hubspot": MailTool(
        f"{{{{ contact.{PROPERTY} }}}}", "{{ contact.email|urlencode }}", "{{ contact.hs_object_id }}"
    ),
}


def parameters(tool: MailTool) -> dict[str, tuple[str, str]]:
    """Which way of naming the recipient -> parameter and merge tag."""
    return {
        "signed": (PARAMETER, tool.token),
        "unsigned, e-mail": ("email", tool.email),
        "unsigned, contact": ("contact_id", tool.contact_id),
    }
