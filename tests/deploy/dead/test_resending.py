"""Dead letters in a real ClickHouse, counted, shown and sent to a real Kafka again."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from collector.limits import Limits
from deploy.cli import app
from deploy.dead.again import Door
from deploy.dead.letters import Meant, NoSuchLetter
from deploy.dead.resending import Target, kinds, pages, resent, shown
from runtime.control import write_control
from runtime.sending import send
from runtime.streams.progress import Progress
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.events.dead_letter import NOWHERE, Cause, Lineage, Sender, Stage, dead_letter
from schemas.events.pack import PackedEvent, decode_pack, encode_pack
from schemas.events.reasons import Reason
from schemas.identity.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_RAW
from schemas.wire.codec import DEAD_LETTER, RESOLVED_EVENT, encode_dead_letter
from tests.runtime.topic_log import read_topic
from tests.sinks.stage import Tables, Topics, event

NOW = 1_790_000_000_000
LIMITS = Limits(
    event_bytes_max=32_000, body_bytes_max=500_000, batch_events_max=100, shared_bytes_max=100_000
)
CONFIGURATION = {"sources": [{"id": "shop", "write_keys": ["write-shop"]}]}
STATE = ControlState().updated(parse_file(CONFIGURATION).items())
QUOTA = Meant(reason="quota_exceeded")


def letter(number: int, cause: Cause, payload: bytes, place: Lineage = NOWHERE) -> bytes:
    return encode_dead_letter(
        dead_letter(cause, Sender("main", "shop", f"m{number}", NOW + number), payload, place)
    )


def over_quota(number: int, **fields: Any) -> bytes:
    call = {"type": "track", "event": "Signed Up", "userId": f"u{number}", "messageId": f"m{number}"} | fields
    cause = Cause(Stage.COLLECTOR, Reason.QUOTA_EXCEEDED, f"used up {number}")
    return letter(number, cause, msgspec.json.encode(call))


@pytest.fixture(scope="module")
def made(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    yield tables
    tables.client.close()


@pytest.fixture
def tables(made: Tables) -> Tables:
    """Without what another test left."""
    for name in ("dead_letters", "events"):
        made.client.command(f"TRUNCATE TABLE {name}")
    return made


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> Topics:
    return Topics(kafka, topic_prefix)


def door(meant: Meant) -> Door:
    return Door(STATE, LIMITS, NOW, meant.reason == Reason.ORIGIN_NOT_ALLOWED)


def target(topics: Topics) -> Target:
    ends = Progress(topics.settings, 60).ends(EVENTS_RAW)
    return Target(topics.settings, 2, 100_000, {partition: end for (_, partition), end in ends.items()})


def sent(topics: Topics) -> list[PackedEvent]:
    values = [record.value for record in read_topic(topics.settings, EVENTS_RAW.name)]
    return [found for value in values for found in decode_pack(value or b"").events]


def test_letters_that_failed_alike_are_counted_together_with_a_sample(tables: Tables) -> None:
    unreadable = letter(9, Cause(Stage.COLLECTOR, Reason.INVALID_JSON, "no JSON"), b"\xff{")
    tables.insert("dead_letters_in", DEAD_LETTER, [*map(over_quota, range(3)), unreadable], "t1")
    first, second = kinds(tables.client, Meant(), 10)
    assert (first.stage, first.reason, first.source, first.letters) == (
        "collector",
        "quota_exceeded",
        "shop",
        3,
    )
    assert (first.first, first.last, first.detail) == (NOW, NOW + 2, "used up 2")
    assert second.reason == "invalid_json"
    assert kinds(tables.client, Meant(reason="invalid_json"), 10) == [second]
    assert kinds(tables.client, Meant(since=NOW + 9), 10) == [second]
    assert (
        kinds(tables.client, Meant(source="other"), 10) == kinds(tables.client, Meant(stage="sink"), 10) == []
    )
    (whole,) = shown(tables.client, Meant(id=second.id))
    assert (whole.payload, whole.message_id, whole.lineage) == (b"\xff{", "m9", NOWHERE)
    with pytest.raises(NoSuchLetter):
        shown(tables.client, Meant(id=f"{NOW}-0123456789abcdef"))


def test_all_letters_are_looked_at_a_thousand_at_a_time(tables: Tables) -> None:
    tables.insert("dead_letters_in", DEAD_LETTER, map(over_quota, range(2_100)), "t2")
    found = list(pages(tables.client, Meant()))
    assert [len(page) for page in found] == [1_000, 1_000, 100]
    assert [each.message_id for page in found for each in page] == [f"m{number}" for number in range(2_100)]


def test_what_was_set_aside_goes_and_a_second_time_changes_nothing(tables: Tables, topics: Topics) -> None:
    tables.insert("dead_letters_in", DEAD_LETTER, [over_quota(1), over_quota(1), over_quota(2)], "t3")
    outcome = resent(tables.client, QUOTA, door(QUOTA), target(topics))
    assert (outcome.letters, outcome.sent, outcome.stored, outcome.cannot) == (3, 2, 0, [])
    found = sent(topics)
    assert sorted((each.message_id, each.received_at) for each in found) == [("m1", NOW + 1), ("m2", NOW + 2)]
    tables.insert("events_in", RESOLVED_EVENT, [event(1), event(2)], "t4")  # with these message ids
    again = resent(tables.client, QUOTA, door(QUOTA), target(topics))
    assert (again.letters, again.sent, again.stored) == (3, 0, 2)


def test_what_the_resolver_refused_goes_as_its_topic_has_it(tables: Tables, topics: Topics) -> None:
    original = PackedEvent(
        workspace="main",
        source="shop",
        routing=b"main|u:u1",
        type="track",
        message_id="m1",
        received_at=NOW,
        sent_at="2026-09-21T12:00:00Z",
        context=b'{"locale":"de"}',
        payload=b'{"userId":"u1","event":"Signed Up"}',
        unsigned_links=False,
    )
    home = partition_of(original.routing, 2)
    other = msgspec.structs.replace(original, message_id="m0", payload=b"{}")
    records = [OutputRecord(EVENTS_RAW.name, home, b"", encode_pack([other, original]))]
    send(topics.settings, records)
    cause = Cause(Stage.RESOLVE, Reason.PLAN_VIOLATION, "not as planned")
    refused = letter(1, cause, original.payload, Lineage(home, 0, 1))
    gone = letter(2, cause, b'{"type":"track","userId":"u2","event":"Signed Up"}', Lineage(home, 77, 0))
    tables.insert("dead_letters_in", DEAD_LETTER, [refused, gone], "t5")
    meant = Meant(stage="resolve")
    before = target(topics)
    outcome = resent(tables.client, meant, door(meant), msgspec.structs.replace(before, ends={}))
    assert (outcome.letters, outcome.sent) == (2, 2)
    found = {each.message_id: each for each in sent(topics)}
    assert found["m1"] == original
    assert found["m2"].context == b"", "its letter alone is left"
    assert resent(tables.client, meant, door(meant), before).letters == 1, (
        "what came after the beginning is not looked at"
    )


def test_what_cannot_go_is_told_by_why_with_a_letter(tables: Tables, topics: Topics) -> None:
    between = [
        letter(number, Cause(Stage.IDENTITY, Reason.UNREADABLE_PACK, "?"), b"facts") for number in (1, 2)
    ]
    tables.insert("dead_letters_in", DEAD_LETTER, between, "t6")
    outcome = resent(tables.client, Meant(), door(Meant()), target(topics))
    (why,) = outcome.cannot
    assert (outcome.letters, outcome.sent, why.times) == (2, 0, 2)
    assert shown(tables.client, Meant(id=why.id))[0].message_id == "m1"


def test_the_command_lists_shows_and_sends(tables: Tables, topics: Topics) -> None:
    tables.insert("dead_letters_in", DEAD_LETTER, [over_quota(1), over_quota(2)], "command")
    write_control(topics.settings, parse_file(CONFIGURATION), "apply")
    environ = {
        "CLICKHOUSE_URL": tables.settings.url,
        "STITCHLINE_DATABASE": tables.settings.database,
        "KAFKA_BOOTSTRAP_SERVERS": topics.settings.bootstrap_servers,
        "STITCHLINE_TOPIC_PREFIX": topics.settings.topic_prefix,
        "KAFKA_PARTITIONS": "2",
    }

    def said(*options: str) -> Any:
        ran = CliRunner().invoke(app, ["dead", *options], env=environ, catch_exceptions=False)
        assert ran.exit_code == 0
        return msgspec.json.decode(ran.stdout.splitlines()[-1])

    kind = said("--json")
    assert (kind["letters"], kind["reason"]) == (2, "quota_exceeded")
    assert said("--show", kind["id"])["message_id"] == "m2"
    outcome = {"letters": 1, "sent": 1, "stored": 0, "cannot": []}
    assert said("--show", kind["id"], "--resend", "--json") == outcome
    assert said("--reason", "quota_exceeded", "--resend", "--json") == outcome | {"letters": 2, "sent": 2}
    assert {each.message_id for each in sent(topics)} == {"m1", "m2"}
