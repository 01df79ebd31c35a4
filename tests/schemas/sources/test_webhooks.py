"""Webhooks on the control topic: what is kept, by whom it is replaced, and that no secret is among it."""

from typing import Any

import msgspec
import pytest

from schemas.control import ControlState
from schemas.sources.webhooks import WEBHOOK_BYTES_MAX, Webhook, refuse_taken_ids, webhook_records

ENTRY: dict[str, Any] = {
    "id": "stripe",
    "signature": {"scheme": "stripe", "secrets": ["env:A", "file:/run/secrets/b"]},
    "events": [
        {"type": "track", "event": "Paid", "userId": "=body.user", "properties": {"a": ["=body.b", 1]}}
    ],
}


def test_what_is_kept_is_what_was_written() -> None:
    records = webhook_records([ENTRY, {"id": "old", "deleted": True}])
    assert records["webhook/old"] is None
    kept = ControlState(records).webhook("stripe")
    assert kept == msgspec.convert(ENTRY, Webhook)


def test_a_webhook_is_the_same_object_until_it_is_written_anew() -> None:
    first = ControlState(webhook_records([ENTRY]))
    second = first.updated(webhook_records([ENTRY | {"id": "other"}]).items())
    assert second.webhook("stripe") is first.webhook("stripe")
    third = second.updated(webhook_records([ENTRY | {"otherwise": "ignore"}]).items())
    assert third.webhook("stripe") is not first.webhook("stripe")
    assert third.updated([("webhook/stripe", None)]).webhook("stripe") is None
    assert first.webhook("stripe") is not None


@pytest.mark.parametrize(
    "secret", ["whsec_abc", "env:", "env:A B", "file:relative", "https://vault.example/a", "env:A\n"]
)
def test_a_secret_itself_can_never_stand_in_a_document(secret: str) -> None:
    with pytest.raises(ValueError, match=r"webhooks\[0\]") as caught:
        webhook_records([ENTRY | {"signature": {"scheme": "stripe", "secrets": [secret]}}])
    assert "whsec" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"events": []},
        {"events": ENTRY["events"] * 101},
        {"signature": {"scheme": "none", "secrets": ["env:A"]}},
        {"signature": {"scheme": "stripe", "secrets": []}},
        {"signature": {"scheme": "stripe", "secrets": ["env:A"] * 9}},
        {"signature": {"scheme": "stripe", "secrets": ["env:A"], "tolerance_s": 0}},
        {"id": "Not A Name"},
        {"unknown": 1},
        {"events": [{"type": "track", "userid": "=body.user"}]},
    ],
)
def test_a_document_that_says_nothing_usable_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"webhooks\[0\]: "):
        webhook_records([ENTRY | change])


def test_a_track_without_a_name_is_refused_when_it_is_written() -> None:
    with pytest.raises(
        ValueError, match=r"webhook stripe: events\[0\]: event is missing: a track has a name"
    ):
        webhook_records([ENTRY | {"events": [{"type": "track", "userId": "=body.user"}]}])


def test_one_that_is_too_long_or_no_json_is_refused() -> None:
    long = ENTRY["events"][0] | {"properties": {"a": "x" * WEBHOOK_BYTES_MAX}}
    with pytest.raises(ValueError, match="at most 200000"):
        webhook_records([ENTRY | {"events": [long]}])
    with pytest.raises(ValueError, match="stands twice"):
        webhook_records([ENTRY, {"id": "stripe", "deleted": True}])


def test_a_webhook_and_a_source_never_share_an_id() -> None:
    webhooks = [msgspec.convert(ENTRY, Webhook)]
    refuse_taken_ids(webhooks, ["shop"])
    with pytest.raises(ValueError, match="stripe is the id of a source already"):
        refuse_taken_ids(webhooks, ["shop", "stripe"])
