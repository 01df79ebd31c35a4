"""`stitchline link`: signed links for one person or for a file of contacts, and what a link says. Pure but for its arguments.

Deliberately absent: sending mails, and shortening links; a mail tool does both.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import msgspec

from deploy.sources.merge_tags import PROPERTY, TOOLS, parameters
from processors.events.authority import CONTACT
from processors.events.blocked import is_blocked, why_external_blocked
from processors.events.links import token_in
from schemas.events.click_links import BadClickLink, click_link
from schemas.events.links import (
    CONTACT_ID,
    DAY_MS,
    EMAIL_HASH,
    PARAMETER,
    Claim,
    LinkKey,
    SignedLink,
    UnusableClaim,
    open_token,
    sign,
)
from schemas.events.remarks import Remark
from schemas.identity.identifiers import hash_email, normalise_email

LINK_COLUMN = f"{PROPERTY}_link"
CONTACT_COLUMNS = ("contact_id", "contact id")
EMAIL_COLUMNS = ("email", "e-mail", "email address", "email_address")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadLink(ValueError):
    """No link can be made of this; the text says why."""


class Signer(msgspec.Struct, frozen=True):
    """What all links of one call share."""

    key: LinkKey
    workspace: str
    last_day: int

    def token(self, contact: str, email: str) -> str:
        """For one of the two. Raises BadLink."""
        try:
            return sign(_claim(contact.strip(), email.strip()), self.workspace, self.key, self.last_day)
        except UnusableClaim as error:
            raise BadLink(str(error)) from error
        except UnicodeEncodeError as error:  # an argument of the shell can be any bytes
            raise BadLink("contact id, e-mail and workspace must be text in UTF-8") from error


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a processor with these keys would make of a link that is opened now."""

    remark: Remark
    workspace: str
    kind: str = ""
    value: str = ""
    last_day: str = ""
    key_id: str = ""


def signing_key(keys: Sequence[LinkKey], key_id: str) -> LinkKey:
    """The first one, or the one that is named. Raises BadLink."""
    for key in keys:
        if key_id in ("", key.id):
            return key
    known = ", ".join(key.id for key in keys) or "none"
    raise BadLink(f"no key {key_id or 'to sign with'}: STITCHLINE_LINK_KEYS has {known} (docs/links.md)")


def last_day(now: datetime, expires_days: int) -> int:
    """The day on which a link that is made now counts for the last time, in days since 1970-01-01."""
    return int((now + timedelta(days=expires_days) - EPOCH).total_seconds() * 1000) // DAY_MS


def with_parameter(address: str, name: str, value: str) -> str:
    """The address with one more parameter, before its fragment. Raises BadLink."""
    if not _is_web_address(address):
        raise BadLink(f"{address!r} is no address of a page: it begins with https:// or http:// and a host")
    if name in _parameters(address):
        raise BadLink(f"the address has a parameter {name} already, and the first one counts: take it out")
    page, hash_sign, fragment = address.partition("#")
    _, question_mark, query = page.partition("?")
    mark = "?" if not question_mark else "&" if query and not query.endswith("&") else ""
    return f"{page}{mark}{name}={value}{hash_sign}{fragment}"


def counted(address: str, redirect: str, name: str) -> str:
    """The address by way of the collector, where one is named. Raises BadLink."""
    if not redirect:
        if name:
            raise BadLink("--name goes with --redirect: only the collector knows the names of links")
        return address
    try:
        return click_link(redirect, address, name=name)
    except BadClickLink as error:
        raise BadLink(str(error)) from error


def signed_rows(
    contacts: Iterable[Sequence[str]], address: str, signer: Signer, tell: Callable[[str], None]
) -> Iterator[list[str]]:
    """The rows of a file with a header, each with its token, and with its link where an address is given. Raises BadLink.

    A row without a usable id, or with more fields than the header, whose columns nobody can tell, gets no token, and its link is
    the bare address; `tell` hears of it.
    """
    if address:
        with_parameter(address, PARAMETER, "")  # raises before a line is written
    rows = iter(contacts)
    columns = list(next(rows, []))
    contact, email = _column(columns, CONTACT_COLUMNS), _column(columns, EMAIL_COLUMNS)
    if contact is None and email is None:
        raise BadLink(f"no column of the file is named {CONTACT_COLUMNS[0]} or {EMAIL_COLUMNS[0]}")
    if PROPERTY in columns:
        raise BadLink(f"the file has a column {PROPERTY} already: take it out first")
    yield [*columns, PROPERTY, *([LINK_COLUMN] if address else [])]
    for number, row in enumerate(rows, start=2):
        if row:
            fields = _without_empty_ends(row, len(columns))
            ids = (_field(row, contact), _field(row, email)) if len(fields) == len(columns) else None
            token = _token_of(number, ids, signer, tell)
            yield [*fields, token, *([_link(address, token)] if address else [])]


def _without_empty_ends(row: Sequence[str], columns: int) -> list[str]:
    """As many fields as the header has, unless there are texts in more: spreadsheets write empty ones at the end, or none."""
    too_many = any(field.strip() for field in row[columns:])
    return list(row) if too_many else [*row[:columns], *[""] * (columns - len(row))]


def _token_of(number: int, ids: tuple[str, str] | None, signer: Signer, tell: Callable[[str], None]) -> str:
    try:
        if ids is None:
            raise BadLink("more fields than the header has: is one not quoted?")
        return signer.token(*ids)
    except BadLink as error:
        tell(f"row {number}: {error}")
        return ""


def _link(address: str, token: str) -> str:
    return with_parameter(address, PARAMETER, token) if token else address


def _column(columns: Sequence[str], names: Sequence[str]) -> int | None:
    return next((place for place, column in enumerate(columns) if column.strip().lower() in names), None)


def _field(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def templates(address: str, tool: str) -> Iterator[str]:
    """Links as they are written into a mail tool's editor. Raises BadLink."""
    if tool not in TOOLS:
        raise BadLink(f"no templates for {tool}: known are {', '.join(TOOLS)}")
    for way, (name, tag) in parameters(TOOLS[tool]).items():
        yield f"{way:<18} {with_parameter(address, name, tag)}"


def check(address_or_token: str, workspace: str, keys: Sequence[LinkKey], now: datetime) -> Checked:
    token = token_in(address_or_token) if _is_web_address(address_or_token) else address_or_token
    link = open_token(token, workspace, keys)
    if not isinstance(link, SignedLink):
        return Checked(remark=link, workspace=workspace)
    is_valid = link.is_valid_at(int((now - EPOCH).total_seconds() * 1000))
    value = link.claim.value.strip()
    names_nobody = why_external_blocked(CONTACT, value) if link.claim.kind == CONTACT_ID else None
    return Checked(
        remark=(names_nobody or Remark.LINK_SIGNED) if is_valid else Remark.LINK_EXPIRED,
        workspace=workspace,
        kind=link.claim.kind,
        value=value,
        last_day=(EPOCH + timedelta(days=link.last_day)).date().isoformat(),
        key_id=link.key_id,
    )


def _claim(contact: str, email: str) -> Claim:
    """A contact id goes before an e-mail."""
    if not contact:
        return Claim(EMAIL_HASH, hash_email(_email(email)))
    if normalise_email(contact):
        raise BadLink("a contact id that is an e-mail could be read out of the link: give it as an e-mail")
    if why_external_blocked(CONTACT, contact):
        raise BadLink("this contact id names nobody, or is longer than 255 bytes: it would be ignored")
    return Claim(CONTACT_ID, contact)


def _email(given: str) -> str:
    address = normalise_email(given)
    if not address or is_blocked(address):
        raise BadLink(
            "no contact id, and no e-mail of the shape x@y.z" if given else "no contact id and no e-mail"
        )
    return address


def _parameters(address: str) -> dict[str, str]:
    """The first value of each."""
    return dict(reversed(parse_qsl(urlsplit(address).query, keep_blank_values=True)))


def _is_web_address(address: str) -> bool:
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and bool(found.netloc)
