"""Roles: what each change takes, and in which words it is refused."""

from itertools import product
from typing import Any

import msgspec
import pytest

from schemas.configuration.roles import MORE, ROLES, changed, may, needed, refusals
from schemas.control import ControlState
from tests.documented import table_of

NEW: dict[str, bytes] = {
    "segment/main/vip": b'{"segment":"vip","where":{"in_list":"l"}}',
    "pixel_event/shop/Menu Opened": b'{"event":"Menu Opened","source":"shop","trigger":{"page":{}}}',
    "plan/shop": b'{"source":"shop"}',
    "contact_list/main/customers": b'{"list":"customers","channel":"email"}',
    "campaign/main/spring": b'{"campaign":"spring","channel":"email"}',
    "mailer/main/till": b'{"mailer":"till","channel":"email"}',
    "rule/main/theirs": (
        b'{"rule":"theirs","trigger":{"contact":{"change":"added"}},"action":{"event":{"name":"B"}},'
        b'"level":"email_campaign","object":"spring"}'
    ),
    "destination/main/crm": b'{"destination":"crm","http":{"url":"https://crm.example"}}',
    "source/shop": b'{"id":"shop","workspace":"main","write_key_hashes":[]}',
    "server_key/app": b'{"id":"app","workspace":"main","key_hashes":[]}',
    "webhook/pay": b'{"id":"pay"}',
    "token/jane": b"{}",
    "unheard/x": b"{}",
}
WIDE = (
    b'{"rule":"welcome","trigger":{"contact":{"change":"added"}},"action":{"event":{"name":"B"}}}',
    (
        b'{"rule":"welcome","trigger":{"contact":{"change":"added"}},"action":{"event":{"name":"B"}},'
        b'"level":"email_campaign","object":"spring"}'
    ),
)
LISTS = (b'{"list":"no","channel":"email","kind":"opt_out"}', b'{"list":"no","channel":"email"}')


def state(**documents: bytes) -> ControlState:
    return ControlState().updated(documents.items())


def of(key: str, before: bytes | None, after: bytes | None) -> tuple[ControlState, ControlState]:
    old = ControlState().updated([(key, before)] if before else [])
    return old, old.updated([(key, after)])


@pytest.mark.parametrize(("key", "way"), list(product(NEW, ["made", "deleted", "changed"])))
def test_each_kind_takes_its_role_whatever_is_done_with_it(key: str, way: str) -> None:
    old, new = {
        "made": (None, NEW[key]),
        "deleted": (NEW[key], None),
        "changed": (NEW[key], NEW[key] + b" "),
    }[way]
    expected = ROLES.get(key.partition("/")[0], "admin")
    assert needed(key, *of(key, old, new)) == expected


@pytest.mark.parametrize(
    ("key", "wide", "narrow"),
    [("rule/main/welcome", *WIDE), ("contact_list/main/no", *LISTS)],
    ids=["project rule", "opt-out list"],
)
def test_some_take_more_also_to_be_deleted_or_moved(key: str, wide: bytes, narrow: bytes) -> None:
    for old, new in [(None, wide), (wide, None), (wide, wide + b" "), (wide, narrow), (narrow, wide)]:
        assert needed(key, *of(key, old, new)) == "admin"
    assert needed(key, *of(key, narrow, narrow + b" ")) == "editor"
    assert needed(key, *of(key, narrow, None)) == "editor"


def test_a_higher_role_may_what_a_lower_one_may() -> None:
    order = ["viewer", "editor", "admin"]
    assert all(
        may(role, takes) is (order.index(role) >= order.index(takes)) for role in order for takes in order
    )


def test_what_stays_as_it_is_takes_no_role() -> None:
    before = ControlState().updated(NEW.items())
    assert changed(before, before.updated(NEW.items()), NEW) == []
    more: dict[str, bytes | None] = {**NEW, "segment/main/vip": None, "plan/gone": None}
    assert changed(before, before.updated(more.items()), more) == ["segment/main/vip"]


@pytest.mark.parametrize(
    ("key", "old", "new", "words"),
    [
        (
            "rule/main/welcome",
            None,
            WIDE[0],
            ("rule welcome is at project level: that needs role admin, token jane is editor: give it a campaign's level, or have "
            "an admin apply it"),
        ),
        (
            "rule/main/welcome",
            WIDE[0],
            WIDE[1],
            "rule welcome was at project level: that needs role admin, token jane is editor: have an admin apply it",
        ),
        (
            "contact_list/main/no",
            LISTS[0],
            None,
            "contact list no was an opt-out list: that needs role admin, token jane is editor: have an admin apply it",
        ),
        (
            "destination/main/crm",
            None,
            NEW["destination/main/crm"],
            "destination crm: that needs role admin, token jane is editor: have an admin apply it",
        ),
        (
            "server_key/app",
            NEW["server_key/app"],
            None,
            "server key app: that needs role admin, token jane is editor: have an admin apply it",
        ),
    ],
)  # fmt: skip
def test_a_refusal_says_what_why_and_the_way_out(
    key: str, old: bytes | None, new: bytes | None, words: str
) -> None:
    before, after = of(key, old, new)
    assert list(refusals("editor", "jane", before, after, [key])) == [words]
    assert list(refusals("admin", "jane", before, after, [key])) == []


def test_identifiers_that_are_blocked_are_an_admins() -> None:
    nothing = ControlState()
    told = list(refusals("editor", "jane", nothing, nothing, ["blocked_ids/"]))
    assert told == ["blocked_ids: that needs role admin, token jane is editor: have an admin apply them"]


def test_the_page_has_the_table_of_roles() -> None:
    shown = {kind: role + (f"; {MORE[kind]}" if kind in MORE else "") for kind, role in ROLES.items()}
    assert dict(_row(cells) for cells in table_of("rules.md", "Roles")) == shown


def _row(cells: list[Any]) -> tuple[str, str]:
    return cells[0].strip("`"), cells[1]


def test_every_kind_of_document_that_a_file_makes_has_a_role() -> None:
    assert set(ROLES) == {key.partition("/")[0] for key in NEW} - {"unheard"} | {"blocked_ids"}
    assert msgspec.json.encode(ROLES)


@pytest.mark.parametrize("way", ["add", "remove"])
def test_a_rule_that_changes_an_opt_out_list_is_an_admins_at_any_level(way: str) -> None:
    rule = (
        b'{"rule":"theirs","trigger":{"contact":{"change":"added"}},"action":{"list":{"%s":"no"}},'
        b'"level":"email_campaign","object":"spring"}' % way.encode()
    )
    for listed, role in zip(LISTS, ("admin", "editor"), strict=True):
        old, new = of("contact_list/main/no", None, listed)[1], {"rule/main/theirs": rule}
        after = old.updated(new.items())
        assert needed("rule/main/theirs", old, after) == role
        assert needed("rule/main/theirs", after, old) == role
    (told,) = refusals("editor", "jane", *_with_opting(rule), ["rule/main/theirs"])
    assert told == (
        "rule theirs is one that changes an opt-out list: that needs role admin, token jane is editor: "
        "have an admin apply it"
    )


def _with_opting(rule: bytes) -> tuple[ControlState, ControlState]:
    old = of("contact_list/main/no", None, LISTS[0])[1]
    return old, old.updated([("rule/main/theirs", rule)])


def test_what_cannot_be_read_is_an_admins_to_replace() -> None:
    old = ControlState().updated([("rule/main/a", b"{")])
    new = old.updated([("rule/main/a", None)])
    assert needed("rule/main/a", old, new) == "admin"
    assert list(refusals("editor", "jo", old, new, ["rule/main/a"])) == [
        "rule a stands there and cannot be read: that needs role admin, token jo is editor: have an admin apply it"
    ]
