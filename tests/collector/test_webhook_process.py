"""Webhooks at a real collector on a real broker: what is answered 200 is in Kafka, and nothing else is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from collector.replies import Reply
from collector.webhooks.webhook_book import WebhookBook
from deploy.applying.authority import Wish
from deploy.applying.configuration import BadConfiguration, apply_file
from runtime.environment.settings import KafkaSettings
from runtime.secrets import SECRETS_AGE_S_MAX, Secrets
from schemas.events.reasons import Reason
from tests.collector.process import (
    Collector,
    ask,
    dead_letters,
    environment,
    prepare,
    raw_events,
    running,
    until,
)
from tests.collector.webhooks import ENTRY, SECRET, digest, webhook

FILE = """
webhooks:
  - id: repo
    workspace: shop
    signature: {scheme: github, secrets: ["env:REPO_SECRET"]}
    events:
      - {when: headers.x_kind == 'paid', type: track, event: Paid, userId: =body.user, messageId: =body.id}
  - id: form
    signature: {scheme: query, parameter: token, secrets: ["env:REPO_SECRET"]}
    events: [{type: identify, email: "=body.data.email", messageId: "=body.id"}]
  - id: lost
    signature: {scheme: bearer, secrets: ["env:NOT_SET"]}
    events: [{type: track, event: Paid, userId: u, messageId: =body.id}]
  - id: slow
    signature: {scheme: query, parameter: token, secrets: ["env:REPO_SECRET"]}
    events_per_s_max: 0.01
    events: [{type: track, event: Paid, userId: u, messageId: =body.id}]
"""


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka, REPO_SECRET=SECRET.decode(), COLLECTOR_BODY_BYTES_MAX="100000")


@pytest.fixture(scope="module")
def settings(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> KafkaSettings:
    settings = prepare(environ)
    file = tmp_path_factory.mktemp("webhooks") / "webhooks.yaml"
    file.write_text(FILE)
    apply_file(file, settings, Wish("test"))
    return settings


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


def deliver(collector: Collector, body: bytes, path: str = "/w/repo", **headers: str) -> httpx.Response:
    signed = {
        "x-hub-signature-256": f"sha256={digest(body).hex()}",
        "x-kind": "paid",
        "content-type": "application/json",
    }
    return ask(collector, "POST", path, content=body, headers=signed | headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["code"]


def stored(settings: KafkaSettings, prefix: str) -> list[dict[str, Any]]:
    return [
        json.loads(event.payload) for event in raw_events(settings) if event.message_id.startswith(prefix)
    ]


def test_a_delivery_is_in_kafka_when_it_is_answered(collector: Collector, settings: KafkaSettings) -> None:
    assert deliver(collector, b'{"id": "kept", "user": "ann"}').status_code == 200
    [event] = [event for event in raw_events(settings) if event.message_id == "repo:kept"]
    assert (event.workspace, event.source, event.type, event.connection) == ("shop", "repo", "track", None)
    assert json.loads(event.payload)["userId"] == "ann"
    assert deliver(collector, b'{"id": "slash", "user": "ann"}', "/w/repo/").status_code == 200


def test_who_proves_nothing_leaves_nothing(collector: Collector, settings: KafkaSettings) -> None:
    body = b'{"id": "forged", "user": "ann"}'
    letters = len(dead_letters(settings))
    assert code(deliver(collector, body, **{"x-hub-signature-256": "sha256=00"})) == (403, "wrong_signature")
    assert code(ask(collector, "POST", "/w/repo", content=body)) == (401, "no_signature")
    assert code(deliver(collector, body, "/w/other")) == (404, "unknown_webhook")
    assert code(deliver(collector, body, "/w/lost", authorization="Bearer x")) == (503, "webhook_unusable")
    assert code(ask(collector, "GET", "/w/repo")) == (405, "method_not_allowed")
    assert code(deliver(collector, b" " * 100_001)) == (413, "body_too_large")
    assert (stored(settings, "repo:forged"), len(dead_letters(settings))) == ([], letters)
    counted = ask(collector, "GET", "/metrics").text
    for reason in ("wrong_signature", "no_signature", "unknown_webhook"):
        assert f'reason="{reason}"' in counted


def test_a_payload_that_no_entry_wants_is_kept_and_answered_200(
    collector: Collector, settings: KafkaSettings
) -> None:
    assert deliver(collector, b'{"id": "odd"}', **{"x-kind": "odd"}).status_code == 200
    letters = [letter for letter in dead_letters(settings) if letter["payload"] == b'{"id": "odd"}']
    assert [(letter["source"], letter["workspace"], letter["reason"]) for letter in letters] == [
        ("repo", "shop", "unmapped")
    ]


def test_a_form_with_a_token_in_its_address_is_taken(collector: Collector, settings: KafkaSettings) -> None:
    address = f"/w/form?token={SECRET.decode()}"
    assert ask(collector, "GET", address).status_code == 200
    answer = ask(collector, "POST", address, data={"id": "f-1", "data[email]": "ann@shop.example"})
    assert answer.status_code == 200
    [call] = stored(settings, "form:f-1")
    assert call["traits"] == {"email": "ann@shop.example"}
    assert SECRET not in b"".join(event.payload for event in raw_events(settings))


def test_a_webhook_has_a_rate_like_any_source(collector: Collector) -> None:
    address = f"/w/slow?token={SECRET.decode()}"
    answers = [ask(collector, "POST", address, json={"id": number}) for number in range(2)]
    assert answers[0].status_code == 200
    assert code(answers[1]) == (429, "rate_limited")
    assert int(answers[1].headers["retry-after"]) > 1


def test_another_document_counts_at_once_and_a_source_s_id_is_refused(
    collector: Collector, settings: KafkaSettings, tmp_path: Path
) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(FILE.replace("id: repo", "id: late").partition("  - id: form")[0])
    apply_file(file, settings, Wish("later"))
    until(lambda: deliver(collector, b'{"id": "l", "user": "u"}', "/w/late").status_code == 200)
    file.write_text("webhooks: [{id: late, deleted: true}]")
    apply_file(file, settings, Wish("last"))
    until(lambda: deliver(collector, b'{"id": "l", "user": "u"}', "/w/late").status_code == 404)
    file.write_text(FILE.replace("id: repo", "id: shop").partition("  - id: form")[0])
    with pytest.raises(BadConfiguration, match="shop is the id of a source already"):
        apply_file(file, settings, Wish("never"))


def test_secrets_are_read_again_after_a_while_and_a_file_may_change(tmp_path: Path) -> None:
    file, now = tmp_path / "secret", [0.0]
    secrets = Secrets({"A": " one ", "EMPTY": " "}, lambda: now[0])
    references = ["env:A", "env:EMPTY", "env:NOT", f"file:{file}"]
    assert secrets.of(references) == [b"one"]
    file.write_bytes(b"two\n")
    assert secrets.of(references) == [b"one"]
    now[0] += SECRETS_AGE_S_MAX + 1
    assert secrets.of(references) == [b"one", b"two"]
    file.write_bytes(b"x" * 5_000)
    now[0] += SECRETS_AGE_S_MAX + 1
    assert secrets.of(references) == [b"one"]


def test_a_mapping_is_compiled_once_for_each_document() -> None:
    book = WebhookBook(Secrets({"SECRET": "x"}, lambda: 0.0))
    document = webhook()
    first, again = book.ready(document), book.ready(document)
    other = book.ready(msgspec.structs.replace(document))
    assert not isinstance(first, Reply)
    assert not isinstance(again, Reply)
    assert not isinstance(other, Reply)
    assert first.mapping is again.mapping
    assert first.mapping is not other.mapping


def test_a_document_that_this_release_cannot_read_is_503_and_no_event_is_lost() -> None:
    book = WebhookBook(Secrets({}, lambda: 0.0))
    reply = book.ready(webhook(ENTRY | {"when": "tomorrow(body)"}))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.reason) == (503, Reason.WEBHOOK_UNUSABLE)
    assert b"tomorrow" not in reply.body
