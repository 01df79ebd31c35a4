"""Of a device that several people used each is told what is theirs, as the views over everybody have it."""

from typing import Any

import pytest

from console.profiles import Profile, Profiles
from console.store import Store
from runtime.environment.settings import QuestionSettings
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer

ANN, BOB, TABLET, OLD = 101, 102, 103, 104
HANDED_ON, LEFT_ALONE = START_MS + 10_000, START_MS + 20_000
DEVICE = {
    "kind": "tablet",
    "brand": "",
    "model": "",
    "os": "A",
    "os_version": "",
    "browser": "B",
    "is_bot": False,
}


def said(number: int, traits: str, subject: int = TABLET) -> bytes:
    return seen(number, subject, type="identify", event="", traits=traits)


def seen(number: int, subject: int = TABLET, **fields: Any) -> bytes:
    identifiers = [{"node": subject, "kind": "a", "value": f"d{subject}"}]
    device = DEVICE | {"browser_version": str(number // 5)}
    return event(
        number, subject=subject, anonymous_id=f"d{subject}", identifiers=identifiers, device=device, **fields
    )


# As clients write them: escapes, other scripts, numbers beyond 64 bits, one name twice, nothing.
ODD = (
    r'{"größe \"x\"": "ü\u00e9\n\\/", "big": 123456789012345678901, "exact": 1.10, "tiny": -0.0, "dup": 1, "dup": 2,'
    r' "deep": {"a": [null, {"b": ""}]}, "none": "", "off": false, "gone": null, "bare": {}, "a.b": 1e3}'
)
EVENTS = [
    *(seen(number) for number in range(6)),
    said(6, ODD),
    seen(7, type="group", traits='{"company": "of a group"}'),
    said(8, '{"plan": "free", "age": 3, "": 1}'),
    said(9, '{"plan": "pro", "list": [1, "a"], "": null}'),
    seen(9),
    *(said(number, '{"plan": "team", "age": 40}') for number in range(10, 15)),
    said(15, '{"plan": "free"}'),
    seen(25),
    said(26, '{"plan": "nobody\'s"}'),
    *(seen(number, ANN) for number in (30, 31)),
    *(seen(number, BOB) for number in (32, 33)),
    seen(40, OLD, type="track", traits='{"plan": "of no identify"}'),
]
OWNERS = [(0, HANDED_ON, OLD), (HANDED_ON, LEFT_ALONE, BOB)]


def segments(owners: list[tuple[int, int, int]]) -> list[dict[str, int]]:
    return [{"valid_from": since, "valid_to": until, "owner": owner} for since, until, owner in owners]


class World:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.store = Store(tables.settings, QuestionSettings())

    def told(self, node: int) -> Profile:
        profiles = Profiles(self.store, "main", now_ms=START_MS + 50_000, nodes_max=100)
        found = profiles.look_up(f"{node:016x}")
        assert profiles.profile(profiles.person(f"{node:016x}")) == found
        return found

    def seen_by_views(self, node: int) -> tuple[Any, ...]:
        found = self.tables.row(
            "SELECT anonymous_ids, toUnixTimestamp64Milli(first_seen), toUnixTimestamp64Milli(last_seen), events"  # noqa: S608 - ours
            f" FROM profiles WHERE profile_id = '{node:016x}'"
        )
        traits = f"SELECT name, value FROM profile_traits WHERE profile_id = '{node:016x}' ORDER BY name"  # noqa: S608
        return (*found, self.tables.rows(traits))


@pytest.fixture
def world(clickhouse: str, database: str) -> World:
    """A tablet was Bob's after it was an older id of Ann's, and nobody's then. All is stored twice, in parts of its own."""
    tables = Tables(clickhouse, database)
    for table in ("subject_events", "identity_pointers", "traits"):
        tables.client.command(f"SYSTEM STOP MERGES {table}")
    tables.insert("events_in", RESOLVED_EVENT, EVENTS, "e")
    tables.client.command("INSERT INTO subject_events SELECT * FROM subject_events")
    stored = [pointer(OLD, ANN), pointer(TABLET, TABLET, segments=segments(OWNERS))]
    tables.insert("pointers_in", POINTER, stored, "p")
    tables.reload(DICTIONARIES)
    return World(tables)


def test_each_has_the_events_and_traits_of_their_time(world: World) -> None:
    ann, bob = world.told(ANN), world.told(BOB)
    for node, found in ((ANN, ann), (BOB, bob)):
        ids, _, _, events, traits = world.seen_by_views(node)
        assert found.events == events
        assert sorted(found.anonymous_ids) == sorted(ids)
        assert [(name, bytes(value).decode()) for name, value in found.traits.items()] == [
            (name, value) for name, value in traits if value != "null"
        ]
    of_ann = {name: bytes(value) for name, value in ann.traits.items()}
    expected = {
        "age": b"3",
        "list": b'[1,"a"]',
        "plan": b'"pro"',
        "deep": b'{"a":[null,{"b":""}]}',
        "none": b'""',
        'größe "x"': '"üé\\n\\\\/"'.encode(),
    }
    assert of_ann.items() >= expected.items()
    assert "gone" not in of_ann
    assert {name: bytes(value) for name, value in bob.traits.items()} == {"age": b"40", "plan": b'"free"'}
    tablets = [device for found in (ann, bob) for device in found.devices if device.anonymous_id == "d103"]
    assert [(device.events, device.browser_version) for device in tablets] == [(11, "1"), (6, "3")]
    world.store.close()


def test_the_newest_pointer_says_whose_identifier_it_is_though_no_event_was_theirs(world: World) -> None:
    def have_it() -> dict[int, bool]:
        return {node: "d103" in world.told(node).anonymous_ids for node in (ANN, BOB)}

    assert have_it() == {ANN: True, BOB: True}
    newer = [
        segments([(0, START_MS - 1, BOB), (HANDED_ON, LEFT_ALONE, OLD)]),  # the first is before all events
        segments([(HANDED_ON, LEFT_ALONE, OLD)]),
    ]
    for version, owners in enumerate(newer, start=2):
        tablet = pointer(TABLET, TABLET, version, segments=owners)
        world.tables.insert("pointers_in", POINTER, [tablet], f"v{version}")
        world.tables.reload(DICTIONARIES)
        assert have_it() == {ANN: True, BOB: version == 2}
    gone = pointer(TABLET, TABLET, 4, segments=newer[0], is_deleted=True)
    world.tables.insert("pointers_in", POINTER, [gone], "v4")
    world.tables.reload(DICTIONARIES)
    assert have_it() == {ANN: False, BOB: False}
    world.store.close()
