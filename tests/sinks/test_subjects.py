"""What questions about people start from: subjects and their kinds, the way by subject, and pointers of the past."""

from collections.abc import Iterator

import pytest

from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.migrating.migrations import shipped, statements
from tests.databases import Databases
from tests.sinks.stage import START_MS, Tables, event, pointer

FIRST, NEVER_SEEN, SEEN_NEVER = (
    "2023-11-14 22:13:20.000",
    "2299-12-31 00:00:00.000",
    "1970-01-01 00:00:00.000",
)
PEOPLE = 40


@pytest.fixture(scope="module")
def tables(clickhouse: str, databases: Databases) -> Iterator[Tables]:
    """As it is after an upgrade: some events of before, the same ones again, and some after."""
    with databases.bare() as name:
        before = [each for each in shipped() if each.number <= 16]
        tables = Tables(clickhouse, name, before)
        tables.insert("events_in", RESOLVED_EVENT, [said(number) for number in range(400)], "before")
        tables.insert("pointers_in", POINTER, [pointer(1, 2, 1, updated_at=START_MS), shared(3)], "p-before")
        tables = Tables(clickhouse, name)
        tables.insert("events_in", RESOLVED_EVENT, [said(number) for number in range(200, 800)], "after")
        tables.insert(
            "pointers_in", POINTER, [pointer(1, 3, 2, updated_at=START_MS + 5), shared(7)], "p-after"
        )
        yield tables


def shared(node: int) -> bytes:
    """A device that was somebody's for a while."""
    return pointer(
        node, node, segments=[{"valid_from": 0, "valid_to": START_MS, "owner": 2}], updated_at=START_MS
    )


def said(number: int) -> bytes:
    """A user's, an e-mail's, a device's or a bot's event."""
    subject = number % PEOPLE + 1
    kind = "ueam"[subject % 4]
    named = [{"node": 90_000 + subject, "kind": "x", "value": f"other:{subject}"}]
    if kind != "m":
        named.append({"node": subject, "kind": kind, "value": f"{kind}{subject}"})
    device = {
        "kind": "",
        "brand": "",
        "model": "",
        "os": "",
        "os_version": "",
        "browser": "",
        "browser_version": "",
    }
    return event(
        number,
        subject=subject,
        anonymous_id="",
        identifiers=named,
        type="identify",
        traits='{"plan":"pro"}',
        device=device | {"is_bot": subject == 5 or (subject == 6 and number < PEOPLE)},
    )


def test_an_event_says_of_which_kind_its_subject_is_stored_before_or_after(tables: Tables) -> None:
    found = tables.rows("SELECT DISTINCT subject, subject_type FROM events_resolved ORDER BY subject")
    assert found == [(subject, "ueam"[subject % 4]) for subject in range(1, PEOPLE + 1)]


def test_a_subject_is_one_row_from_the_first_event_to_the_last(tables: Tables) -> None:
    found = tables.rows("""
        SELECT subject, subject_type, toString(human_first_seen), toString(bot_first_seen), toString(bot_last_seen)
        FROM subjects FINAL""")
    rows = {subject: (kind, *seen) for subject, kind, *seen in found}
    assert len(found) == len(rows) == PEOPLE
    assert rows[1] == ("e", FIRST, NEVER_SEEN, SEEN_NEVER)
    assert rows[5] == ("e", NEVER_SEEN, "2023-11-14 22:13:24.000", "2023-11-14 22:26:04.000")
    assert rows[6][2:] == ("2023-11-14 22:13:25.000", "2023-11-14 22:13:25.000")


def test_devices_by_subject_are_what_the_events_say_as_often_as_they_were_stored(tables: Tables) -> None:
    told = """
        SELECT subject, max(toString(subject_type)), about[5] = '1' AS is_bot, min(first_seen), max(latest.seen)
        FROM subject_details WHERE part = 'device' GROUP BY subject, is_bot ORDER BY subject, is_bot"""
    counted = """
        SELECT subject, max(toString(subject_type)), device.is_bot AS is_bot, min(timestamp), max(timestamp) FROM events
        GROUP BY subject, is_bot ORDER BY subject, is_bot"""
    assert tables.rows(told) == tables.rows(counted)
    assert tables.row("SELECT sum(events) FROM subject_details WHERE part = 'device'") == (400 + 600,)
    for table in ("subject_devices", "subject_devices_before", "subject_details_before"):
        assert tables.rows(f"EXISTS TABLE {table}") == [(0,)]


STATED_TRAITS = """\
subject, toString(traits.name), (max((timestamp, [message_id, traits.value, toString(source)])) AS last).1, last.2, min(timestamp)
FROM traits GROUP BY ALL"""


@pytest.mark.parametrize(
    ("part", "told", "stated"),
    [
        ("trait", "subject, name, (max(latest) AS last).1, last.2, min(first_seen)", STATED_TRAITS),
        ("name", "subject, kind, name", "DISTINCT node, kind, value FROM identifiers WHERE value != ''"),
        ("led", "subject, node", "DISTINCT owner, node FROM identity_owners"),
        ("contested", "subject", "DISTINCT node FROM identity_pointers WHERE notEmpty(segments)"),
    ],
)
def test_details_of_subjects_are_what_the_tables_say_stored_before_or_after(
    tables: Tables, part: str, told: str, stated: str
) -> None:
    found = tables.rows(f"SELECT {told} FROM subject_details WHERE part = '{part}' GROUP BY ALL ORDER BY ALL")  # noqa: S608 - ours
    assert found
    assert found == tables.rows(f"SELECT {stated} ORDER BY ALL")


def test_the_events_of_subjects_are_those_of_the_table_of_events_stored_before_or_after(
    tables: Tables,
) -> None:
    shown = """subject, toString(subject_type), timestamp, message_id, toString(type), toString(event), name, toString(source),
        anonymous_id, user_id, group_id, session_id, toString(device.kind), device.is_bot, touch.source, raw_partition,
        raw_offset, raw_index, traits"""
    own = f"SELECT DISTINCT {shown}, toString(channel), url, toString(properties::JSON) FROM subject_events ORDER BY ALL"  # noqa: S608 - ours
    stated = f"""SELECT DISTINCT {shown}, toString(visit.touch.channel), page.url, toString(properties)
        FROM events ORDER BY ALL"""  # noqa: S608 - ours
    assert len(tables.rows(own)) == 800
    assert tables.rows(own) == tables.rows(stated)


IDENTIFIERS = "workspace, kind, value, node, claimed FROM identifiers ORDER BY ALL"
OWNERS = "workspace, owner, node FROM identity_owners ORDER BY ALL"


@pytest.mark.parametrize("cut_after", [4, 8, 19])
def test_the_tables_with_small_granules_have_what_was_there_wherever_the_migration_was_cut_off(
    clickhouse: str, databases: Databases, cut_after: int
) -> None:
    with databases.bare() as name:
        (small,) = [each for each in shipped() if each.number == 34]
        tables = Tables(clickhouse, name, [each for each in shipped() if each.number < small.number])
        tables.insert("events_in", RESOLVED_EVENT, [said(number) for number in range(100)], "before")
        tables.insert("pointers_in", POINTER, [pointer(1, 2, 1), shared(3)], "p-before")
        wanted = [tables.rows(f"SELECT DISTINCT {what}") for what in (IDENTIFIERS, OWNERS)]
        assert all(wanted)
        for statement in statements(small.text, {"database": name})[:cut_after]:
            tables.client.command(statement)
        tables = Tables(clickhouse, name)
        assert [tables.rows(f"SELECT DISTINCT {what}") for what in (IDENTIFIERS, OWNERS)] == wanted
        assert tables.rows("SHOW TABLES LIKE '%anew%'") == []
        granules = (
            "SELECT count() FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE"
        )
        assert tables.row(f"{granules} '%identi%index_granularity = 256,%'") == (2,)
        tables.insert("events_in", RESOLVED_EVENT, [said(number) for number in range(1, 400)], "after")
        tables.insert("pointers_in", POINTER, [pointer(1, 5, 2)], "p-after")
        assert len(tables.rows(f"SELECT DISTINCT {IDENTIFIERS}")) == 70
        assert len(tables.rows(f"SELECT DISTINCT {OWNERS}")) == len(wanted[1]) + 1


def test_subjects_are_what_the_events_say(tables: Tables) -> None:
    told = "SELECT subject, min(human_first_seen), max(human_last_seen) FROM subjects GROUP BY subject ORDER BY subject"
    counted = """
        SELECT subject, minIf(timestamp, NOT device.is_bot), maxIf(timestamp, NOT device.is_bot) FROM events
        GROUP BY subject HAVING countIf(NOT device.is_bot) > 0 ORDER BY subject"""
    assert [row for row in tables.rows(told) if row[0] != 5] == tables.rows(counted)


def test_the_events_of_a_subject_are_found_without_reading_those_of_others(tables: Tables) -> None:
    tables.client.command("""
        INSERT INTO events_in (workspace, message_id, type, event, timestamp, subject)
        SELECT 'many', toString(number), 'track', toString(number % 40), now64(3), number % 10000 FROM numbers(100000)""")
    wanted = "FROM events WHERE workspace = 'many' AND subject = 77"
    with_projection = "SETTINGS min_table_rows_to_use_projection_index = 0"
    assert tables.row(f"SELECT uniqExact(message_id) {wanted} {with_projection}") == (10,)
    plan = tables.rows(f"EXPLAIN projections = 1 SELECT message_id {wanted} {with_projection}")
    said = [line.strip() for (line,) in plan]
    assert "Name: rows_by_subject" in said
    assert "Description: Projection has been analyzed and will be applied during reading" in said


def test_every_version_of_a_pointer_is_kept(tables: Tables) -> None:
    found = tables.rows(
        "SELECT node, owner, version FROM identity_pointer_log WHERE node = 1 ORDER BY version"
    )
    assert found == [(1, 2, 1), (1, 3, 2)]


def test_a_trait_says_when_it_became_known(tables: Tables) -> None:
    known = "SELECT countIf(received_at = fromUnixTimestamp64Milli({})), count() FROM traits FINAL"
    received, traits = tables.row(known.format(START_MS))
    assert (received, traits) == (600, 800)


def test_a_device_with_two_versions_in_one_block_has_those_of_its_latest_event(tables: Tables) -> None:
    tables.client.command("""
        INSERT INTO events_in (workspace, message_id, type, timestamp, subject, anonymous_id, properties, traits, device)
        SELECT 'versions', toString(number), 'track', fromUnixTimestamp64Milli(1000 * [1, 3, 3, 2][number + 1], 'UTC'), 9, 'd',
            '{}', '{}',
            CAST(('mobile', 'Apple', 'iPhone', 'iOS', ['17.1', '17.3', '17.2', '18'][number + 1], 'Safari', '17', 0),
                'Tuple(kind String, brand String, model String, os String, os_version String,
                    browser String, browser_version String, is_bot Bool)')
        FROM numbers(4)""")
    found = tables.rows("""
        SELECT name, about, toUnixTimestamp64Milli(latest.seen), latest.said, toUnixTimestamp64Milli(first_seen), events
        FROM subject_details FINAL WHERE workspace = 'versions' AND part = 'device'""")
    assert found == [("d", ["Apple", "iPhone", "iOS", "Safari", "0"], 3000, ["17.3", "17"], 1000, 4)]
