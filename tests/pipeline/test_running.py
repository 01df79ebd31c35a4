"""What users do with a running stack besides SQL: a stock Avro consumer, the command line, a new source without a restart;
and what they do not notice: a stage that dies and is started again."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.profiles import NoSuchProfile
from tests.odd_events import ODD_EVENTS, batch
from tests.pipeline import decisions
from tests.pipeline.asking import LINK_KEYS, resolved, stitchline
from tests.pipeline.baskets import a_cart_is_abandoned_unless_its_owner_has_ordered
from tests.pipeline.example import Example, order, revenue, until_both_say
from tests.pipeline.fates import fates, is_right
from tests.pipeline.members import people_enter_and_leave
from tests.pipeline.pages import what_the_page_says_comes_out
from tests.pipeline.persons import a_person_is_exported, a_person_is_seen_over_http, traits_of_two_sides_meet
from tests.pipeline.planned import a_plan_holds
from tests.pipeline.up import Up, until

pytestmark = pytest.mark.timeout(300)

IDENTITY = Path(__file__).parents[2] / "docs" / "identity.md"
CONTEXT = IDENTITY.with_name("context.md")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    stack = Up(tmp_path_factory.mktemp("up") / "data", CART_TICK_S="1", SEGMENTS_PERIOD_S="2", **LINK_KEYS)
    yield stack
    stack.end(signal.SIGTERM)


def test_a_terminal_shows_sentences_and_the_folder_has_the_log(up: Up) -> None:
    told = Path(up.log.name).read_text()
    assert "starting Kafka and ClickHouse" in told
    assert "ready; Ctrl-C stops" in told
    assert not [line for line in told.splitlines() if line.startswith("{")]
    logged = (Path(up.addresses["data"]) / "logs" / "up.log").read_text().splitlines()
    started = {json.loads(line).get("child") for line in logged}
    assert {"kafka", "clickhouse", "collector", "processor", "sinks", "console"} <= started


def test_a_stock_avro_consumer_reads_resolved_events(up: Up) -> None:
    sent = {"userId": "bob", "event": "Order Completed", "messageId": "o1", "properties": {"total": 63.5}}
    assert up.post("/v1/track", sent) == 200
    event = resolved(up, "o1")
    assert (event["type"], event["event"], event["user_id"], event["source"]) == (
        "track",
        "Order Completed",
        "bob",
        "dev",
    )
    assert json.loads(event["properties"]) == {"total": 63.5}
    until(lambda: up.ask("SELECT subject, profile_id FROM events_resolved WHERE message_id = 'o1'"),
          [[event["subject"], event["profile_id"]]])  # fmt: skip


def test_a_cart_is_abandoned_once_unless_its_owner_has_ordered_under_another_identifier(up: Up) -> None:
    a_cart_is_abandoned_unless_its_owner_has_ordered(up)


def test_a_profile_is_found_by_each_of_its_identifiers(up: Up) -> None:
    assert (
        up.post("/v1/page", {"anonymousId": "tablet", "name": "Home", "timestamp": "2026-01-01T10:00:00Z"})
        == 200
    )
    known = {
        "anonymousId": "tablet",
        "userId": "eve",
        "traits": {"email": "Eve@Shop.Example", "plan": "pro"},
        "context": {"externalIds": [{"type": "contact_id", "id": "77"}]},
    }
    assert up.post("/v1/identify", known) == 200
    wanted = [[["tablet"], ["eve@shop.example"], 2]]
    until(lambda: up.ask("SELECT anonymous_ids, emails, events FROM profiles WHERE user_id = 'eve'"), wanted)
    until(lambda: _is_found(up, "contact_id:77"), True)
    found = [
        json.loads(stitchline(up, "profile", name))
        for name in ("eve", "eve@shop.example", "tablet", "contact_id:77")
    ]
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0] == json.loads(stitchline(up, "profile", found[0]["profile_id"]))
    assert found[0]["traits"]["plan"] == "pro"
    assert [event["type"] for event in found[0]["journey"]] == ["page", "identify"]
    assert found[0]["first_seen"] == "2026-01-01T10:00:00.000+00:00"


def test_traits_of_a_browser_and_of_a_server_meet_in_one_profile(up: Up) -> None:
    traits_of_two_sides_meet(up)


def test_an_application_sees_a_person_over_two_devices_within_seconds(up: Up) -> None:
    a_person_is_seen_over_http(up)


def _is_found(up: Up, identifier: str) -> bool:
    try:
        return bool(stitchline(up, "profile", identifier))
    except NoSuchProfile:
        return False


def test_a_second_device_is_joined_by_a_link_in_an_email_whatever_comes_first(up: Up) -> None:
    link = {"page": {"url": "https://shop.example/?email=kim@shop.example"}}
    assert (
        up.post(
            "/v1/page", {"anonymousId": "kims-phone", "context": link, "timestamp": "2026-02-02T10:00:00Z"}
        )
        == 200
    )
    assert up.post("/v1/page", {"anonymousId": "kims-phone", "timestamp": "2026-02-01T10:00:00Z"}) == 200
    known = {"anonymousId": "kims-laptop", "userId": "kim", "traits": {"email": "kim@shop.example"}}
    assert up.post("/v1/identify", known) == 200
    wanted = [[["kims-laptop", "kims-phone"], 3]]
    until(lambda: up.ask("SELECT anonymous_ids, events FROM profiles WHERE user_id = 'kim'"), wanted)


def test_a_signed_link_joins_a_device_whose_source_takes_no_unsigned_one_and_is_not_stored(
    up: Up, tmp_path: Path
) -> None:
    file = tmp_path / "letters.yaml"
    file.write_text("sources: [{id: letters, write_keys: [letters-key]}]")
    stitchline(up, "apply", str(file))
    link = stitchline(up, "link", "https://shop.example/?utm_source=mail", "--contact", "4711").strip()
    token = link.partition("_c=")[2]
    for visit in _visits_by_mail(link):
        until(lambda visit=visit: up.status("/v1/page", visit), 200)  # type: ignore[misc]
    known = {"anonymousId": "lous-laptop", "userId": "lou", "writeKey": "letters-key",
             "context": {"externalIds": [{"type": "contact_id", "id": "4711"}]}}  # fmt: skip
    assert up.status("/v1/identify", known) == 200
    until(lambda: up.ask("SELECT anonymous_ids, events FROM profiles WHERE user_id = 'lou'"),
          [[["lous-laptop", "lous-phone"], 3]])  # fmt: skip
    until(lambda: up.ask("SELECT outcome, toInt64(sum(events)) FROM ledger WHERE stage = 'remarks' AND source = 'letters' "
                         "GROUP BY outcome ORDER BY outcome"),
          [["link_refused", 1], ["link_signed", 1], ["link_unsigned", 1]])  # fmt: skip
    stored = up.ask(
        "SELECT envelope, context, toString(properties), traits FROM events WHERE source = 'letters'"
    )
    assert len(stored) == 5
    for texts in stored:
        assert not [text for text in texts if token[:20] in text or "mallory" in text]
    assert up.ask(
        "SELECT JSONExtractString(context, 'page', 'url') FROM events WHERE message_id = 'by-mail'"
    ) == [["https://shop.example/?utm_source=mail"]]


def _visits_by_mail(link: str) -> list[dict[str, Any]]:
    """On the phone a link from a mail and a visit before it; elsewhere a forged link, and one without a signature."""
    forged = f"{link[:-6]}{'B' if link[-6] == 'A' else 'A'}{link[-5:]}"
    unsigned = "https://shop.example/?email=mallory@shop.example"
    pages = [
        ("by-mail", "lous-phone", link, "2026-02-02T10:00:00Z"),
        ("before", "lous-phone", "https://shop.example/", "2026-02-01T10:00:00Z"),
        ("forged", "malls-phone", forged, "2026-02-01T10:00:00Z"),
        ("unsigned", "malls-tablet", unsigned, "2026-02-01T10:00:00Z"),
    ]
    return [
        {
            "messageId": name,
            "anonymousId": device,
            "timestamp": time,
            "writeKey": "letters-key",
            "properties": {"url": url, "referrer": url, "search": url.partition("?")[2]},
            "context": {"page": {"url": url}},
        }
        for name, device, url, time in pages
    ]


def test_the_hint_on_an_event_soon_knows_whose_an_address_is(up: Up) -> None:
    address = {"email": "zoe@shop.example"}
    assert up.post("/v1/identify", {"userId": "zoe", "traits": address}) == 200

    def right() -> list[Any]:
        """Of events that name the address alone: one more each time."""
        assert up.post("/v1/track", {"event": "Hinted", "context": {"traits": address}}) == 200
        return up.ask(
            "SELECT 1 FROM events WHERE event = 'Hinted' AND profile_hint ="
            " (SELECT profile_id FROM profiles WHERE user_id = 'zoe') LIMIT 1"
        )

    until(right, [[1]])


def test_a_new_source_is_served_without_a_restart(up: Up, tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("sources: [{id: blog, write_keys: [blog-key], workspace: second}]")
    applied = json.loads(stitchline(up, "apply", str(file)))
    assert applied["written"] == ["source/blog"]
    assert up.post("/v1/track", {"userId": "ben", "event": "Read"}) == 200
    body = {"userId": "ben", "event": "Read", "messageId": "r1", "writeKey": "blog-key"}
    until(lambda: up.status("/v1/track", body), 200)
    until(
        lambda: up.ask("SELECT workspace, source FROM events_resolved WHERE message_id = 'r1'"),
        [["second", "blog"]],
    )
    # People of two workspaces never meet.
    until(lambda: up.ask("SELECT count(DISTINCT profile_id) FROM profiles WHERE user_id = 'ben'"), [[2]])


def test_a_tracking_plan_blocks_and_diverts_and_what_is_repaired_is_stored(up: Up, tmp_path: Path) -> None:
    a_plan_holds(up, tmp_path / "plans.yaml")


def test_every_odd_event_is_stored_or_has_a_letter_and_nothing_is_stuck(up: Up) -> None:
    half = len(ODD_EVENTS) // 2
    for events in (ODD_EVENTS[:half], ODD_EVENTS[half:]):
        assert up.post("/v1/batch", batch(events), key="dev") == 200
    after = [{"type": "track", "event": "After", "anonymousId": f"after-{n}"} for n in range(64)]
    assert up.post("/v1/batch", {"batch": after}) == 200
    until(lambda: up.ask("SELECT count() FROM events_resolved WHERE event = 'After'"), [[64]])
    until(lambda: {odd.name for odd in ODD_EVENTS} - set(fates(up)), set())
    found = fates(up)
    wrong = {odd.name: found[odd.name] for odd in ODD_EVENTS if not is_right(odd, found[odd.name])}
    assert wrong == {}


def test_what_the_page_on_identity_says_comes_out(up: Up) -> None:
    titles = what_the_page_says_comes_out(up, IDENTITY.read_text())
    assert {"A shared tablet", "A forwarded mail", "A family address", "A kiosk"} <= titles


def test_what_the_page_on_context_says_comes_out(up: Up) -> None:
    assert what_the_page_says_comes_out(up, CONTEXT.read_text()) == {"A phone, a crawler and a server"}


def test_one_persons_data_is_exported_to_a_folder_of_its_own(up: Up, tmp_path: Path) -> None:
    a_person_is_exported(up, tmp_path / "ida")


def test_a_child_that_is_killed_is_started_again_and_loses_nothing(up: Up) -> None:
    up.renew_family()
    stages = ("processor", "sink", "collector")
    victims = {stage: next(child for child in up.family if stage in child.cmdline()) for stage in stages}
    for number, stage in enumerate(stages):
        victims[stage].kill()
        until(lambda stage=stage, number=number: _accepted(up, f"{stage}-{number}"), True)  # type: ignore[misc]
    until(lambda: up.ask("SELECT count() FROM events_resolved WHERE event = 'Survived'"), [[3]])
    up.renew_family()


def _accepted(up: Up, message_id: str) -> bool:
    try:
        return up.post("/v1/track", {"userId": "ann", "event": "Survived", "messageId": message_id}) == 200
    except OSError:
        return False


def test_the_example_keeps_revenue_per_person_through_merge_split_unlink_forget_and_its_own_death(
    up: Up, tmp_path: Path
) -> None:
    tablet, mail = {"anonymousId": "shop-tablet"}, "pia@shop.example"
    orders = [order(hour, total, hour, **tablet) for hour, total in ((10, 10.5), (12, 20), (14, 40))]
    by_mail = order(1, 5.25, 10, context={"traits": {"email": mail}})
    logins = [
        {"type": "identify", "timestamp": "2026-04-01T13:00:00Z", "userId": "quentin", **tablet},
        {"type": "identify", "timestamp": "2026-04-01T11:00:00Z", "userId": "pia", "traits": {"email": mail}, **tablet},
    ]  # fmt: skip
    example = Example(up, tmp_path / "revenue.db")
    example.start()
    try:
        assert up.post("/v1/batch", {"batch": [*orders, by_mail]}) == 200
        until_both_say(up, example, (3, 70.5), (1, 5.25))
        assert up.post("/v1/batch", {"batch": logins}) == 200
        example.kill()
        example.start()
        until_both_say(up, example, (3, 35.75), (1, 40.0))
        stitchline(up, "unlink", mail, "u:pia", "--data", up.addresses["data"])
        until_both_say(up, example, (2, 30.5), (1, 40.0), (1, 5.25))
        stitchline(up, "forget", "u:quentin", "--yes", "--data", up.addresses["data"])
        until_both_say(up, example, (2, 30.5), (1, 5.25))
    finally:
        example.kill()
    late = Example(up, tmp_path / "late.db").run_once()
    assert late.items() >= revenue(up).items()


def test_a_forgotten_person_is_gone_and_stays_gone_when_everything_is_sent_again(
    up: Up, tmp_path: Path
) -> None:
    decisions.a_person_is_forgotten(up, tmp_path)


def test_a_link_that_was_cut_and_an_address_that_was_blocked_stay_so(up: Up, tmp_path: Path) -> None:
    decisions.a_link_is_cut_and_an_address_blocked(up, tmp_path)


def test_what_happened_after_the_moment_of_a_forgetting_stays_linked_until_it_is_forgotten_too(
    up: Up,
) -> None:
    decisions.later_history_stays_until_it_is_forgotten_too(up)


def test_people_enter_and_leave_a_segment_and_each_change_is_told_once(up: Up, tmp_path: Path) -> None:
    people_enter_and_leave(up, tmp_path)  # the last: from here on its segment is asked for every two seconds
