"""`stitchline export` on real tables: all of one person, nothing of anybody else."""

import io
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from deploy.identifiers.ids import find
from deploy.people.export import SeveralPeople, export, person_of
from deploy.people.letters import holds_one_of
from schemas.identity.identifiers import profile_id
from schemas.wire.codec import DEAD_LETTER, POINTER, RESOLVED_EVENT, encode_pointer, encoder
from tests.deploy.explaining.test_why import as_written
from tests.odd_events import ODD_EVENTS
from tests.processors.driver import RECEIVED, Pipeline, id_of
from tests.processors.oracle import Visit
from tests.sinks.stage import Tables, event

HOUR, NOW = 3_600_000, RECEIVED

HISTORY = [
    Visit("ann-1", "identify", NOW - 9 * HOUR, user="ann", email="ann@x.io", device="tablet"),
    Visit("tablet-ann", "page", NOW - 8 * HOUR, device="tablet"),
    Visit("bob-1", "identify", NOW - 5 * HOUR, user="bob", email="bob@x.io", device="tablet"),
    Visit("tablet-bob", "page", NOW - 4 * HOUR, device="tablet"),
    Visit("ann-2", "page", NOW - 3 * HOUR, device="phone", params=(("email", "ann@x.io"),)),
]
LETTERS = [
    (NOW, b'{"userId": "ann", "event": {"broken": true}}'),
    (NOW, b'{"userId": "bob", "properties": {"friend": "ann"}}'),
    (NOW - 8 * HOUR, b'{"anonymousId": "tablet"}'),
    (NOW - 4 * HOUR, b'{"anonymousId": "tablet"}'),
    (NOW, b'{"anonymousId": "phone", "x": NaN, "y": "\xff"}'),
]


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stage, pipeline = Tables(clickhouse, module_database), Pipeline().visit(HISTORY)
    events = [encoder(RESOLVED_EVENT)(as_written(each)) for each in pipeline.resolved]
    pointers = [encode_pointer(as_written(each)) for each in pipeline.records["identity.pointers"]]
    letters = [encoder(DEAD_LETTER)(letter(at, payload)) for at, payload in LETTERS]
    stage.insert("events_in", RESOLVED_EVENT, events, "events")
    stage.insert("pointers_in", POINTER, pointers, "pointers")
    stage.insert("dead_letters_in", DEAD_LETTER, letters, "letters")
    stage.reload(["idr_owner", "idr_root", "idr_segment"])
    yield stage
    stage.client.close()


def letter(at: int, payload: bytes) -> dict[str, Any]:
    return {
        "workspace": "main", "source": "shop", "stage": "resolve", "reason": "wrong_type", "detail": "", "fingerprint": "",
        "message_id": "", "received_at": at, "payload": payload, "raw_partition": 0, "raw_offset": 0, "raw_index": 0,
    }  # fmt: skip


def exported(tables: Tables, text: str) -> dict[str, list[dict[str, Any]]]:
    """Lines by kind."""
    out = io.BytesIO()
    person = person_of(tables.client, find(tables.client, "main", text))
    counts = export(tables.client, person, lambda _: nullcontext(out))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    found = {kind: [line for line in lines if line["kind"] == kind] for kind in counts}
    assert {kind: len(each) for kind, each in found.items()} == counts
    return found


def payload_of(line: dict[str, Any]) -> bytes:
    return line["payload"].encode() if "payload" in line else b64decode(line["payload_base64"])


def test_everything_of_one_person_is_there_and_nothing_of_another(tables):
    found = exported(tables, "ann")
    assert [line["user_id"] for line in found["profile"]] == ["ann"]
    assert {line["value"] for line in found["identifier"]} == {"ann", "ann@x.io", "phone", "tablet"}
    assert [line["message_id"] for line in found["event"]] == ["ann-1", "tablet-ann", "ann-2"]
    assert json.loads(found["event"][0]["envelope"])["userId"] == "ann"
    assert [(line["name"], json.loads(line["value"])) for line in found["trait"]] == [("email", "ann@x.io")]


def test_what_was_stamped_and_groups_and_carts_are_there(tables):
    stamped = {
        "place": {"address": "192.0.2.0", "country": "DE", "region": "", "city": "Bonn", "timezone": ""}
    }
    said: dict[str, Any] = {
        "type": "group",
        "event": "",
        "group_id": "choir",
        "traits": '{"name":"Choir"}',
        "timestamp": NOW,
    }
    carl = id_of(("u", "carl"))
    named = [{"node": carl, "kind": "u", "value": "carl"}]
    page = '{"page":{"url":"https://shop.example/a"}}'
    call = event(1, message_id="choir-1", subject=carl, identifiers=named, context=page, **said, **stamped)
    tables.insert("events_in", RESOLVED_EVENT, [call], "groups")
    tables.client.insert(
        "cart_states",
        [["main", 7, "cart-1", carl, 1]],
        ["workspace", "cart", "cart_id", "subject", "version"],
    )
    listed = [("main", "vip", carl, 1_700_000_000_000), ("main", "vip", 7, 1_700_000_000_000)]
    tables.client.insert("lists", listed, ["workspace", "list", "node", "version"])
    found = exported(tables, "carl")
    assert [(line["list"], line["loaded_at"][:10]) for line in found["list"]] == [("vip", "2023-11-14")]
    assert [line["cart_id"] for line in found["cart"]] == ["cart-1"]
    lines = [(line["group_id"], line["name"], line["value"]) for line in found["group"]]
    assert lines == [("choir", "", ""), ("choir", "name", '"Choir"')]
    assert (exported(tables, "ann")["group"], exported(tables, "ann")["cart"]) == ([], [])
    (line,) = found["event"]
    assert (line["place"]["city"], line["page"]["url"]) == ("Bonn", "https://shop.example/a")
    parts = {"visitor", "touch", "visit", "device", "meaning", "commerce", "items", "clock_offset_ms"}
    assert parts <= set(line)


def test_when_a_person_was_in_which_segment_is_there(tables):
    ann, bob = id_of(("u", "ann")), id_of(("u", "bob"))
    changes = [
        ("main", segment, profile, seq, "v", change, reason, NOW, NOW, 1, 1)
        for segment, profile, seq, change, reason in (
            ("tea", ann, 1, "enter", "data"),
            ("tea", ann, 2, "leave", "time"),
            ("cups", ann, 1, "enter", "initial"),
            ("tea", bob, 1, "enter", "data"),
        )
    ]
    columns = [
        "workspace",
        "segment",
        "profile",
        "seq",
        "version",
        "change",
        "reason",
        "observed_at",
        "effective_at",
    ]
    tables.client.insert("segment_changes", changes, [*columns, "run", "attempt"])
    stays = [
        (each["segment"], each["entered_reason"], each["left_reason"])
        for each in exported(tables, "ann")["segment"]
    ]
    assert sorted(stays) == [("cups", "initial", ""), ("tea", "data", "time")]


def test_of_a_contested_device_only_the_persons_own_segments_are_there(tables):
    ann, bob = exported(tables, "ann"), exported(tables, "u:bob")
    tablet = profile_id(id_of(("a", "tablet")))
    (mine,), (theirs,) = (
        [line["own_segments"] for line in found["pointer"] if line["node"] == tablet] for found in (ann, bob)
    )
    assert [each["owner"] for each in mine] == [profile_id(id_of(("u", "ann")))]
    assert mine[0]["valid_to"] == theirs[0]["valid_from"]
    assert [line["message_id"] for line in bob["event"]] == ["bob-1", "tablet-bob"]


def test_dead_letters_are_the_persons_when_they_name_one_of_their_ids_as_such(tables):
    ann, bob = exported(tables, "ann"), exported(tables, "bob")
    assert sorted(payload_of(line) for line in ann["dead_letter"]) == sorted(LETTERS[n][1] for n in (0, 2, 4))
    assert sorted(payload_of(line) for line in bob["dead_letter"]) == sorted(LETTERS[n][1] for n in (1, 3))


def test_a_device_of_several_people_is_nobodys_export(tables):
    with pytest.raises(SeveralPeople) as refused:
        person_of(tables.client, find(tables.client, "main", "tablet"))
    assert profile_id(id_of(("u", "ann"))) in str(refused.value)


@pytest.mark.parametrize(
    ("payload", "held"),
    [
        (b'{"traits": {"email": " Ann@X.io"}}', True),
        (b'{"context": {"traits": {"email": "ann@x.io"}}}', True),
        (b'{"context": {"externalIds": [{"type": "crm", "id": 7}]}}', True),
        (b'{"previousId": "ann"}', True),
        (b'{"userId": "annette"}', False),
        (b'{"properties": {"email": "ann@x.io"}}', False),
        (b'{"userId": "ann", "cut off', True),
        (b'{"id": "7", nothing', True),
        (b'{"quantity": 7, nothing', False),
        (b"[1, 2]", False),
        (b"", False),
        (b'\xff{"userId": "ann"}', True),
    ],
)
def test_a_letter_holds_an_id_where_it_stands_as_one(payload, held):
    assert holds_one_of(payload, {("u", "ann"), ("e", "ann@x.io"), ("x", "crm:7")}) is held


@pytest.mark.parametrize("odd", ODD_EVENTS, ids=lambda odd: odd.name)
def test_a_letter_may_hold_anything_that_was_ever_sent(odd):
    assert not holds_one_of(odd.payload, {("u", "nobody-sends-this")})
