"""`stitchline why` about events that were stored before they kept their identifiers."""

import msgspec
import pytest

from deploy.explaining.why import Question, answer
from processors.identity.explain import ALWAYS, AT_TIMES, NEVER
from runtime.environment.settings import ExplanationSettings
from tests.deploy.explaining.test_why import HISTORY, fill, messages
from tests.processors.driver import HASH_KEY
from tests.sinks.stage import Tables

LIMITS = ExplanationSettings()
ASKED = Question(workspace="main", a="", b="", hash_key=HASH_KEY, orders=[])


@pytest.fixture(scope="module")
def tables(clickhouse, module_database):
    stage = Tables(clickhouse, module_database)
    fill(stage, HISTORY)
    stage.client.command("ALTER TABLE events UPDATE identifiers = [] WHERE 1", settings={"mutations_sync": 2})
    yield stage
    stage.client.close()


@pytest.mark.parametrize(
    ("a", "b", "one_person", "named"),
    [
        ("kims-laptop", "kim@x.io", ALWAYS, ["k3", "k3"]),
        ("u:carlos", "u:carl", ALWAYS, ["c2", "c1"]),
        ("tablet", "u:bob", AT_TIMES, ["t4"]),
        ("u:gus", "family@x.io", NEVER, []),
    ],
)
def test_they_are_read_once_more_when_the_table_says_something_else(tables, a, b, one_person, named):
    asked = msgspec.structs.replace(ASKED, a=a, b=b)
    first, second = (
        answer(tables.client, msgspec.structs.replace(asked, older=older), LIMITS) for older in (False, True)
    )
    assert not first.agrees or one_person == NEVER
    assert (second.one_person, second.agrees, messages(second)) == (one_person, True, named)
