"""Whose each event of the made traffic is: the rules of identity, written once more and plainly, for this traffic's needs.

An event with a user id is that user's; so is what an identify with an e-mail address alone says of the address. Anything else
belongs to whoever had the device at that time: the last login or opened link before it; before the first one the first one's
(a device's past is its first owner's); after a logout the next one's, and nobody's if there is none. Where somebody logged in,
opened links count for nothing.

Deliberately absent: the processors' code, of which none is used; and all that this traffic does not have (aliases, ids of other
systems, addresses that two people share).
"""

from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec

from deploy.demo.call import SIGNED_OUT, Call

NOBODY = ""


class Claim(msgspec.Struct, frozen=True):
    """At this time the device was this one's; NOBODY's after a logout."""

    timestamp: str
    owner: str
    is_login: bool


class People:
    """`of(call)` names the person: by user id, else by address, else by device."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._user_of = {
            address: call.user_id for call in calls if call.user_id and (address := email_of(call))
        }
        claims: dict[str, list[Claim]] = defaultdict(list)
        for call in sorted(calls, key=lambda call: call.timestamp):
            if claim := self._claim(call):
                claims[call.anonymous_id].append(claim)
        self._claims = {device: _that_count(made) for device, made in claims.items()}

    def of(self, call: Call) -> str:
        stated = call.user_id or self._known(email_of(call))
        return stated or self._owner(call.anonymous_id, call.timestamp)

    def known_since(self, device: str) -> str:
        """When the first login or link on the device told whose it is; raises KeyError when nothing ever did."""
        return self._claims[device][0].timestamp

    def _known(self, address: str) -> str:
        return self._user_of.get(address, address)

    def _claim(self, call: Call) -> Claim | None:
        if not call.anonymous_id:
            return None
        if call.event == SIGNED_OUT:
            return Claim(call.timestamp, NOBODY, is_login=True)
        if stated := call.user_id or self._known(email_of(call)):
            return Claim(call.timestamp, stated, is_login=True)
        linked = self._known(linked_email(call))
        return Claim(call.timestamp, linked, is_login=False) if linked else None

    def _owner(self, device: str, timestamp: str) -> str:
        claims = self._claims.get(device, [])
        before = [claim.owner for claim in claims if claim.timestamp <= timestamp]
        if before and before[-1] != NOBODY:
            return before[-1]
        after = (claim.owner for claim in claims if claim.timestamp > timestamp and claim.owner != NOBODY)
        return next(after, device)


def email_of(call: Call) -> str:
    return str(call.traits.get("email", "")) if call.type == "identify" else ""


def page_of(call: Call) -> dict[str, str]:
    page = call.context.get("page")
    return page if isinstance(page, dict) else {}


def linked_email(call: Call) -> str:
    """Whose the link was that opened this page."""
    return parse_qs(urlsplit(page_of(call).get("url", "")).query).get("email", [""])[0]


def _that_count(claims: Sequence[Claim]) -> list[Claim]:
    logins = [claim for claim in claims if claim.is_login]
    return logins if any(claim.owner for claim in logins) else list(claims)
