"""Random segments over random worlds in a real engine: the compiled query says what the definition says, person by person.

STITCHLINE_SEGMENT_EXAMPLES makes a longer run of it; STITCHLINE_SEGMENT_SEED draws other worlds.
"""

import json
import os
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.segments.segment_reading import read_segment
from schemas.segments.segments import Segment
from tests.console.segment_data import Asked
from tests.console.segment_oracle import Oracle
from tests.console.segment_random import DAY, HOUR, INSTANTS, random_world
from tests.console.segment_trees import segments
from tests.console.segment_world import Stored, put, tables_for_worlds

EXAMPLES = int(os.environ.get("STITCHLINE_SEGMENT_EXAMPLES", "8"))
SEED = int(os.environ.get("STITCHLINE_SEGMENT_SEED", "8"))
AT_ONCE = 12
EVENTS_SHOWN_MAX = 40

pytestmark = pytest.mark.timeout(600)  # a longer run is one test

Documents = Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def worlds(clickhouse: str, module_database: str) -> list[Stored]:
    """One for each instant that it is asked at."""
    random = Random(SEED)  # noqa: S311 - a world, no secret
    tables = tables_for_worlds(clickhouse, module_database)
    return put(tables, [random_world(random, at) for at in INSTANTS], random)


NUMBER = st.integers(0, len(INSTANTS) - 1)
LATER = st.sampled_from((0, 0, 0, 1, HOUR, DAY))


@given(number=NUMBER, later=LATER, documents=segments(AT_ONCE))
@settings(max_examples=EXAMPLES, deadline=None)
def test_segments_asked_together_have_the_members_that_their_definitions_say(
    worlds: list[Stored], number: int, later: int, documents: Documents
) -> None:
    judge(worlds[number], documents, Asked(INSTANTS[number] + later))


@given(number=NUMBER, documents=segments(3))
@settings(max_examples=max(2, EXAMPLES // 4), deadline=None)
def test_segments_asked_one_by_one_have_them_too(
    worlds: list[Stored], number: int, documents: Documents
) -> None:
    for document in documents:
        judge(worlds[number], documents, Asked(INSTANTS[number]), [document["segment"]])


@given(
    number=NUMBER,
    ago=st.sampled_from((8 * DAY, 3 * DAY, DAY, HOUR, 0)),
    known=st.sampled_from((0, 0, 1, HOUR, 2 * DAY)),
    is_then=st.booleans(),
    documents=segments(AT_ONCE),
)
@settings(max_examples=max(4, EXAMPLES // 2), deadline=None)
def test_at_a_past_date_they_are_whom_the_definitions_say_of_what_was_known_then(
    worlds: list[Stored], number: int, ago: int, known: int, is_then: bool, documents: Documents
) -> None:
    """T, what had arrived by K, and whose identity: that of then or of now."""
    at = INSTANTS[number] - ago
    judge(worlds[number], documents, Asked(at, at + known, is_then))


def judge(stored: Stored, documents: Documents, asked: Asked, names: Sequence[str] | None = None) -> None:
    read = {document["segment"]: read_segment(document) for document in documents}
    chosen = list(read) if names is None else names
    oracle = Oracle(stored.world, asked, read)
    for name, found in zip(chosen, stored.members(read, chosen, asked), strict=True):
        expected = oracle.members(name)
        if found != expected:
            pytest.fail(difference(oracle, read, name, asked, found, expected), pytrace=False)


def difference(
    oracle: Oracle, read: Mapping[str, Segment], name: str, asked: Asked, found: set[int], expected: set[int]
) -> str:
    """The tree, whom it is about, and all that is known of one of them."""
    profile = min(found ^ expected)
    word = "not by its definition" if profile in found else "by its definition alone"
    return "\n".join(
        [
            f"{name} at {asked}: {profile} is a member {word}; also {sorted((found ^ expected) - {profile})}",
            json.dumps(json.loads(_document(read[name])), indent=1),
            *(
                f"uses {other}: {_document(read[other])}"
                for other in ("s0", "s1")
                if f'"{other}"' in _document(read[name])
            ),
            *_known_of(oracle, profile, asked),
        ]
    )


def _document(segment: Segment) -> str:
    return msgspec.json.encode(segment).decode()


def _known_of(oracle: Oracle, profile: int, asked: Asked) -> list[str]:
    if profile not in oracle.profiles():
        return [f"{profile} has no visible event at all"]
    person = oracle.person(profile)
    events = [
        f"  T{event.at - asked.at:+} {event.message_id} {event.type} {event.name!r} of {event.subject}"
        f"{' BOT' if event.is_bot else ''} {event.properties or event.traits} {event.typed}"
        for event in person.events[-EVENTS_SHOWN_MAX:]
    ]
    traits = {name: value for name, (_, value) in person.traits.items()}
    pointers = [
        str(pointer)
        for pointer in oracle.world.pointers
        if {pointer.node, pointer.owner} & {profile, *person.nodes}
    ]
    return [f"traits {traits}", f"groups {person.groups}", *events, *pointers]
