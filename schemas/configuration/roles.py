"""Which role a change of the configuration takes, by the table of docs/rules.md (tests/schemas/configuration/test_roles.py).

Whoever may open a door, or see what comes through it, is an admin: sources, keys, senders of webhooks, destinations, tokens;
and who must not be reached (opt-out lists), what is forgotten for ever (blocked identifiers), and rules of the project's level,
which fire for everything. All else is an editor's. A viewer plans.

Deliberately absent: who holds which role (tokens.py), and signatures.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.access.tokens import Role
from schemas.contacts.contact_lists import CONTACT_LIST
from schemas.control import ControlState
from schemas.rules.rule_levels import PROJECT
from schemas.rules.rules import RULE

_RANK: Final[Mapping[str, int]] = {"viewer": 0, "editor": 1, "admin": 2}

BLOCKED = "blocked_ids/"  # no documents, but a section of files

# What a kind of document takes, and whose change takes more.
ROLES: Final[Mapping[str, Role]] = {
    "segment": "editor",
    "pixel_event": "editor",
    "plan": "editor",
    "contact_list": "editor",
    "campaign": "editor",
    "mailer": "editor",
    "rule": "editor",
    "destination": "admin",
    "source": "admin",
    "server_key": "admin",
    "webhook": "admin",
    "token": "admin",
    "blocked_ids": "admin",
}
MORE: Final[Mapping[str, str]] = {
    "contact_list": "an opt-out list: admin",
    "rule": "at project level, or one that changes an opt-out list: admin",
}


def may(role: str, needed: str) -> bool:
    return _RANK[role] >= _RANK[needed]


def needed(key: str, before: ControlState, after: ControlState) -> Role:
    """For a document that is made, changed or deleted. Nobody can tell what one did that cannot be read: an admin decides."""
    if key in before.unreadable:
        return "admin"
    if key.startswith(RULE) and (_project_rule(key, before, after) or _opting_rule(key, before, after)):
        return "admin"
    if key.startswith(CONTACT_LIST) and _opt_out_list(key, before, after):
        return "admin"
    return ROLES.get(key.partition("/")[0], "admin")


def changed(before: ControlState, after: ControlState, records: Mapping[str, bytes | None]) -> list[str]:
    """Keys of what is not as it was."""
    return sorted(key for key in records if before.documents.get(key) != after.documents.get(key))


def refusals(
    role: str, token: str, before: ControlState, after: ControlState, keys: list[str]
) -> Iterator[str]:
    """What of the changed `keys` the role does not allow, each with the way out."""
    for key in keys:
        takes = needed(key, before, after)
        if not may(role, takes):
            what, mend = _told(key, before, after)
            yield f"{what}: that needs role {takes}, token {token} is {role}: {mend}"


def _told(key: str, before: ControlState, after: ControlState) -> tuple[str, str]:
    kind, _, rest = key.partition("/")
    name = rest.rpartition("/")[2] if kind != "pixel_event" else rest
    what = f"{kind.replace('_', ' ')} {name}"
    if key in before.unreadable and key.partition("/")[0] in ROLES:
        return f"{what} stands there and cannot be read", "have an admin apply it"
    if key.startswith(RULE) and (verb := _project_rule(key, before, after)):
        mend = "give it a campaign's level, or " if verb == "is" else ""
        return f"{what} {verb} at project level", f"{mend}have an admin apply it"
    if key.startswith(RULE) and (verb := _opting_rule(key, before, after)):
        return f"{what} {verb} one that changes an opt-out list", "have an admin apply it"
    if key.startswith(CONTACT_LIST) and (verb := _opt_out_list(key, before, after)):
        return f"{what} {verb} an opt-out list", "have an admin apply it"
    if key == BLOCKED:
        return "blocked_ids", "have an admin apply them"
    return what, "have an admin apply it"


def _project_rule(key: str, before: ControlState, after: ControlState) -> str:
    """ "is", or "was" when it is no more, or is of another level now; "" for neither."""
    for state, verb in ((after, "is"), (before, "was")):
        rule = state.written_rules.get(key)
        if rule is not None and rule.level == PROJECT:
            return verb
    return ""


def _opting_rule(key: str, before: ControlState, after: ControlState) -> str:
    """ "is" or "was" of a rule that says who must not be reached; "" for neither."""
    for state, verb in ((after, "is"), (before, "was")):
        rule = state.written_rules.get(key)
        action = rule.action.list if rule is not None else None
        name = (action.add or action.remove) if action is not None else None
        if rule is not None and name and _is_opt_out(f"{CONTACT_LIST}{rule.workspace}/{name}", before, after):
            return verb
    return ""


def _is_opt_out(key: str, *states: ControlState) -> bool:
    found = (state.contact_lists.get(key) for state in states)
    return any(each is not None and each.kind == "opt_out" for each in found)


def _opt_out_list(key: str, before: ControlState, after: ControlState) -> str:
    for state, verb in ((after, "is"), (before, "was")):
        found = state.contact_lists.get(key)
        if found is not None and found.kind == "opt_out":
            return verb
    return ""
