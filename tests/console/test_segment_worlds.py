"""What the oracle takes for the world is what the tables say: else two proofs would agree about different things."""

from random import Random

from tests.console.segment_data import Asked
from tests.console.segment_oracle_people import identity_of
from tests.console.segment_random import INSTANTS, random_world
from tests.console.segment_world import put, tables_for_worlds

EVENTS_SQL = """\
SELECT message_id, profile - {base:UInt64}, subject_type FROM events_resolved
WHERE workspace = {workspace:String} ORDER BY message_id"""


def test_events_are_stored_once_and_of_the_same_people(clickhouse: str, module_database: str) -> None:
    random = Random(1)  # noqa: S311 - a world, no secret
    tables = tables_for_worlds(clickhouse, module_database)
    for stored in put(tables, [random_world(random, at) for at in INSTANTS[:2]], random):
        world = stored.world
        identity = identity_of(world, Asked(0))
        expected = [
            (event.message_id, identity.profile(event.subject, event.at), world.kinds.get(event.subject, "m"))
            for event in sorted(world.events, key=lambda event: event.message_id)
        ]
        parameters = {"base": stored.base, "workspace": stored.workspace}
        assert tables.client.query(EVENTS_SQL, parameters=parameters).result_rows == expected
