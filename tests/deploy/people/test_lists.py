"""Uploaded lists: which identifiers the lines of a file are, what is refused, and that a list is replaced as a whole."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DataError
from typer.testing import CliRunner

from deploy.applying.authority import Wish
from deploy.applying.configuration import apply_file
from deploy.cli import app
from deploy.identifiers.ids import WrongHashKey, key_of
from deploy.identifiers.many_ids import CHARS_PER_QUERY_MAX, Line, Resolved, resolve
from deploy.people import lists
from deploy.people.lists import (
    BadList,
    Kept,
    as_kind,
    check_name,
    delete,
    kept,
    read_lines,
    refuse_problems,
    replace,
)
from schemas.identity.identifiers import hash_email, node_id, profile_id
from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import Tables, Topics, event

KEY = bytes(range(16))
CARRIED = [
    ("u", "42"), ("a", "42"), ("u", "ann"), ("e", "ann@example.org"), ("x", "contact_id:7"), ("x", "crm:7"), ("x", "crm:9"),
]  # fmt: skip


def node_of(kind: str, value: str) -> int:
    return node_id(key_of("main", kind, value), KEY)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    stage = Tables(clickhouse, module_database)
    identifiers = [{"node": node_of(kind, value), "kind": kind, "value": value} for kind, value in CARRIED]
    stage.insert("events_in", RESOLVED_EVENT, [event(1, identifiers=identifiers)], "t1")
    yield stage
    stage.client.close()


def resolved(tables: Tables, *texts: str, key: bytes | None = None) -> Resolved:
    return resolve(tables.client, "main", [Line(number, text) for number, text in enumerate(texts, 1)], key)


MEANT = [
    ("u:42", ("u", "42")),
    ("a:42", ("a", "42")),
    ("ann", ("u", "ann")),
    ("ANN@example.org", ("e", "ann@example.org")),
    ("e: Ann@Example.org", ("e", "ann@example.org")),
    (f"e:{hash_email('ann@example.org')}", ("e", "ann@example.org")),
    ("contact_id:7", ("x", "contact_id:7")),
    ("9", ("x", "crm:9")),
    (profile_id(node_of("u", "ann")), ("u", "ann")),
]


@pytest.mark.parametrize("key", [None, KEY])
def test_lines_are_what_one_identifier_alone_would_be(tables: Tables, key: bytes | None) -> None:
    for text, meant in MEANT:
        assert resolved(tables, text, key=key) == Resolved([node_of(*meant)], {}), text
    together = resolved(tables, *(text for text, _ in MEANT), key=key)
    assert together.nodes == list(dict.fromkeys(node_of(*meant) for _, meant in MEANT)), "each person once"
    assert together.problems == {}


def test_what_is_unknown_ambiguous_blocked_or_no_identifier_is_told_by_its_line(tables: Tables) -> None:
    found = resolved(tables, "Email", "42", "7", "u:null", "e:nobody", "u:new", "x" * 501, "u:ann")
    assert found.nodes == [node_of("u", "ann")]
    told = found.problems
    assert "no event carries 'Email'" in told[1]
    assert "name its column with --column" in told[1]
    assert "more than one identifier, say which: a:42 (anonymous id), u:42 (user id)" in told[2]
    assert "x:contact_id:7" in told[3]
    assert "blocked" in told[4]
    assert "no e-mail" in told[5]
    assert "STITCHLINE_HASH_KEY" in told[6]
    assert "more than 500 characters" in told[7]
    assert "--column" not in resolved(tables, "u:ann", "nobody-knows").problems[2]


def test_with_the_hash_key_people_are_listed_before_their_first_event(tables: Tables) -> None:
    assert resolved(tables, "e:New@example.org", key=KEY).nodes == [node_of("e", "new@example.org")]
    with pytest.raises(WrongHashKey):
        resolved(tables, "u:ann", "e:new@example.org", key=bytes(16))


def test_a_long_file_takes_more_than_one_query(tables: Tables) -> None:
    count = CHARS_PER_QUERY_MAX // 10
    unknown = [f"u:{'x' * 12}{number}" for number in range(count)]
    unknown += [f"{'x' * 12}{number}" for number in range(count)]
    found = resolved(tables, "u:42", "9", *unknown, "u:ann", "ann@example.org")
    assert found.nodes == [
        node_of(*each) for each in (("u", "42"), ("x", "crm:9"), ("u", "ann"), ("e", "ann@example.org"))
    ]
    assert len(found.problems) == 2 * count


def nodes_of(tables: Tables, name: str, workspace: str = "main") -> list[int]:
    asked = {"workspace": workspace, "list": name}
    sql = "SELECT node FROM lists WHERE workspace = {workspace:String} AND list = {list:String} ORDER BY node"
    return [node for (node,) in tables.client.query(sql, parameters=asked).result_rows]


def test_a_list_is_replaced_as_a_whole_and_no_other_one_is_touched(tables: Tables) -> None:
    assert replace(tables.client, "main", "vip", [1, 2, 3], 1_000) == 1_000
    assert replace(tables.client, "second", "vip", [7], 1_000) == 1_000
    assert replace(tables.client, "main", "vip-2", [8], 1_000) == 1_000
    assert replace(tables.client, "main", "vip", [3, 4], 500) == 1_001, (
        "a later version, whatever the clock says"
    )
    assert nodes_of(tables, "vip") == [3, 4]
    assert (nodes_of(tables, "vip", "second"), nodes_of(tables, "vip-2")) == ([7], [8])
    assert kept(tables.client, "main") == [Kept("vip", 2, 1_001), Kept("vip-2", 1, 1_000)]
    delete(tables.client, "main", "vip")
    assert kept(tables.client, "main", "vip") == []
    assert nodes_of(tables, "vip", "second") == [7]


def test_a_load_that_is_cut_off_leaves_the_list_as_it_was(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(tables.client, "main", "kept", [1], 1_000)
    monkeypatch.setattr(lists, "ROWS_PER_INSERT_MAX", 1)
    with pytest.raises(DataError):
        replace(tables.client, "main", "kept", [2, -1], 2_000)
    assert nodes_of(tables, "kept") == [1]
    assert tables.rows("SELECT name FROM system.tables WHERE name LIKE 'lists_l%'") == []


def test_what_a_load_left_behind_a_day_ago_is_cleared_away(tables: Tables) -> None:
    tables.client.command("CREATE TABLE lists_loading_1000_a AS lists")
    tables.client.command(f"CREATE TABLE lists_loading_{2 * lists.ABANDONED_AFTER_MS}_b AS lists")
    replace(tables.client, "main", "later", [1], 2 * lists.ABANDONED_AFTER_MS)
    names = tables.rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'lists_l%'"
    )
    assert names == [(f"lists_loading_{2 * lists.ABANDONED_AFTER_MS}_b",)]
    tables.client.command(f"DROP TABLE lists_loading_{2 * lists.ABANDONED_AFTER_MS}_b")


@pytest.mark.parametrize(
    ("text", "column", "read"),
    [
        ("u:1\n\n u:2 \n", "", [(1, "u:1"), (3, "u:2")]),
        ("u:1,Ann\nu:2,Bob\n", "", [(1, "u:1"), (2, "u:2")]),
        ('name,id\nAnn,u:1\n"Bob, Jr",u:2\nCarl\n', "id", [(2, "u:1"), (3, "u:2")]),
    ],
)
def test_identifiers_are_read_with_the_numbers_of_their_lines(
    text: str, column: str, read: list[tuple[int, str]]
) -> None:
    assert read_lines(csv.reader(text.splitlines(keepends=True)), column) == read


def test_files_that_hold_no_list_are_refused() -> None:
    with pytest.raises(BadList, match="no column 'id' in the first line; there are name, mail"):
        read_lines(csv.reader(["name,mail"]), "id")
    with pytest.raises(BadList, match="no identifiers"):
        read_lines(csv.reader(["", " "]), "")
    with pytest.raises(BadList, match="no name of a list"):
        check_name("Very Important")


def test_bare_values_can_be_said_to_be_of_one_kind(tables: Tables) -> None:
    lines = [Line(1, "Ann@example.org"), Line(2, "e:new@example.org")]
    assert resolve(tables.client, "main", as_kind(lines, "e"), KEY).nodes == [
        node_of("e", "ann@example.org"),
        node_of("e", "new@example.org"),
    ]
    assert as_kind([Line(1, "7")], "x:crm") == [Line(1, "x:crm:7")]
    for kind in ("email", "x", "u:1", ""):
        with pytest.raises(BadList, match="x:contact_id"):
            as_kind(lines, kind)


def test_nothing_is_loaded_of_a_file_with_a_problem_unless_it_is_asked_for() -> None:
    found = Resolved([1], dict.fromkeys(range(1, 26), "wrong"))
    with pytest.raises(BadList, match=r"(?s)nothing was loaded.*line 20: wrong\nand 5 more"):
        refuse_problems(found, skip=False)
    refuse_problems(found, skip=True)
    with pytest.raises(BadList, match="no line of the file names anybody"):
        refuse_problems(Resolved([], {1: "wrong"}), skip=True)


def test_the_command_loads_and_shows_lists(tables: Tables, tmp_path: Path) -> None:
    file = tmp_path / "vip.csv"
    file.write_text("\ufeffe-mail;who\nann@example.org;Ann\nnobody@example.org;Nobody\n")
    environ = {"CLICKHOUSE_URL": tables.settings.url, "STITCHLINE_DATABASE": tables.settings.database}
    call = ["list", "by-mail", str(file), "--column", "e-mail", "--as", "e", "--data", str(tmp_path)]
    refused = CliRunner().invoke(app, call, env=environ)
    assert isinstance(refused.exception, BadList)
    assert "line 3: no event carries e:nobody@example.org" in str(refused.exception)
    loaded = CliRunner().invoke(app, [*call, "--skip"], env=environ)
    assert '"list":"by-mail","entries":1,' in loaded.stdout
    assert '"left_out":1' in loaded.stdout
    assert nodes_of(tables, "by-mail") == [node_of("e", "ann@example.org")]
    assert '"list":"by-mail"' in CliRunner().invoke(app, ["list"], env=environ).stdout


def test_a_list_goes_unless_a_segment_uses_it(
    tables: Tables, kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Topics(kafka, topic_prefix, partitions=1).settings
    environ = {
        "CLICKHOUSE_URL": tables.settings.url,
        "STITCHLINE_DATABASE": tables.settings.database,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "STITCHLINE_TOPIC_PREFIX": topic_prefix,
    }
    for name in ("used", "unused"):
        replace(tables.client, "main", name, [1], 1_000)
    file = tmp_path / "segments.yaml"
    file.write_text("segments: [{segment: all-but-those, where: {not: {in_list: used}}}]")
    apply_file(file, settings, Wish("1"))
    refused = CliRunner().invoke(app, ["list", "used", "--delete"], env=environ)
    assert "list used is used by all-but-those" in str(refused.exception)
    assert CliRunner().invoke(app, ["list", "unused", "--delete"], env=environ).exit_code == 0
    assert (nodes_of(tables, "used"), nodes_of(tables, "unused")) == ([1], [])
    missing = CliRunner().invoke(app, ["list", "unused", "--delete"], env=environ)
    assert "workspace main has no list unused" in str(missing.exception)
