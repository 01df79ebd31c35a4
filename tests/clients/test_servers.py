"""The recipes for servers of docs/clients.md, run as they stand on the page, against a real collector that refuses at first.

Where a toolchain or a package is missing the test is skipped with that reason; nothing is fetched here.
"""

from collections.abc import Iterator

import pytest

from runtime.environment.settings import KafkaSettings
from tests.clients.front import Fault, Front, Fronts
from tests.clients.recording import posts, sent
from tests.clients.servers import GO, JAVA, PHP, RECIPES, RUBY, NotHere, Recipe, run
from tests.collector.process import Collector, add_source, environment, prepare, raw_events, running

FAULTS = (None, Fault.UNAVAILABLE)
# Go's library gives up what it would have to repeat when it is closed; Java's waits a quarter of a minute or more.
TRIES = 3
REPEATS = (PHP, RUBY)
LIBRARIES = {GO: "analytics-go", JAVA: "analytics-java"}


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    settings = prepare(environ)
    for recipe in RECIPES:
        for fault in FAULTS:
            add_source(settings, key_of(recipe, fault), key_of(recipe, fault))
    return settings


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


@pytest.fixture(scope="module")
def fronts() -> Iterator[Fronts]:
    with Fronts() as fronts:
        yield fronts


def key_of(recipe: Recipe, fault: Fault | None) -> str:
    return f"{recipe.language}-{fault or 'plain'}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault or "plain"))
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.language)
def test_a_server_s_recipe_says_who_somebody_is_and_what_happened(
    recipe: Recipe, fault: Fault | None, collector: Collector, settings: KafkaSettings, fronts: Fronts
) -> None:
    if fault and recipe not in REPEATS:
        pytest.skip("its library repeats too late for a test, or not once it is closed")
    front = ran(recipe, fault, collector, fronts)
    said = {one.message_id: one for one in sent(front.attempts)}
    whats = sorted((one.event["type"], one.event.get("event"), one.event["userId"]) for one in said.values())
    assert whats == [("identify", None, "ann"), ("track", "Order Completed", "ann")]
    for one in said.values():
        assert_says(one.event)
    assert [attempt.status for attempt in posts(front.attempts)][-1] == 200
    found = [event for event in raw_events(settings) if event.message_id in said]
    assert {event.message_id for event in found} == set(said)
    assert {event.source for event in found} == {key_of(recipe, fault)}
    if all(attempt.taken in (0, 200) for attempt in front.attempts):
        assert len(found) == len(said)
    if recipe in LIBRARIES:
        assert {library(one.event, one.shared) for one in said.values()} == {LIBRARIES[recipe]}


def ran(recipe: Recipe, fault: Fault | None, collector: Collector, fronts: Fronts) -> Front:
    """Once more where the collector doubted a slow Kafka by itself, since a library may give up on that."""
    for _ in range(TRIES):
        front = fronts.open(collector.url, fault)
        try:
            run(recipe, front.url, key_of(recipe, fault))
        except NotHere as why:
            pytest.skip(str(why))
        if all(attempt.taken in (0, 200) for attempt in front.attempts):
            break
    return front


def assert_says(event: dict[str, object]) -> None:
    if event["type"] == "identify":
        assert event["traits"] == {"email": "ann@shop.example", "plan": "pro"}
    else:
        assert event["properties"] == {"order_id": "o-1", "total": 63.5}


def library(event: dict[str, dict[str, dict[str, str]]], shared: dict[str, dict[str, dict[str, str]]]) -> str:
    context = event.get("context") or {}
    return (context.get("library") or shared["context"]["library"])["name"]
