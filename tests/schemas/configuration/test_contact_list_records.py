"""Contact lists, campaigns and mailers as they are written down: what becomes of them, and what is refused."""

from typing import Any

import msgspec
import pytest

from schemas.configuration.contact_list_records import (
    LISTS_PER_WORKSPACE_MAX,
    BadContactList,
    campaign_records,
    contact_list_records,
    mailer_records,
    refuse_unfit_lists,
)
from schemas.contacts.contact_lists import ContactList, ListedBy
from schemas.control import ControlState
from schemas.segments.segment_records import Records

SIGNED_UP = {
    "event": "Newsletter Signed Up",
    "where": [{"path": "form", "op": "eq", "value": "footer"}],
    "address": "properties.address",
}
NEWS = {"list": "news", "channel": "email", "added_by": [SIGNED_UP]}
NO_NEWS = {"list": "no-news", "channel": "email", "kind": "opt_out", "campaigns": ["spring"]}
SPRING = {"campaign": "spring", "channel": "email"}
WEEKLY = {"mailer": "weekly", "channel": "email", "campaign": "spring"}


def records(*lists: Any, campaigns: tuple[Any, ...] = (), mailers: tuple[Any, ...] = ()) -> Records:
    return {**contact_list_records(lists), **campaign_records(campaigns), **mailer_records(mailers)}


def applied(before: ControlState, found: Records) -> ControlState:
    after = before.updated(found.items())
    refuse_unfit_lists(before, after, found)
    return after


def test_lists_campaigns_and_mailers_become_documents() -> None:
    state = applied(ControlState(), records(NEWS, NO_NEWS, campaigns=(SPRING,), mailers=(WEEKLY,)))
    listed = state.contact_lists["contact_list/main/news"]
    assert (listed.kind, listed.channel) == ("contacts", "email")
    (by,) = listed.added_by
    assert isinstance(by, ListedBy)
    assert (by.event, by.address, by.mailer) == (
        "Newsletter Signed Up",
        "properties.address",
        "properties.mailer",
    )
    assert state.contact_lists["contact_list/main/no-news"].campaigns == ("spring",)
    assert state.mailers["mailer/main/weekly"].campaign == "spring"
    assert state.unreadable == {}


def test_a_deleted_entry_takes_the_document_away() -> None:
    found = records(
        {"list": "news", "deleted": True},
        campaigns=({"campaign": "spring", "deleted": True, "workspace": "b"},),
        mailers=({"mailer": "weekly", "deleted": True},),
    )
    assert found == {"contact_list/main/news": None, "campaign/b/spring": None, "mailer/main/weekly": None}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"list": "news"}, r"contact list news: at its top: channel is missing"),
        ({"list": "news", "channel": "sms"}, r"at channel: expected one of email, phone"),
        ({**NEWS, "colour": "red"}, r'there is no key "colour"'),
        ({**NEWS, "list": "No News"}, r"at list: expected a name"),
        ({**NEWS, "campaigns": ["spring"]}, r"only an opt-out list is for campaigns"),
        ({**NEWS, "added_by": [{"where": []}]}, r"at added_by\[0\]: event is missing"),
        (
            {**NEWS, "deleted_by": [{"event": "A", "where": [{"path": "x", "op": "matches", "value": "("}]}]},
            r"at deleted_by\[0\]\.where\[0\]",
        ),
        ({"list": "news", "deleted": False}, r"contact_lists\[0\]: to delete one"),
        ({"list": "news", "deleted": True, "channel": "email"}, r"contact_lists\[0\]: to delete one"),
        ({"deleted": True}, r"contact_lists\[0\]: to delete one"),
        ("news", r"contact list \(without a name\)"),
    ],
)
def test_a_wrong_list_is_told_where_and_why(entry: Any, why: str) -> None:
    with pytest.raises(BadContactList, match=why):
        contact_list_records([entry])


def test_a_wrong_campaign_and_a_wrong_mailer_are_told() -> None:
    with pytest.raises(BadContactList, match=r"campaign spring: at channel: expected one of email, sms"):
        campaign_records([{"campaign": "spring", "channel": "fax"}])
    with pytest.raises(BadContactList, match=r'mailer weekly: at its top: there is no key "list"'):
        mailer_records([{**WEEKLY, "list": "news"}])
    with pytest.raises(BadContactList, match=r"mailer weekly stands twice under mailers"):
        mailer_records([WEEKLY, WEEKLY])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            records({**NEWS, "channel": "phone"}),
            r"contact list news: at channel: it is email and cannot become phone",
        ),
        (records({**NEWS, "kind": "opt_out"}), r"contact list news: at kind: it is contacts"),
        (records({**NO_NEWS, "list": "b", "channel": "phone"}), r"campaign spring is one by email"),
        (records(mailers=({**WEEKLY, "channel": "sms"},)), r"mailer weekly: at channel: it sends by sms"),
    ],
)
def test_what_does_not_fit_what_is_there_is_refused(changed: Records, why: str) -> None:
    before = applied(ControlState(), records(NEWS, NO_NEWS, campaigns=(SPRING,), mailers=(WEEKLY,)))
    with pytest.raises(BadContactList, match=why):
        applied(before, changed)


def test_a_workspace_has_a_thousand_lists_at_most() -> None:
    many = {
        (made := ContactList(list=f"l{n}", channel="email")).key: msgspec.json.encode(made)
        for n in range(LISTS_PER_WORKSPACE_MAX)
    }
    before = ControlState(many)
    applied(before, records({**NEWS, "list": "l1"}, {**NEWS, "workspace": "other"}))
    with pytest.raises(BadContactList, match="1001 contact lists in workspace main, at most 1000"):
        applied(before, records(NEWS))
