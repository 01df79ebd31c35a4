"""An e-mail as it is sent: headers, addresses and bodies of a request. Pure.

All of it is made of templates, so of what visitors wrote: each address must be exactly one, and no header may hold a line break.
The Message-ID is made of the firing's id, so that an e-mail that is sent twice is recognised as the same one. Deliberately
absent: List-Unsubscribe and other headers that a template cannot say.
"""

import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

import msgspec

from schemas.actions.requests import EmailRequest

RECIPIENTS_MAX = 50
_ONE = re.compile(
    r"""(?:"(?P<quoted>[^"\\]*)"|(?P<name>[^"<>]*))\s*<(?P<spec>[^<>\s]+)>|(?P<bare>[^<>\s"]+)"""
)
_SMTP, _SMTPUTF8 = SMTP.clone(max_line_length=78), SMTPUTF8.clone(max_line_length=78)


class BadEmail(ValueError):
    """It can never be sent; the text says why, without quoting it."""


class Letter(msgspec.Struct, frozen=True):
    """`needs_utf8`: an address is not ASCII, which only some servers take (SMTPUTF8)."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    needs_utf8: bool


def letter_of(request: EmailRequest, own_from: str, firing_id: str, now_ms: int) -> Letter:
    """`own_from`: the destination's. Raises BadEmail."""
    sender = _address(request.from_ or own_from, "from")
    to = [_address(text, "to") for text in request.to]
    if not to or len(to) > RECIPIENTS_MAX:
        raise BadEmail(f"it has no recipient, or more than {RECIPIENTS_MAX}")
    reply_to = [_address(request.reply_to, "reply_to")] if request.reply_to else []
    needs_utf8 = not all(each.addr_spec.isascii() for each in (sender, *to, *reply_to))
    message = EmailMessage(policy=_SMTPUTF8 if needs_utf8 else _SMTP)
    message["From"] = sender
    message["To"] = to
    if reply_to:
        message["Reply-To"] = reply_to
    message["Subject"] = _one_line(request.subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))
    message["Message-ID"] = f"<{firing_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    _add_bodies(message, request)
    recipients = tuple(dict.fromkeys(each.addr_spec for each in to))
    return Letter(sender.addr_spec, recipients, message.as_bytes(), needs_utf8)


def _add_bodies(message: EmailMessage, request: EmailRequest) -> None:
    try:
        if request.text or not request.html:
            message.set_content(request.text)
        if request.html and request.text:
            message.add_alternative(request.html, subtype="html")
        elif request.html:
            message.set_content(request.html, subtype="html")
    except UnicodeError:
        raise BadEmail("a body is no text") from None


def _address(text: str, what: str) -> Address:
    """One address, with a name or without."""
    if any(ord(character) < 32 or character == "\x7f" for character in text):
        raise BadEmail(f"`{what}` holds a line break or another control character")
    if (found := _ONE.fullmatch(text.strip())) is None:
        raise BadEmail(f"`{what}` is not one e-mail address")
    name, spec = found["quoted"] or found["name"] or "", found["spec"] or found["bare"]
    try:
        # The parser takes no other letters than ASCII's, so they stand in for others while it looks at the form.
        form = Address(addr_spec="".join(each if each.isascii() else "x" for each in spec))
    except (ValueError, IndexError, HeaderParseError):
        raise BadEmail(f"`{what}` is not one e-mail address") from None
    if not form.username or not form.domain:
        raise BadEmail(f"`{what}` is not one e-mail address")
    local, _, domain = spec.rpartition("@")
    if local.isascii():
        return Address(name.strip(), form.username, _ascii(domain, what))
    return Address(name.strip(), local, _ascii(domain, what))


def _one_line(text: str) -> str:
    """A template often ends with a line break; a header cannot have one."""
    return "".join(character if character.isprintable() else " " for character in text.strip())


def _ascii(domain: str, what: str) -> str:
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        raise BadEmail(f"the domain in `{what}` is none") from None
