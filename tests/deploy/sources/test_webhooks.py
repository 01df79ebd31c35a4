"""The worked examples of webhooks, each with its payload; and what `stitchline webhook` shows and refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.applying.configuration import BadConfiguration, read_file
from deploy.cli import app
from deploy.sources.webhooks import NOBODY
from schemas.control import ControlState

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples" / "webhooks"
FILE = EXAMPLES / "webhooks.yaml"
FORM = "Content-Type: application/x-www-form-urlencoded"
Call = dict[str, Any]


def show(webhook: str, payload: Path, *options: str, file: Path = FILE) -> tuple[int, dict[str, Any]]:
    asked = ["webhook", webhook, "--try", str(payload), "--file", str(file), *options]
    found = CliRunner().invoke(app, asked)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, json.loads(found.stdout)


def summary(call: Call) -> tuple[str, str, str, str]:
    """Type, name, message id and whose it is."""
    email = call.get("traits", {}).get("email") or call.get("context", {}).get("traits", {}).get("email")
    whose = call.get("userId") or call.get("anonymousId") or email
    return call["type"], call.get("event", ""), call["messageId"], str(whose)


WORKED: dict[str, tuple[str, list[str], list[tuple[str, str, str, str]]]] = {
    "stripe": ("stripe.json", [], [("track", "Order Completed", "stripe:evt_1", "ann")]),
    "shopify": (
        "shopify.json",
        ["--header", "X-Shopify-Topic: orders/create", "--header", "X-Shopify-Event-Id: s-1"],
        [("track", "Order Completed", "shopify:s-1", "207119551"), ("identify", "", "shopify:s-1:1", "207119551")],
    ),
    "calendly": (
        "calendly.json",
        [],
        [("track", "Meeting Booked", "calendly:https://calendar.example/scheduled_events/E1/invitees/I1", "bob@shop.example")],
    ),
    "typeform": (
        "typeform.json",
        [],
        [("identify", "", "typeform:01-event", "visitor-1"), ("track", "Lead Captured", "typeform:01-event:1", "visitor-1")],
    ),
    "github": (
        "github.json",
        ["--header", "X-GitHub-Event: push", "--header", "X-GitHub-Delivery: d-1"],
        [
            ("track", "Commit Pushed", "github:d-1:1", "ann@shop.example"),
            ("track", "Commit Pushed", "github:d-1:1.1", "bob@shop.example"),
        ],
    ),
    "twilio": (
        "twilio.form",
        ["--header", FORM],
        [("track", "Message Received", "twilio:SM1", "phone-+41000000000")],
    ),
    "mailchimp": (
        "mailchimp.form",
        ["--header", FORM],
        [("identify", "", "mailchimp:subscribem12026-01-01 09:00:00", "ann@shop.example")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("webhook", WORKED)
def test_a_worked_example_becomes_the_events_that_it_promises(webhook: str) -> None:
    payload, options, wanted = WORKED[webhook]
    code, found = show(webhook, EXAMPLES / payload, *options)
    assert (code, found["dead_letters"], found["remarks"]) == (0, [], [])
    assert [summary(call) for call in found["events"]] == wanted


def test_there_is_an_example_with_a_payload_for_each_webhook_of_the_file() -> None:
    ids = {webhook.id for webhook in ControlState(read_file(FILE)).webhooks.values()}
    assert ids == set(WORKED)
    assert {path.name for path in EXAMPLES.iterdir()} == {
        "webhooks.yaml",
        *(worked[0] for worked in WORKED.values()),
    }


def test_the_worked_amounts_are_in_the_currency_s_unit() -> None:
    _, stripe = show("stripe", EXAMPLES / "stripe.json")
    assert stripe["events"][0]["properties"] == {"order_id": "o-1", "total": 63.5, "currency": "EUR"}
    _, shopify = show("shopify", EXAMPLES / "shopify.json", *WORKED["shopify"][1])
    order = shopify["events"][0]["properties"]
    assert (order["total"], order["products"][0]["price"], order["notes"]) == (63.5, 12.25, {"gift": "yes"})


OWN = """
webhooks:
  - id: own
    signature: {scheme: bearer, secrets: ["env:OWN"]}
    events:
      - {type: track, event: Happened, userId: =body.user, messageId: =body.id, properties: {n: "=sum(body.n)"}}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    return file


def test_what_would_become_a_dead_letter_is_shown_with_its_place(own: Path, tmp_path: Path) -> None:
    payload = tmp_path / "p.json"
    payload.write_text('{"id": 1, "user": "ann", "n": ["many"]}')
    code, found = show("own", payload, file=own)
    [letter] = found["dead_letters"]
    assert (code, found["events"], letter["reason"]) == (1, [], "mapping_failed")
    assert letter["detail"].startswith("events[0].properties.n: JMESPathTypeError")
    payload.write_text("no JSON")
    assert show("own", payload, file=own)[1]["dead_letters"][0]["reason"] == "invalid_json"


def test_an_event_of_nobody_is_remarked(own: Path, tmp_path: Path) -> None:
    payload = tmp_path / "p.json"
    payload.write_text('{"id": 1, "n": [1]}')
    code, found = show("own", payload, file=own)
    assert (code, found["remarks"]) == (1, [f"own:1: {NOBODY}"])


def told(*options: str) -> str:
    found = CliRunner().invoke(app, ["webhook", *options])
    assert found.exit_code != 0
    return str(found.exception)


def test_what_cannot_be_tried_is_told(own: Path) -> None:
    assert (
        told("other", "--try", str(own), "--file", str(own)) == f"{own} has no webhook 'other'; there is: own"
    )
    assert "write it as" in told("own", "--try", str(own), "--file", str(own), "--header", "no colon")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("webhooks: [{id: a}]", "webhooks[0]: Object missing required field `signature`"),
        (OWN.replace("env:OWN", "s3cr3t"), "webhooks[0]: "),
        (OWN.replace("type: track", "type: shout"), "webhooks[0]: Invalid enum value 'shout'"),
        (OWN.replace("=body.user", "=user"), "webhook own: events[0].userId: there is no user"),
        (OWN + OWN.partition("webhooks:\n")[2], "webhook own stands twice"),
        (OWN + "  - {id: gone, deleted: false}", "webhooks[1]: "),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_place(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(text)
    with pytest.raises(BadConfiguration) as caught:
        read_file(file)
    assert why in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_an_entry_may_take_a_webhook_away(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("webhooks: [{id: gone, deleted: true}]")
    assert read_file(file) == {"webhook/gone": None}
