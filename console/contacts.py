"""The interface for lists of contacts, `/v1/contacts/LIST`, from a request that is let in to an answer. Blocking: for a thread.

A change is answered when Kafka has it (all replicas in sync); agent `contacts` applies it a moment later. What each path
answers is in docs/contacts.md. Absent: who is let in, and HTTP itself (app.py).
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from console.contact_changes import read_changes
from console.question import Question
from console.replies import Refused
from console.store import Store
from console.times import iso
from console.wishes import BadWish, Pairs, known, limit_of
from runtime.environment.settings import ContactSettings, KafkaSettings
from runtime.sending import send
from schemas.contacts.contact_addresses import NotAnAddress, contact_node, kept_address
from schemas.contacts.contact_changes import Into, NoSuchList, fact_records, list_of, mailers_for
from schemas.contacts.contact_lists import ContactList
from schemas.control import ControlState

PREFIX = "/v1/contacts/"
CONTACTS = 100  # of one page, unless it is said
STATES = ("added", "deleted", "all")

_PAGE = """\
SELECT contact, address, state, changed_at, mailer, origin, profile_id FROM contacts
WHERE workspace = {workspace:String} AND list = {list:String} AND contact > {after:UInt64}
  AND ({state:String} = 'all' OR state = {state:String})
ORDER BY contact LIMIT {limit:UInt32}"""
_ONE = """\
SELECT contact, address, state, changed_at, mailer, origin, profile_id FROM contacts
WHERE workspace = {workspace:String} AND list = {list:String}
  AND ((contact = {contact:UInt64} AND contact != 0) OR address = {address:String})
LIMIT 1"""


class Edge(msgspec.Struct, frozen=True):
    """`hash_key`: b"" where the process has none; then an address that was forgotten is not found by itself."""

    kafka: KafkaSettings
    settings: ContactSettings
    hash_key: bytes = b""


class ContactCall(msgspec.Struct, frozen=True):
    """`address` is "" for the list itself; decoded, as they stood between the slashes."""

    list: str
    address: str
    pairs: Pairs


def contact_call_of(raw_path: bytes, pairs: Pairs) -> ContactCall | None:
    """None for a path that is not of this interface."""
    path = raw_path.decode("ascii", "replace")
    name, _, address = path.removeprefix(PREFIX).rstrip("/").partition("/")
    return ContactCall(unquote(name), unquote(address), pairs) if name else None


class ContactAnswers:
    """Of one workspace, as `state` has its lists."""

    def __init__(self, edge: Edge, store: Store, state: ControlState, workspace: str) -> None:
        self._edge = edge
        self._store = store
        self._state = state
        self._workspace = workspace

    def change(self, call: ContactCall, body: bytes, now_ms: int) -> Any:
        """Raises Refused, KafkaUnavailable."""
        listed = self._list(call)
        if call.address:
            raise Refused(405, "an address is changed by a POST to its list", allow="GET")
        settings = self._edge.settings
        into = Into(listed, mailers_for(self._state.mailers, listed), settings.phone_region, "api", now_ms)
        read = read_changes(body, into, settings.request_changes_max)
        if read.facts:
            partitions = self._edge.kafka.partitions
            send(self._edge.kafka, fact_records(read.facts, partitions, settings.message_changes_max))
        return {
            "list": listed.list,
            "taken": len(read.facts),
            "refused": len(read.outcomes) - len(read.facts),
            "outcomes": read.outcomes,
        }

    def answer(self, call: ContactCall, limit_max: int) -> Any:
        """Raises Refused, NoAnswer."""
        listed = self._list(call)
        try:
            if call.address:
                known(call.pairs, ())
                return self._one(listed, call.address)
            return self._page(listed, call, limit_max)
        except BadWish as error:
            raise Refused(400, str(error)) from error

    def _list(self, call: ContactCall) -> ContactList:
        try:
            return list_of(self._state.contact_lists, self._workspace, call.list)
        except NoSuchList as error:
            raise Refused(404, str(error)) from error

    def _one(self, listed: ContactList, text: str) -> Any:
        try:
            address = kept_address(listed.channel, text, self._edge.settings.phone_region)
        except NotAnAddress as error:
            raise Refused(400, f"the address: {error}") from error
        key = self._edge.hash_key
        contact = contact_node(self._workspace, listed.channel, address, key) if key else 0
        asked = {"workspace": self._workspace, "list": listed.list, "contact": contact, "address": address}
        rows = self._store.ask(Question(_ONE, asked))
        if not rows:
            raise Refused(404, "this address is not on the list, and was not before")
        return {"list": listed.list, **_shown(rows[0])}

    def _page(self, listed: ContactList, call: ContactCall, limit_max: int) -> Any:
        given = known(call.pairs, ("state", "after", "limit"))
        limit = limit_of(given, limit_max, CONTACTS)
        state = given.get("state", ["added"])[0]
        if state not in STATES:
            raise BadWish(f"state is one of {', '.join(STATES)}")
        asked = {
            "workspace": self._workspace, "list": listed.list, "after": _after(given), "state": state, "limit": limit + 1,
        }  # fmt: skip
        rows = self._store.ask(Question(_PAGE, asked))
        page = [_shown(row) for row in rows[:limit]]
        more = page[-1]["contact"] if len(rows) > limit else ""
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in _next(call.pairs, more))
        url = f"{PREFIX}{quote(listed.list)}?{query}" if more else ""
        cursor = {"url": url, "has_more": bool(more), "next": more, "limit": limit}
        return {"list": listed.list, "data": page, "cursor": cursor}


def _next(pairs: Pairs, more: str) -> list[tuple[str, str]]:
    return [*((name, value) for name, value in pairs if name != "after"), ("after", more)]


def _after(given: dict[str, list[str]]) -> int:
    """Raises BadWish."""
    text = given.get("after", ["0"])[0]
    try:
        after = int(text, 16)
    except ValueError:
        after = -1
    if not 0 <= after < 1 << 64:
        raise BadWish("after is the `next` of the page before")
    return after


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    contact, address, state, changed_at, mailer, origin, profile_id = row
    return {
        "contact": f"{contact:016x}",
        "address": address,
        "state": state,
        "changed_at": iso(changed_at),
        "mailer": mailer,
        "origin": origin,
        "profile_id": profile_id,
    }
