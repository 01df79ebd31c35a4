"""`stitchline why` on real tables: what it reads, what it says, and when it says that it does not know."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.explaining.neighbourhood import around
from deploy.explaining.why import Question, answer
from deploy.explaining.why_text import WHY_NOT, text
from deploy.explaining.why_view import Answer
from deploy.identifiers.ids import find
from processors.identity import reasons
from processors.identity.explain import ALWAYS, AT_TIMES, NEVER
from runtime.environment.settings import ExplanationSettings
from schemas.wire.codec import POINTER, RESOLVED_EVENT, encode_pointer, encoder
from tests.processors.driver import HASH_KEY, RECEIVED, Pipeline, ms
from tests.processors.oracle import Visit
from tests.sinks.stage import Tables

LIMITS = ExplanationSettings()
HOUR, NOW = 3_600_000, RECEIVED
DEVICES = 60  # of the kiosk: more than the limit that its test sets

HISTORY = [
    # a second device, joined by a link in a mail
    Visit("k1", "page", NOW - 9 * HOUR, device="kims-phone"),
    Visit("k2", "page", NOW - 5 * HOUR, device="kims-phone", params=(("email", "kim@x.io"),)),
    Visit("k3", "identify", NOW - 4 * HOUR, user="kim", email="kim@x.io", device="kims-laptop"),
    # a shared tablet
    Visit("t1", "identify", NOW - 8 * HOUR, user="ann", device="tablet"),
    Visit("t2", "logout", NOW - 7 * HOUR, user="ann", device="tablet"),
    Visit("t3", "page", NOW - 6 * HOUR, device="tablet"),
    Visit("t4", "identify", NOW - 5 * HOUR, user="bob", device="tablet"),
    # a family address
    Visit("f1", "identify", NOW - 3 * HOUR, user="fay", email="family@x.io"),
    Visit("f2", "identify", NOW - 2 * HOUR, user="gus", email="family@x.io"),
    # an alias of an alias
    Visit("c1", "alias", NOW - 2 * HOUR, user="carl", previous="carlo"),
    Visit("c2", "alias", NOW - 1 * HOUR, user="carlo", previous="carlos"),
    # a kiosk
    *(Visit(f"d{n}", "identify", NOW - HOUR + n, email="desk@x.io", device=f"d{n}") for n in range(DEVICES)),
]


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stage = Tables(clickhouse, module_database)
    fill(stage, HISTORY)
    yield stage
    stage.client.close()


def fill(stage: Tables, history: list[Visit]) -> None:
    """What a pipeline makes of this history."""
    pipeline = Pipeline().visit(history)
    events = [encoder(RESOLVED_EVENT)(as_written(each)) for each in pipeline.resolved]
    pointers = [encode_pointer(as_written(each)) for each in pipeline.records["identity.pointers"]]
    stage.insert("events_in", RESOLVED_EVENT, events, "events")
    stage.insert("pointers_in", POINTER, pointers, "pointers")


def as_written(value: Any) -> Any:
    """A record as it was read, with the times that it is written with."""
    if isinstance(value, dict):
        return {name: as_written(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_written(each) for each in value]
    return ms(value) if isinstance(value, datetime) else value


def ask(tables: Tables, a: str, b: str | None = None, limits: ExplanationSettings = LIMITS) -> Answer:
    asked = Question(workspace="main", a=a, b=b, hash_key=HASH_KEY, orders=[])
    return answer(tables.client, asked, limits)


def messages(found: Answer) -> list[str]:
    """Of the events that state the steps, in order."""
    steps = [step for route in found.routes for step in (*route.from_a, *route.from_b)]
    return [step.event.message_id for step in steps if step.event]


def test_a_chain_over_two_devices_names_each_event(tables):
    found = ask(tables, "kims-phone", "kims-laptop")
    assert (found.one_person, found.agrees, found.routes[0].meeting) == (ALWAYS, True, "u:kim")
    assert messages(found) == ["k2", "k3", "k3"]
    said = text(found)
    assert "a:kims-phone and a:kims-laptop are one person" in said
    assert "a:kims-phone -> e:kim@x.io   claimed: the address of a page carried it (class B)" in said
    assert "page, message k2 of source shop" in said


def test_a_contested_device_says_at_which_times(tables):
    found = ask(tables, "tablet", "bob")
    assert (found.one_person, found.agrees) == (AT_TIMES, True)
    assert [(route.since, route.until) for route in found.routes] == [("2024-05-05T02:06:40.000Z", None)]
    assert messages(found) == ["t4"]


def test_a_logout_divides_two_people_on_one_device(tables):
    found = ask(tables, "u:ann", "u:bob")
    assert (found.one_person, found.agrees) == (NEVER, True)
    assert [(reason.kind, reason.node) for reason in found.reasons] == [("logout", "a:tablet")]
    assert "a logout at 2024-05-05T02:06:40.000Z divides them" in text(found)


def test_merge_protection_shows_both_links(tables):
    (reason,) = ask(tables, "gus", "family@x.io").reasons
    assert (reason.kind, reason.node, reason.target) == ("beaten", "e:family@x.io", "u:gus")
    assert reason.lost is not None
    assert reason.won is not None
    assert (reason.lost.event.message_id, reason.won.event.message_id) == ("f2", "f1")  # type: ignore[union-attr]


def test_a_chain_of_aliases_is_told_though_nobody_else_names_its_end(tables):
    found = ask(tables, "u:carlos", "u:carl")
    assert (found.one_person, found.agrees, messages(found)) == (ALWAYS, True, ["c2", "c1"])


def test_one_identifier_alone_is_told_why_it_is_its_profiles(tables):
    found = ask(tables, "kims-phone")
    assert [place.root for place in found.places] == ["u:kim"]
    assert found.places[0].profile_id in text(found)
    assert ask(tables, "tablet").places[0].until == "2024-05-05T02:06:40.000Z"
    assert "its profile's own root" in text(ask(tables, "u:kim"))


def test_an_identifier_in_two_forms_is_one(tables):
    found = ask(tables, "tablet", "a:tablet")
    assert (found.b, [place.root for place in found.places]) == (None, ["u:ann", "u:bob"])


def test_strangers_are_connected_by_no_event(tables):
    found = ask(tables, "u:kim", "u:bob")
    assert [reason.kind for reason in found.reasons] == ["unconnected"]


def test_an_address_that_very_many_devices_share_is_not_read_to_the_end(tables):
    limits = ExplanationSettings(links_per_identifier_max=10)
    found = ask(tables, "d7", f"d{DEVICES - 1}", limits)
    assert (found.one_person, found.agrees, messages(found)) == (ALWAYS, True, ["d7", f"d{DEVICES - 1}"])
    assert found.crowded == ["e:desk@x.io"]
    read = around(tables.client, [find(tables.client, "main", "d7")], limits, HASH_KEY)
    assert len(read.events) < DEVICES / 2


def test_what_the_events_do_not_explain_is_said_and_not_guessed(tables):
    found = ask(tables, "d7", "desk@x.io", ExplanationSettings(links_per_identifier_max=1, rounds_max=1))
    assert found.agrees, "the link itself is read first"
    node = find(tables.client, "main", "u:kim").node
    stale = {"workspace": "main", "node": node, "owner": find(tables.client, "main", "u:bob").node}
    stale |= {"segments": [], "conflicts": [], "version": 1 << 50, "is_deleted": False, "updated_at": 0}
    tables.insert("pointers_in", POINTER, [encode_pointer(stale)], "stale")
    found = ask(tables, "kims-phone", "u:bob")
    assert (found.one_person, found.agrees, found.routes, found.reasons) == (ALWAYS, False, [], [])
    assert "u:kim belongs to u:bob by the table, to u:kim by the events" in text(found)
    healed = stale | {"owner": node, "version": (1 << 50) + 1}
    tables.insert("pointers_in", POINTER, [encode_pointer(healed)], "healed")
    assert ask(tables, "kims-phone", "u:bob").agrees


def test_the_answer_is_json(tables):
    found = msgspec.json.decode(msgspec.json.encode(ask(tables, "kims-phone", "u:kim")))
    assert found["routes"][0]["from_a"][0] | {"event": None} == {
        "low": "a:kims-phone", "high": "e:kim@x.io", "strength": "B", "rule": "claimed: the address of a page carried it",
        "time": "2024-05-05T04:06:40.000Z", "event": None, "follows": [], "since": None, "until": None,
    }  # fmt: skip


def test_every_reason_has_its_words_and_its_line_on_the_page():
    page = (Path(__file__).parents[3] / "docs" / "identity.md").read_text()
    assert {kind for kind in WHY_NOT if f"`{kind}`" not in page} == set()
    kinds = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert kinds == set(WHY_NOT)
