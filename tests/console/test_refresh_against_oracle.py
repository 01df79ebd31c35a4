"""Random segments over random worlds that arrive bit by bit: after each refresh the members are whom the definitions say."""

from collections.abc import Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from console.refreshing.refresh import run_once
from schemas.segments.segment_reading import read_segment
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.console.refresh_stage import Shop, defined
from tests.console.segment_data import Asked, World
from tests.console.segment_oracle import Oracle
from tests.console.segment_random import DAY, HOUR, INSTANTS, random_world
from tests.console.segment_trees import segments
from tests.console.segment_world import Stored, tables_for_worlds
from tests.sinks.stage import Tables

STEPS = (-2 * DAY, -DAY, -HOUR, 0, HOUR + 1)  # of time, about the world's instant
AT_ONCE = 5
BLOCKS = count()  # no two have one token

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return tables_for_worlds(clickhouse, module_database)


@given(number=st.integers(0, len(INSTANTS) - 1), seed=st.integers(0, 1000), documents=segments(AT_ONCE))
@settings(max_examples=2, deadline=None, derandomize=True, phases=[Phase.generate], database=None)
def test_after_any_refresh_the_members_are_those_of_the_definitions(
    tables: Tables, number: int, seed: int, documents: Sequence[Mapping[str, Any]]
) -> None:
    random = Random(seed)  # noqa: S311 - a world, no secret
    world = random_world(random, INSTANTS[number])
    whole = msgspec.structs.replace(world, time_zone="UTC")
    read = {document["segment"]: read_segment(document) for document in documents}
    shop = Shop(tables)
    try:
        for step, moved in enumerate(STEPS):
            known = arrived(shop, whole, step)
            at = INSTANTS[number] + moved
            tools = msgspec.structs.replace(shop.tools(), stored=lambda known=known: {0: len(known.events)})
            run_once(tools, defined(*read.values()), at)
            oracle = Oracle(known, Asked(at), read)
            found = {name: shop.members(name) for name in read}
            assert found == {name: oracle.members(name) for name in read}, f"refresh {step} at {at}"
    finally:
        shop.empty()


def arrived(shop: Shop, world: World, step: int) -> World:
    """What is there after this step, the new part of which is put there now."""
    stored = Stored(shop.tables, world, 0)
    stored.workspace = "main"
    ends = [len(world.events) * (part + 1) // len(STEPS) for part in range(-1, len(STEPS))]
    pointer_ends = [len(world.pointers) * (part + 1) // len(STEPS) for part in range(-1, len(STEPS))]
    events = stored.events()[ends[step] : ends[step + 1]]
    pointers = stored.pointers()[pointer_ends[step] : pointer_ends[step + 1]]
    name = f"{next(BLOCKS)}"
    shop.tables.insert("events_in", RESOLVED_EVENT, events, f"events-{name}")
    shop.tables.insert("pointers_in", POINTER, pointers, f"pointers-{name}")
    if not step:
        columns = ["workspace", "list", "node", "version"]
        shop.tables.client.insert("lists", stored.list_rows(), column_names=columns)
    shop.tables.reload(DICTIONARIES)
    return msgspec.structs.replace(
        world, events=world.events[: ends[step + 1]], pointers=world.pointers[: pointer_ends[step + 1]]
    )
