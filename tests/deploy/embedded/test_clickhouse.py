"""The embedded ClickHouse as a process: ClickHouse's own client and plain HTTP against it."""

import contextlib
import http.client
import io
import json
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request

import clickhouse_connect
import fastavro
import lz4.frame  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.deploy.embedded.asking import avro, connect, post
from tests.engines import wait_until


def test_rows_of_many_types_come_back_as_they_went(client: Client) -> None:
    client.command(
        "CREATE OR REPLACE TABLE types (n UInt64, s LowCardinality(String), j JSON, "
        "t DateTime64(3, 'UTC'), m Map(String, String), o Nullable(Int32)) ENGINE = MergeTree ORDER BY n"
    )
    rows = [
        [n, "é", {"k": n, "deep": {"z": "s"}}, 1_700_000_000_000 + n * 1000, {"a": "b"}, None]
        for n in range(1000)
    ]
    summary = client.insert("types", rows, column_names=["n", "s", "j", "t", "m", "o"])
    assert summary.written_rows == 1000
    found = client.query("SELECT n, s, j.deep.z, toUnixTimestamp(t), m, o FROM types ORDER BY n").result_rows
    assert found == [(n, "é", "s", 1_700_000_000 + n, {"a": "b"}, None) for n in range(1000)]


def test_parameters_reach_the_query_as_they_are(client: Client) -> None:
    given = {"n": 5, "s": "it's \\ \t ü `\n", "list": ["a'", "b"]}
    (row,) = client.query("SELECT {n:UInt64}, {s:String}, {list:Array(String)}", parameters=given).result_rows
    assert row == tuple(given.values())


def test_an_error_has_clickhouses_code_and_text(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as failure:
        client.query("SELECT * FROM nope")
    assert failure.value.code == 60


@pytest.mark.parametrize("sender", ["Avro", "JSONEachRow", "Values", "CSV"])
def test_data_of_every_kind_is_inserted(client: Client, server: str, sender: str) -> None:
    data = {
        "Avro": avro(0, 2),
        "JSONEachRow": b'{"a":0,"b":"x"}\n{"a":1,"b":"x"}\n',
        "Values": b"(0, 'x'), (1, concat('x', ''))",
        "CSV": b"0,x\n1,x\n",
    }[sender]
    assert client.raw_insert("t", ["a", "b"], data, fmt=sender).written_rows == 2
    assert post(server, f"INSERT INTO t FORMAT {sender}\n".encode() + data)[0] == 200
    assert client.command("SELECT count(), sum(a), any(b) FROM t") == ["4", "2", "x"]


def test_every_lz4_frame_of_an_insert_is_counted(client: Client, server: str) -> None:
    frames = b"".join(lz4.frame.compress(f'{{"a":{n},"b":"x"}}\n'.encode()) for n in range(3000))
    status, headers, _ = post(
        server,
        frames,
        {"Content-Encoding": "lz4"},
        query="INSERT INTO t FORMAT JSONEachRow",
        database="default",
    )
    assert status == 200
    assert json.loads(headers["X-ClickHouse-Summary"])["written_rows"] == "3000"
    assert client.command("SELECT uniqExact(a) FROM t") == 3000


def test_a_client_that_sends_many_blocks_loses_none(client: Client) -> None:
    context = client.create_insert_context(
        "t", column_names=["a", "b"], column_type_names=["UInt64", "String"]
    )
    context.data = [[n, "x" * 1000] for n in range(50_000)]  # several blocks, each a frame of its own
    client.insert(context=context)
    assert client.command("SELECT uniqExact(a) FROM t") == 50_000


def test_an_insert_that_is_cut_off_commits_nothing(client: Client, server: str) -> None:
    address = urllib.parse.urlsplit(server)
    with socket.create_connection((address.hostname, address.port)) as raw:
        line = "POST /?query=INSERT+INTO+t+FORMAT+JSONEachRow HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        raw.sendall(line.encode() + b'{"a":1,"b":"x"}\n' * 100)
    assert client.command("SELECT count() FROM t") == 0
    assert post(server, b'{"a":1,"b":"x"}\n', query="INSERT INTO t FORMAT JSONEachRow")[0] == 200
    assert client.command("SELECT count() FROM t") == 1


def test_an_insert_whose_view_fails_is_an_error(client: Client, server: str) -> None:
    """Or a sink would take a block for stored that is not."""
    client.command("CREATE OR REPLACE TABLE numbers_in (text String) ENGINE = Null")
    client.command("CREATE OR REPLACE TABLE numbers_of (n UInt32) ENGINE = MergeTree ORDER BY n")
    client.command(
        "CREATE MATERIALIZED VIEW to_numbers TO numbers_of AS SELECT toUInt32(text) AS n FROM numbers_in"
    )
    client.raw_insert("numbers_in", insert_block=b"7\n", fmt="TSV")
    with pytest.raises(DatabaseError, match="CANNOT_PARSE_TEXT"):
        client.raw_insert("numbers_in", insert_block=b"seven\n", fmt="TSV")
    assert client.query("SELECT n FROM numbers_of").result_rows == [(7,)]


def test_a_setting_holds_for_its_request_only(client: Client, server: str) -> None:
    ask = b"SELECT getSetting('max_threads')"
    usual = post(server, ask)[2]
    assert post(server, ask, max_threads="7")[2] == b"7\n"
    assert post(server, b"SET max_threads = 9")[0] == 200
    assert post(server, ask)[2] == usual


def test_a_setting_that_does_not_exist_is_an_error(server: str) -> None:
    status, headers, text = post(server, b"SELECT 1", no_such_setting="1")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (404, "115")
    assert text.startswith(b"Code: 115. DB::Exception: ")


def test_get_cannot_write(server: str, client: Client) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{server}/?query=INSERT+INTO+t+VALUES+(1,'x')")
    with refusal.value as reply:
        assert reply.headers["X-ClickHouse-Exception-Code"] == "164"


def test_a_page_of_another_origin_is_turned_away(server: str) -> None:
    assert post(server, b"SELECT 1", {"Origin": "http://elsewhere.example"})[0] == 403


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "lz4", "br"])
def test_answers_are_compressed_when_asked(server: str, encoding: str) -> None:
    plain = connect(server)
    packed = clickhouse_connect.get_client(dsn=server, compress=encoding, autogenerate_session_id=False)
    query = "SELECT number, toString(number) FROM numbers(200000)"
    assert packed.query(query).result_rows == plain.query(query).result_rows
    packed.close()
    plain.close()


@pytest.mark.parametrize("name", ["JSON", "Parquet", "Avro", "TabSeparatedWithNames", "CSV", "JSONEachRow"])
def test_a_large_result_is_one_document_of_its_format(server: str, name: str) -> None:
    written = post(server, b"SELECT number AS n FROM numbers(300000)", default_format=name)[2]
    if name == "Parquet":
        assert written.count(b"PAR1") == 2
    elif name == "Avro":
        assert sum(1 for _ in fastavro.reader(io.BytesIO(written))) == 300_000
    elif name == "JSON":
        assert json.loads(written)["rows"] == 300_000
    else:
        assert written.count(b"\n") == 300_000 + name.endswith("WithNames")


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 AS format FORMAT Parquet SETTINGS max_threads = 1;",
        b"SELECT 1 AS format -- FORMAT JSON",
        b"SELECT {one:UInt8} AS format;",
        b"WITH (SELECT 'FORMAT CSV') AS text SELECT text",
    ],
)
def test_a_format_that_goes_by_a_file_is_found_however_it_is_asked_for(server: str, text: bytes) -> None:
    status, headers, written = post(server, text, default_format="Parquet", param_one="1", readonly="2")
    assert (status, headers["X-ClickHouse-Format"]) == (200, "Parquet")
    assert (written[:4], written[-4:]) == (b"PAR1", b"PAR1")


def test_an_error_before_the_file_is_whole_is_told_as_any_other(server: str) -> None:
    query = b"SELECT throwIf(number = 3000000) FROM numbers(10000000) FORMAT ArrowStream"
    status, headers, written = post(server, query)
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "395")
    assert b"FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" in written


def test_an_error_after_the_first_piece_cuts_the_answer_off(server: str) -> None:
    with pytest.raises(http.client.IncompleteRead):
        post(server, b"SELECT throwIf(number = 3000000) FROM numbers(10000000) FORMAT TSV")


def test_readers_go_on_beside_inserts_and_see_whole_blocks_only(client: Client, server: str) -> None:
    ended = threading.Event()
    seen: list[list[int]] = [[] for _ in range(8)]

    def read(mine: list[int]) -> None:
        reader = connect(server)
        while not ended.is_set():
            mine.append(int(str(reader.command("SELECT count() FROM t"))))
        reader.close()

    readers = [threading.Thread(target=read, args=(mine,)) for mine in seen]
    for reader in readers:
        reader.start()
    wait_until(lambda: all(seen), 60, "the readers read")
    for block in range(10):
        client.raw_insert("t", ["a", "b"], avro(block * 5000, 5000), fmt="Avro")
    wait_until(lambda: all(mine[-1] == 50_000 for mine in seen), 60, "the readers see all")
    ended.set()
    for reader in readers:
        reader.join()
    assert client.command("SELECT uniqExact(a) FROM t") == 50_000
    for mine in seen:
        assert mine == sorted(mine)
        assert set(mine) <= {block * 5000 for block in range(11)}


def test_readers_that_do_not_read_block_nobody(client: Client, server: str) -> None:
    address = urllib.parse.urlsplit(server)
    text = b"SELECT number, repeat('x', 100) FROM numbers(1000000000000) FORMAT TSV"
    with contextlib.ExitStack() as stuck:
        for _ in range(8):
            raw = stuck.enter_context(socket.create_connection((address.hostname, address.port)))
            raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
            assert raw.recv(100)
        client.raw_insert("t", ["a", "b"], avro(0, 5000), fmt="Avro")
        assert client.command("SELECT count() FROM t") == 5000
    wait_until(lambda: b"1000000000000" not in running(server), 60, "they end when their readers are gone")


def running(server: str) -> bytes:
    return post(server, b"SELECT query FROM system.processes")[2]


def test_a_dictionary_is_reloaded_when_told(client: Client) -> None:
    client.command("INSERT INTO t VALUES (1, 'first')")
    client.command("CREATE OR REPLACE DICTIONARY dict (a UInt64, b String) PRIMARY KEY a "
                   "SOURCE(CLICKHOUSE(QUERY 'SELECT a, b FROM default.t')) LAYOUT(HASHED()) LIFETIME(0)")  # fmt: skip
    assert client.command("SELECT dictGet('dict', 'b', toUInt64(1))") == "first"
    client.command("TRUNCATE TABLE t")
    client.command("INSERT INTO t VALUES (1, 'second')")
    client.command("SYSTEM RELOAD DICTIONARY dict")
    assert client.command("SELECT dictGet('dict', 'b', toUInt64(1))") == "second"


def test_a_reader_that_goes_away_ends_its_query(server: str) -> None:
    address = urllib.parse.urlsplit(server)
    with socket.create_connection((address.hostname, address.port)) as raw:
        text = b"SELECT number FROM numbers(1000000000000) FORMAT TSV"
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        assert raw.recv(100)
    wait_until(lambda: b"1000000000000" not in running(server), 60, "it ended")
