"""A configuration file becomes control records, or a sentence that says what is wrong with it."""

from pathlib import Path

import pytest

from deploy.applying.authority import Wish
from deploy.applying.configuration import BadConfiguration, apply_file, read_blocked, read_file
from processors.edges.planning import current_plans
from processors.enrichment.plans import compile_plan
from runtime.control import ControlReader, read_control
from runtime.environment.settings import KafkaSettings
from runtime.kafka import ensure_topics
from schemas.control import ControlState
from schemas.sources.plans import PLAN_BYTES_MAX
from tests.documented import plan_of_the_documentation, yaml_of_the_documentation

GOOD = "sources:\n  - id: shop\n    write_keys: [a-key]\n"


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(GOOD)
    assert list(read_file(file)) == ["source/shop"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sources: [", "not YAML"),
        ("sources: {}", "sources"),
        ("rulez: []", "rulez"),
        ("sources:\n- id: a", "write_keys"),
        ("plans: [{source: shop, plan: refuse}]", "plan"),
        ("plans: [{source: shop, plan: divert}]", "divert_to"),
        ("plans: [{source: shop, divert_to: shop}]", "the source itself"),
        ("plans: [{source: shop}, {source: shop}]", "plan given twice"),
        ("plans: [{source: shop, events: {Read: {type: strin}}}]", "event 'Read': at type: "),
        (
            "plans: [{source: shop, events: {Read: {$ref: 'https://a.example/b'}}}]",
            "event 'Read': .*a.example",
        ),
        ("plans: [{source: shop, calls: {track: {}}}]", "calls"),
        ("blocked_ids: [{ids: ['e:nobody']}]", "no e-mail"),
        ("blocked_ids: [{ids: [kiosk]}]", "a:kiosk"),
        ("blocked_ids: [{workspace: main}]", "ids"),
    ],
)
def test_a_wrong_file_is_told_with_its_name_and_the_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(BadConfiguration, match=f"wrong.yaml.*{told}"):
        read_file(file), read_blocked(file)


def test_a_file_that_is_nested_without_end_is_told(tmp_path: Path) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text("segments: " + "[" * 5000)
    with pytest.raises(BadConfiguration, match=r"deep.yaml is not YAML"):
        read_file(file)


def test_the_plan_in_the_documentation_is_one(tmp_path: Path) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text(plan_of_the_documentation())
    plan = ControlState(read_file(file)).plans["plan/magazine"]
    assert (plan.spec, plan.plan, plan.divert_to) == ("divert", "block", "magazine-odd")
    assert compile_plan(plan).events["Article Read"].is_valid({"article": "a1", "tags": ["news"]})


@pytest.mark.parametrize("page", ["segments.md", "configuration.md"])
def test_the_segments_in_the_documentation_can_be_applied(page: str, tmp_path: Path) -> None:
    file = tmp_path / "segments.yaml"
    examples = [text for text in yaml_of_the_documentation(page) if text.startswith("segments:")]
    assert examples
    for text in examples:
        file.write_text(text)
        assert all(key.startswith("segment/main/") for key in read_file(file))


@pytest.mark.parametrize("page", ["rules.md", "configuration.md", "destinations.md"])
def test_the_rules_in_the_documentation_can_be_applied(page: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    examples = yaml_of_the_documentation(page)
    own = [text for text in examples if text.startswith(("rules:", "destinations:"))]
    assert own
    for text in own:
        file.write_text(text)
        assert all(key.startswith(("rule/main/", "destination/main/")) for key in read_file(file))


def test_the_events_in_the_documentation_can_be_applied(tmp_path: Path) -> None:
    file = tmp_path / "events.yaml"
    examples = yaml_of_the_documentation("automatic.md")
    assert len(examples) == 2
    for text in examples:
        file.write_text(text)
        assert any(key.startswith("pixel_event/shop/") for key in read_file(file))


def test_the_source_in_the_documentation_can_be_applied(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    whole, keys = yaml_of_the_documentation("sources.md")
    file.write_text(whole)
    source = ControlState(read_file(file)).source("shop")
    assert source
    assert (source.quota.events_per_day_max, source.paths.redirect, source.pixel.pages) == (
        100_000,
        "/go",
        True,
    )
    file.write_text(f"sources:\n  - id: shop\n{keys}")
    assert len(ControlState(read_file(file)).sources[0].key_ends) == 1


def test_a_plan_that_kafka_would_not_take_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text("plans: [{source: shop, events: {Read: {title: '" + "x" * PLAN_BYTES_MAX + "'}}}]")
    with pytest.raises(BadConfiguration, match=f"at most {PLAN_BYTES_MAX}"):
        read_file(file)


def test_blocked_identifiers_are_read_with_their_workspace(tmp_path: Path) -> None:
    file = tmp_path / "blocked.yaml"
    file.write_text("blocked_ids: [{ids: ['u:test', 'x:crm:7']}, {workspace: second, ids: ['a:kiosk']}]")
    assert read_file(file) == {}
    assert read_blocked(file) == [("main", "u:test"), ("main", "x:crm:7"), ("second", "a:kiosk")]


def deployment(kafka: str, topic_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(
        bootstrap_servers=kafka,
        topic_prefix=topic_prefix,
        partitions=1,
        replication_factor=1,
        min_insync_replicas=1,
    )
    ensure_topics(settings)
    return settings


def test_an_applied_source_reaches_a_running_reader_and_its_snapshot(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = deployment(kafka, topic_prefix)
    file, snapshot = tmp_path / "sources.yaml", tmp_path / "control.snapshot"
    file.write_text(GOOD)
    apply_file(file, settings, Wish("first"))
    reader = ControlReader(settings, snapshot)
    reader.start()
    assert reader.wait_current(30)
    reader.stop()
    assert reader.state.source_of("a-key")
    away = ControlReader(KafkaSettings(bootstrap_servers="127.0.0.1:1"), snapshot)
    assert away.state.source_of("a-key"), "a process that starts while Kafka is away still knows its sources"


def test_a_processor_knows_the_plans_before_its_first_event(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = deployment(kafka, topic_prefix)
    file = tmp_path / "plans.yaml"
    file.write_text(plan_of_the_documentation())
    assert apply_file(file, settings, Wish("first")).written == ["plan/magazine", "source/magazine"]
    with current_plans(settings) as plans:
        assert plans()["magazine"].plan.plan == "block"


def test_a_write_key_is_not_taken_from_a_source_of_another_file(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = deployment(kafka, topic_prefix)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(GOOD)
    second.write_text("sources:\n  - {id: other, workspace: another, write_keys: [a-key]}\n")
    apply_file(first, settings, Wish("first"))
    with pytest.raises(BadConfiguration, match=r"second.yaml: source other .* source shop") as refusal:
        apply_file(second, settings, Wish("second"))
    assert "a-key" not in str(refusal.value)
    apply_file(first, settings, Wish("again"))
    assert [source.id for source in read_control(settings, 30).sources] == ["shop"]


def test_a_path_is_not_taken_from_a_source_of_another_file(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = deployment(kafka, topic_prefix)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("sources: [{id: one, write_keys: [p1], paths: {script: /a.js, calls: /c}}]")
    second.write_text("sources: [{id: two, write_keys: [p2], paths: {script: /a.js}}]")
    apply_file(first, settings, Wish("first"))
    with pytest.raises(BadConfiguration, match=r"/a\.js of source two and /a\.js of source one meet"):
        apply_file(second, settings, Wish("second"))
    second.write_text("sources: [{id: two, write_keys: [p2], paths: {script: /b.js, calls: /c}}]")
    assert apply_file(second, settings, Wish("again")).written == ["source/two"]


def test_segments_are_applied_and_one_that_another_uses_is_not_deleted(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = deployment(kafka, topic_prefix)
    both, gone, wrong = (tmp_path / name for name in ("both.yaml", "gone.yaml", "wrong.yaml"))
    both.write_text(
        "segments:\n"
        "  - {segment: buyers, where: {did: {event: Order Completed, window: {from: 2026-01-01}}}}\n"
        "  - {segment: others, where: {not: {in_segment: buyers}}}\n"
    )
    gone.write_text("segments: [{segment: buyers, deleted: true}]")
    wrong.write_text("segments: [{segment: lost, where: {in_segment: nowhere}}]")
    assert apply_file(both, settings, Wish("1")).written == ["segment/main/buyers", "segment/main/others"]
    with pytest.raises(
        BadConfiguration, match=r"gone.yaml: segment buyers cannot be deleted, others uses it"
    ):
        apply_file(gone, settings, Wish("2"))
    with pytest.raises(
        BadConfiguration, match=r"wrong.yaml: segment lost: at where: in_segment names nowhere"
    ):
        apply_file(wrong, settings, Wish("3"))
    gone.write_text("segments: [{segment: others, deleted: true}]")
    assert apply_file(gone, settings, Wish("4")).deleted == ["segment/main/others"]
    assert list(read_control(settings, 30).segments) == ["segment/main/buyers"]
