"""Tokens, roles and signatures, through the command line and Kafka: who may apply what, and what is told of it later."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec
import pytest
from typer.testing import CliRunner, Result

from deploy.applying.authority import NotAllowed, Wish, authorised
from deploy.applying.signing import Held, is_signed, read_token
from deploy.applying.tokens import History, history
from deploy.cli import app
from deploy.orders.suppress import DONE
from runtime.control import read_control, write_control
from runtime.environment.settings import KafkaSettings
from runtime.kafka import ensure_topics
from schemas.access.tokens import APPLIES_KEPT_MAX, Apply, applies_in, said_by, signed_bytes, superfluous
from schemas.control import ControlState
from schemas.identity.identifiers import node_id, node_key
from schemas.identity.order_documents import hex_of
from schemas.segments.segment_records import Records
from tests.engines import delete_topics
from tests.sinks.stage import Tables

HASH_KEY = bytes(range(16))
_LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")
PROJECT = "rules: [{rule: welcome, trigger: {contact: {change: added}}, action: {event: {name: B}}}]"
CAMPAIGN = (
    "campaigns: [{campaign: spring, channel: email}]\n"
    "rules: [{rule: theirs, trigger: {contact: {change: added}}, action: {event: {name: B}}, "
    "level: email_campaign, object: spring}]"
)
FORGED = b'{"rule":"forged","trigger":{"contact":{"change":"deleted"}},"action":{"event":{"name":"X"}}}'
VIP = b'{"segment":"a","where":{"in_list":"l"}}'
SEGMENT = "segments: [{segment: vip, where: {did: {event: A}}}]"


class Deployment:
    """A Kafka, and the command line in front of it."""

    def __init__(self, kafka: str, prefix: str, folder: Path) -> None:
        self.folder = folder
        self.settings = KafkaSettings(
            bootstrap_servers=kafka,
            topic_prefix=prefix,
            partitions=1,
            replication_factor=1,
            min_insync_replicas=1,
        )
        self.environ: dict[str, str] = {}
        ensure_topics(self.settings)

    def run(self, *arguments: str, token: str = "") -> Result:
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": self.settings.bootstrap_servers,
            "STITCHLINE_TOPIC_PREFIX": self.settings.topic_prefix,
            "STITCHLINE_TOKEN": token,
            **self.environ,
        }
        return CliRunner().invoke(app, arguments, env=environ)

    def told(self, *arguments: str, token: str = "") -> str:
        """What it prints, without what is logged, which goes elsewhere where the program is started as one."""
        result = self.run(*arguments, token=token)
        assert result.exit_code == 0, result.output or repr(result.exception)
        lines = result.stdout.splitlines()
        return "\n".join(line for line in lines if not _LOGGED.match(line) and not line.startswith("keep it"))

    def refused(self, *arguments: str, token: str = "") -> str:
        result = self.run(*arguments, token=token)
        assert isinstance(result.exception, NotAllowed), result.output
        return str(result.exception)

    def file(self, text: str) -> str:
        path = self.folder / "configuration.yaml"
        path.write_text(text)
        return str(path)

    def state(self) -> ControlState:
        return read_control(self.settings, self.settings.answer_timeout_s)


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path)


class Texts(NamedTuple):
    """The texts of tokens that were made."""

    admin: str
    editor: str
    viewer: str
    other: str


def with_tokens(deployment: Deployment) -> Texts:
    told, refused = deployment.told, deployment.refused
    told("apply", deployment.file(SEGMENT))
    assert "the first token is an admin's" in refused("token", "--role", "editor", "--id", "jane")
    admin = told("token", "--role", "admin", "--id", "root")
    no_token = refused("token", "--role", "editor", "--id", "jane")
    assert "every apply is signed since there are tokens" in no_token
    rest = [
        told("token", "--role", role, "--id", name, "--expires", "1d", token=admin)
        for role, name in (("editor", "jane"), ("viewer", "paul"), ("editor", "eve"))
    ]
    return Texts(admin, *rest)


@pytest.fixture(scope="module")
def shared(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Texts]]:
    """One deployment with tokens, for tests that leave each other's documents alone."""
    prefix = f"t{uuid4().hex[:10]}-"
    found = Deployment(kafka, prefix, tmp_path_factory.mktemp("tokens"))
    yield found, with_tokens(found)
    delete_topics(kafka, prefix)


def test_a_role_may_apply_what_it_may_and_each_refusal_says_why(shared: tuple[Deployment, Texts]) -> None:
    deployment, tokens = shared
    told, refused = deployment.told, deployment.refused
    project = deployment.file(PROJECT)
    for token, words in [
        ("", "every apply is signed"),
        (
            tokens.editor,
            (
                "rule welcome is at project level: that needs role admin, token jane is editor: give it a campaign's level, or "
                "have an admin apply it"
            ),
        ),
        (tokens.viewer, "token paul is viewer, which may plan and applies nothing"),
        ("stitchline.jane", "the token given is none"),
        (Held("jane", b"x" * 32).text, "token jane is none of this deployment's"),
        (Held("someone", b"x" * 32).text, "token someone is none of this deployment's"),
    ]:
        assert words in refused("apply", project, token=token)
    assert "rule/main/welcome" in told("plan", project, token=tokens.viewer)
    assert "rule/main/welcome" not in deployment.state().rules, "nothing of what was refused was written"

    applied = msgspec.json.decode(told("apply", project, token=tokens.admin))
    assert applied["written"] == ["rule/main/welcome"]
    gone = deployment.file("rules: [{rule: welcome, deleted: true}]")
    assert "rule welcome was at project level" in refused("apply", gone, token=tokens.editor)
    both = deployment.file(CAMPAIGN.replace("[{rule", "[" + PROJECT[8:-1] + ", {rule"))
    written = msgspec.json.decode(told("apply", both, token=tokens.editor))["written"]
    assert written == ["campaign/main/spring", "rule/main/theirs"], "what stays as it is needs no role"


def test_what_a_file_blocks_is_planned_and_takes_an_admin_unless_it_is_blocked_already(
    shared: tuple[Deployment, Texts], clickhouse: str, module_database: str
) -> None:
    deployment, tokens = shared
    Tables(clickhouse, module_database).client.close()
    deployment.environ = {
        "CLICKHOUSE_URL": clickhouse,
        "STITCHLINE_DATABASE": module_database,
        "STITCHLINE_HASH_KEY": HASH_KEY.hex(),
    }
    known = f"{DONE}{hex_of(node_id(node_key('main', 'u', 'kiosk'), HASH_KEY))}"
    write_control(deployment.settings, {known: b"{}"}, "by hand")
    some = deployment.file("blocked_ids: [{ids: ['u:kiosk', 'e:Test@shop.example']}]")
    assert deployment.told("plan", some, token=tokens.viewer).splitlines() == [
        "added    blocked_ids/main/e:test@shop.example",
        "1 added, 0 changed, 0 deleted, 1 unchanged; takes role admin",
    ]
    assert "blocked_ids: that needs role admin" in deployment.refused("apply", some, token=tokens.editor)
    same = deployment.file("blocked_ids: [{ids: ['u:kiosk']}]")
    applied = msgspec.json.decode(deployment.told("apply", same, token=tokens.editor))
    assert (applied["written"], applied["blocked"]) == ([], [])


def test_a_revoked_token_is_refused_and_the_history_tells_who_did_what(
    shared: tuple[Deployment, Texts],
) -> None:
    deployment, tokens = shared
    told, refused = deployment.told, deployment.refused
    assert "needs role admin" in refused("token", "--role", "viewer", "--id", "more", token=tokens.editor)
    told("token", "--revoke", "eve", token=tokens.admin)
    assert "token eve was revoked" in refused("apply", deployment.file(SEGMENT), token=tokens.other)
    assert "the last admin that does not end" in refused("token", "--revoke", "root", token=tokens.admin)
    assert [line.split()[:3] for line in told("token", "--list").splitlines()] == [
        ["eve", "editor", "revoked"],
        ["jane", "editor", "until"],
        ["paul", "viewer", "until"],
        ["root", "admin", "valid"],
    ]

    found = msgspec.json.decode(told("history", "--json"), type=History)
    assert {each.signature for each in found.applies if each.token} == {"valid"}
    assert found.unaccounted == ["segment/main/vip"], "it was applied before there were tokens"
    write_control(deployment.settings, {"rule/main/forged": FORGED}, "by-hand")
    assert "rule/main/forged: no apply with a valid signature" in told("history")


def test_a_plan_is_told_and_writes_nothing(deployment: Deployment) -> None:
    deployment.told("apply", deployment.file(SEGMENT))
    before = deployment.state().documents
    told = deployment.told("plan", deployment.file(f"{SEGMENT.replace('A}', 'B}')}\n{PROJECT}")).splitlines()
    assert [line.split()[:2] for line in told[:2]] == [
        ["added", "rule/main/welcome"],
        ["changed", "segment/main/vip"],
    ]
    assert told[1].endswith("(where)")
    assert told[-1] == "1 added, 1 changed, 0 deleted, 0 unchanged; takes role admin"
    assert deployment.state().documents == before


def test_a_token_is_read_from_its_text_and_signs() -> None:
    held = Held("jane", bytes(range(32)))
    assert read_token(f" {held.text}\n") == held
    signature = held.sign(b"what was written")
    assert is_signed(held.public_key, signature, b"what was written")
    assert not is_signed(held.public_key, signature, b"something else")
    assert not is_signed(Held("jane", b"y" * 32).public_key, signature, b"what was written")
    assert not is_signed("none", "at all", b"what was written")


@pytest.mark.parametrize(
    "text", ["", "jane", "stitchline.jane", "stitchline..AAAA", "stitchline.a.!", "other.a.AAAA"]
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_token(text) is None


def _documents(*, expires_at: int = 0, at: int = 5) -> tuple[dict[str, bytes], Apply]:
    held = Held("jane", b"x" * 32)
    said = said_by("one", at, "jane", {"segment/main/a": VIP})
    apply = msgspec.structs.replace(said, signature=held.sign(signed_bytes(said)))
    token = {
        "token": "jane",
        "role": "admin",
        "public_key": held.public_key,
        "created_at": 1,
        "expires_at": expires_at,
    }
    documents = {
        "token/jane": msgspec.json.encode(token),
        "segment/main/a": VIP,
        apply.key: msgspec.json.encode(apply),
    }
    return documents, apply


def test_the_history_says_what_a_signature_is_worth() -> None:
    documents, apply = _documents()
    found = history(ControlState(documents))
    assert [each.signature for each in found.applies] == ["valid"]
    assert found.unaccounted == ["token/jane"]
    changed = msgspec.structs.replace(apply, documents={"segment/main/a": "0" * 64})
    for other, words in [
        (changed, "not by this token, or of other documents"),
        (msgspec.structs.replace(apply, token="eve"), "of no token that is known"),
        (msgspec.structs.replace(apply, token="", signature=""), "unsigned"),
    ]:
        forged = documents | {apply.key: msgspec.json.encode(other)}
        told = history(ControlState(forged))
        assert [each.signature for each in told.applies] == [words]
        assert "segment/main/a" in told.unaccounted
    late, _ = _documents(expires_at=4)
    assert [each.signature for each in history(ControlState(late)).applies] == ["after the token had ended"]


def test_old_applies_go_when_they_say_nothing_any_more() -> None:
    made = [said_by(f"{place:04}", place, "", {"a": b"1"}) for place in range(APPLIES_KEPT_MAX + 2)]
    oldest = said_by("first", -1, "", {"b": b"1"})
    documents = {each.key: msgspec.json.encode(each) for each in [*made, oldest]}
    assert superfluous(applies_in(documents), {"a": b"1", "b": b"1"}) == ["apply/0001", "apply/0000"]
    assert "apply/first" in superfluous(applies_in(documents), {"a": b"1"})


def test_an_expired_token_is_refused_and_what_stays_is_not_written_again() -> None:
    documents, _ = _documents(expires_at=10)
    before = ControlState(documents)
    text = Held("jane", b"x" * 32).text
    with pytest.raises(NotAllowed, match="token jane has expired: ask an admin"):
        authorised(before, before, {}, Wish(apply_id="two", token=text, at=10))
    same: Records = {"segment/main/a": VIP}
    again = authorised(before, before, same, Wish(apply_id="two", token=text, at=9))
    assert list(again) == ["apply/two"]
    other: Records = {"segment/main/a": None}
    written = authorised(before, before.updated(other.items()), other, Wish(apply_id="two", token=text, at=9))
    assert list(written) == ["segment/main/a", "apply/two"]
