"""ClickHouse's HTTP protocol in its corners, as plain HTTP sees it: what a server answers, this one answers too."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from deploy.embedded.clickhouse.blocks import Packer, unpacked
from tests.deploy.embedded.asking import call, code, post


def test_paths_and_methods_are_answered_as_by_a_server(server: str) -> None:
    for path in ("/", "/ping", "/replicas_status"):
        assert call(server, "GET", path)[::2] == (200, b"Ok.\n")
        assert call(server, "HEAD", path)[::2] == (200, b"")
    assert call(server, "GET", "/?query=SELECT%201")[2] == b"1\n"
    assert call(server, "HEAD", "/?query=SELECT%201")[::2] == (200, b"")
    assert call(server, "OPTIONS", "/")[0] == 204
    assert call(server, "PUT", "/")[0] == 404
    status, _, text = call(server, "GET", "/play")
    assert (status, b"There is no handle /play" in text) == (404, True)


def test_any_user_is_let_in_by_any_way_of_saying_it(server: str) -> None:
    basic = {"Authorization": "Basic dTpw"}
    for headers in (basic, {"X-ClickHouse-User": "u", "X-ClickHouse-Key": "p"}):
        assert post(server, b"SELECT 1", headers)[2] == b"1\n"
    assert post(server, b"SELECT 1", user="u", password="p")[2] == b"1\n"
    assert code(post(server, b"SELECT 1", role="admin")) == "511"


def test_an_answer_says_what_it_is(server: str) -> None:
    _, headers, _ = post(server, b"SELECT 1 FORMAT JSON", query_id="mine")
    assert headers["X-ClickHouse-Query-Id"] == "mine"
    assert headers["X-ClickHouse-Format"] == "JSON"
    assert headers["X-ClickHouse-Server-Display-Name"] == "stitchline-embedded"
    assert headers["X-ClickHouse-Timezone"]
    assert headers["Content-Type"].startswith("application/json")
    assert set(json.loads(headers["X-ClickHouse-Summary"])) >= {"read_rows", "written_rows", "elapsed_ns"}
    assert len(headers["X-ClickHouse-Exception-Tag"]) == 16


def test_parameters_may_be_as_long_as_a_servers_address_may_be(server: str, client: Client) -> None:
    many = ["segment"] * 50_000
    asked = client.query("SELECT length({many:Array(String)})", parameters={"many": many})
    assert asked.result_rows == [(50_000,)]


def test_database_and_format_may_come_as_headers(server: str, client: Client) -> None:
    headers = {"X-ClickHouse-Database": "system", "X-ClickHouse-Format": "JSONCompactEachRow"}
    assert post(server, b"SELECT currentDatabase()", headers)[2] == b'["system"]\n'
    assert post(server, b"SELECT count() FROM t", headers, database="default")[2] == b"[0]\n"


@pytest.mark.parametrize(
    ("text", "params", "status", "error"),
    [
        (b"SELEKT 1", {}, 400, "62"),
        (b"SELECT nope()", {}, 404, "46"),
        (b"SELECT 1 FORMAT Nope", {}, 404, "73"),
        (b"SELECT 1; SELECT 2", {}, 400, "62"),
        (b"", {"query": " "}, 400, "62"),
        (b"SELECT {x:Int8}", {}, 500, "456"),
        (b"SELECT toDate('no')", {}, 400, "38"),
        (b"SELECT count() FROM numbers(1000000000000)", {"max_execution_time": "0.1"}, 408, "159"),
        (b"INSERT INTO t VALUES (1, 'x')", {"readonly": "1"}, 500, "164"),
        (b"SET max_threads = 1", {"readonly": "1"}, 500, "164"),
        (b"SELECT sum(number) FROM numbers(100)", {"max_rows_to_read": "10"}, 500, "158"),
    ],
)
def test_an_error_has_the_servers_status_and_code(
    server: str, client: Client, text: bytes, params: dict[str, Any], status: int, error: str
) -> None:
    reply = post(server, text, **params)
    assert (reply[0], code(reply)) == (status, error)
    assert reply[2].startswith(f"Code: {error}. DB::Exception: ".encode())


def test_bytes_that_are_no_text_go_both_ways(server: str) -> None:
    assert post(server, b"SELECT '\xff\xfe', 'a;b'")[2] == b"\xff\xfe\ta;b\n"


def test_an_error_in_the_midst_of_an_answer_is_its_end(server: str) -> None:
    ask = b"SELECT throwIf(number = 3000000) FROM numbers(10000000) FORMAT TSV"
    with pytest.raises(http.client.IncompleteRead) as cut:
        post(server, ask)
    assert b"\r\n__exception__\r\n" in cut.value.partial
    text, _, _ = cut.value.partial.partition(b"\r\n__exception__\r\n")[2].partition(b"\r\n__exception__\r\n")
    tag, _, rest = text.partition(b"\r\n")
    message, _, length = rest.rpartition(b"\n")
    assert length == b"%d %s" % (len(message) + 1, tag)
    assert message.startswith(b"Code: 395. DB::Exception: ")


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip", "br"])
def test_clickhouse_connect_tells_an_error_in_the_midst_of_a_stream(server: str, compress: str) -> None:
    reader = clickhouse_connect.get_client(dsn=server, compress=compress, autogenerate_session_id=False)
    ask = "SELECT throwIf(number = 3000000) FROM numbers(10000000)"
    with pytest.raises(StreamFailureError, match="395"), reader.query_row_block_stream(ask) as stream:
        assert sum(map(len, stream)) < 3_000_001
    reader.close()


# -- forms


def test_external_data_is_a_table_of_its_query(client: Client) -> None:
    data = ExternalData(
        file_name="people", data=b"1,ann\n2,bob\n", fmt="CSV", structure=["id UInt8", "name String"]
    )
    data.add_file(file_name="ages", data=b"1\t30\n2\t40\n", fmt="TSV", types=["UInt8", "UInt8"])
    ask = "SELECT name, _2 FROM people JOIN ages ON id = _1 ORDER BY id"
    assert client.query(ask, external_data=data).result_rows == [("ann", 30), ("bob", 40)]
    assert client.query("EXISTS TEMPORARY TABLE people").result_rows == [(0,)]


def test_long_parameters_come_as_a_form(server: str) -> None:
    client = clickhouse_connect.get_client(
        dsn=server, form_encode_query_params=True, autogenerate_session_id=False
    )
    given = {"long": "it's ü\t\\ " * 30_000, "n": 5}
    (row,) = client.query("SELECT {long:String}, {n:UInt8}", parameters=given).result_rows
    assert row == (given["long"], 5)
    client.close()


def form(*parts: tuple[str, str]) -> tuple[bytes, dict[str, str]]:
    body = "".join(
        f"--line\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n" for head, text in parts
    )
    return (body + "--line--\r\n").encode(), {"Content-Type": "multipart/form-data; boundary=line"}


def test_a_form_that_is_wrong_is_told_what_is_wrong(server: str) -> None:
    no_structure = form(('name="x"; filename="x"', "1"), ('name="query"', "SELECT * FROM x"))
    assert code(post(server, *no_structure)) == "36"
    bad_data = form(
        ('name="x_structure"', "a Int8"), ('name="x"; filename="x"', "one"), ('name="query"', "SELECT 1")
    )
    assert code(post(server, *bad_data)) == "27"
    cut_short = form(('name="query"', "SELECT 1"))
    assert code(post(server, cut_short[0][:-20], cut_short[1])) != ""
    assert code(post(server, b"no form at all", cut_short[1])) != ""
    assert code(post(server, b"x", {"Content-Type": "multipart/form-data"})) != ""


# -- ClickHouse's own blocks, and `input`


def test_clickhouses_own_compressed_blocks_go_both_ways(server: str, client: Client) -> None:
    rows = b"".join(b"%d\tx\n" % n for n in range(400_000))
    packed = Packer().compress(rows)
    reply = post(server, packed, query="INSERT INTO t FORMAT TSV", decompress="1")
    assert json.loads(reply[1]["X-ClickHouse-Summary"])["written_rows"] == "400000"
    answer = post(server, b"SELECT * FROM t ORDER BY a FORMAT TSV", compress="1")[2]
    assert len(answer) < len(rows)
    assert b"".join(unpacked([answer])) == rows
    changed = packed[:-1] + bytes([packed[-1] ^ 1])
    assert code(post(server, changed, query="INSERT INTO t FORMAT TSV", decompress="1")) == "40"
    assert code(post(server, b"no block " * 9, query="INSERT INTO t FORMAT TSV", decompress="1")) == "39"
    assert code(post(server, packed[:-9], query="INSERT INTO t FORMAT TSV", decompress="1")) == "271"
    assert client.command("SELECT count() FROM t") == 400_000


def test_input_puts_a_select_between_the_data_and_the_table(server: str, client: Client) -> None:
    insert = "INSERT INTO t SELECT x * 2, upper(y) FROM input('x UInt64, y String') WHERE x > 0 FORMAT CSV"
    assert post(server, b"0,a\n1,b\n2,c\n", query=insert)[0] == 200
    assert client.query("SELECT * FROM t ORDER BY a").result_rows == [(2, "B"), (4, "C")]


def test_with_before_an_insert_inserts_once(server: str, client: Client) -> None:
    text = b"WITH 5 AS first INSERT INTO t SELECT first + number, 'x' FROM numbers(3)"
    assert post(server, text)[0] == 200
    assert client.query("SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)").result_rows == [
        ([5, 6, 7],)
    ]


@pytest.mark.parametrize("where", ["body", "query"])
def test_a_statement_behind_values_is_refused_and_nothing_inserted(
    server: str, client: Client, where: str
) -> None:
    text = b"INSERT INTO t VALUES (1, 'a;b'); INSERT INTO t VALUES (2, 'c')"
    reply = post(server, text) if where == "body" else post(server, query=text.decode())
    assert (reply[0], code(reply)) == (400, "62")
    assert client.query("SELECT count() FROM t").result_rows == [(0,)]
    assert post(server, b"INSERT INTO t VALUES (1, 'a;b'), (2, 'c;') ; ")[0] == 200
    assert client.query("SELECT count() FROM t").result_rows == [(2,)]


@pytest.mark.parametrize(
    "ask",
    ["SELECT 'x'", "WITH 'x' AS a SELECT a", "(SELECT 'x')", "SHOW TABLES", "EXPLAIN SELECT 1"],
)
def test_no_statement_writes_a_file_of_this_machine(server: str, tmp_path: Path, ask: str) -> None:
    text = f"{ask} INTO /**/ outfile '{tmp_path / 'out'}'"
    for reply in (post(server, text.encode()), call(server, "GET", f"/?{urlencode({'query': text})}")):
        assert reply[1]["X-ClickHouse-Exception-Code"] == "358"
    assert list(tmp_path.iterdir()) == []


def test_no_insert_reads_a_file_of_this_machine(server: str, client: Client, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.write_text("1\tx\n")
    reply = post(server, f"INSERT INTO t FROM INFILE '{rows}' FORMAT TSV".encode())
    assert (reply[0], code(reply)) == (404, "78")
    assert client.query("SELECT count() FROM t").result_rows == [(0,)]


# -- limits


def test_a_statement_that_is_too_long_is_refused(server: str) -> None:
    reply = post(server, b"SELECT 1 -- " + b"x" * 17_000_000)
    assert (reply[0], code(reply)) == (413, "229")


@pytest.mark.parametrize(
    "name", ["TSVWithNamesAndTypes", "JSONCompactEachRowWithNames", "CSVWithNames", "Native"]
)
def test_an_empty_result_has_the_head_of_its_format(server: str, name: str) -> None:
    ask = b"SELECT number AS n FROM numbers(10) WHERE n > 10"
    empty = post(server, ask, default_format=name)[2]
    whole = post(server, ask, default_format=name, wait_end_of_query="1")[2]
    assert empty == whole


@pytest.mark.parametrize("name", ["TSVWithNamesAndTypes", "JSONCompactEachRowWithNames"])
def test_names_stand_once_at_the_head_of_many_pieces(server: str, name: str) -> None:
    text = post(server, b"SELECT number AS n FROM numbers(300000)", default_format=name)[2]
    lines = text.splitlines()
    heads = 2 if name.endswith("Types") else 1
    assert len(lines) == 300_000 + heads
    assert text.count(lines[0] + b"\n") == 1
