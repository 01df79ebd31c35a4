"""Sessions and query ids of the embedded ClickHouse: what one request leaves for the next, and what it does not."""

import urllib.parse
import uuid
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from tests.deploy.embedded.asking import call, code, endless, fresh_session, post
from tests.engines import wait_until


def test_a_session_keeps_what_its_statements_set(server: str, client: Client) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS other")
    session = fresh_session()
    for statement in (b"SET max_threads = 3", b"USE other", b"CREATE TEMPORARY TABLE mine (a Int8)"):
        assert post(server, statement, **session)[0] == 200
    assert post(server, b"INSERT INTO mine VALUES (7)", **session)[0] == 200
    ask = b"SELECT getSetting('max_threads'), currentDatabase(), (SELECT sum(a) FROM mine)"
    assert post(server, ask, **session)[2] == b"3\tother\t7\n"
    assert code(post(server, ask)) == "60"
    assert code(post(server, ask, session_id="another")) == "60"


def test_what_a_request_sets_in_a_session_is_for_itself(server: str) -> None:
    session = fresh_session()
    ask = b"SELECT getSetting('max_threads'), getSetting('max_block_size'), currentDatabase()"
    usual = post(server, b"SELECT getSetting('max_block_size')")[2].strip()
    post(server, b"SET max_threads = 3", max_block_size="9", **session)
    once: dict[str, Any] = {"max_threads": "4", "max_block_size": "99", "database": "system"}
    assert post(server, ask, **session, **once)[2] == b"4\t99\tsystem\n"
    assert post(server, ask, **session)[2] == b"3\t%s\tdefault\n" % usual
    assert code(post(server, b"SELECT nope()", **session, **once)) == "46"
    assert post(server, ask, **session)[2] == b"3\t%s\tdefault\n" % usual


def test_get_may_only_read_in_a_session_too(server: str, client: Client) -> None:
    session = uuid.uuid4().hex
    post(server, b"SET max_threads = 3", session_id=session)
    ask = "/?" + urllib.parse.urlencode({"session_id": session, "query": "SELECT getSetting('max_threads')"})
    assert call(server, "GET", ask)[2] == b"3\n"
    write = "/?" + urllib.parse.urlencode({"session_id": session, "query": "TRUNCATE TABLE t"})
    assert call(server, "GET", write)[1]["X-ClickHouse-Exception-Code"] == "164"


def test_what_a_question_sets_is_for_itself_whoever_asks_next(server: str, client: Client) -> None:
    """Questions without a session share connections, one after the other."""
    client.command("CREATE DATABASE IF NOT EXISTS other")
    ask = b"SELECT getSetting('max_block_size'), currentDatabase()"
    usual = post(server, ask)[2]
    assert usual.endswith(b"\tdefault\n")
    asked: list[tuple[bytes, dict[str, Any]]] = [
        (b"SELECT getSetting('max_block_size') SETTINGS max_block_size = 7", {}),
        (ask, {"max_block_size": "9", "database": "other"}),
        (b"SELECT 1 FORMAT JSON", {"log_comment": "mine"}),
        (b"SELECT {a:Int8}", {"param_a": "1"}),
        (b"WITH 1 AS x SELECT x FROM numbers(3) LIMIT 1 SETTINGS limit = 1", {}),
    ]
    for statement, params in asked:
        assert post(server, statement, **params)[0] == 200
        assert post(server, ask)[2] == usual
    assert post(server, ask, max_block_size="9", database="other")[2] == b"9\tother\n"
    assert code(post(server, b"SELECT {a:Int8}")) == "456"
    assert code(post(server, b"SELECT 1; SET max_block_size = 7")) == "62"
    assert code(post(server, b"SELECT throwIf(number = 7) FROM numbers(9)")) == "395"
    assert post(server, ask)[2] == usual
    assert post(server, b"SELECT getSetting('log_comment')", log_comment="mine")[2] == b"mine\n"
    assert post(server, b"SELECT getSetting('log_comment')")[2] == b"\n"


def test_a_table_that_was_read_can_be_detached_and_a_database_made_anew(server: str, client: Client) -> None:
    """A connection that is kept holds nothing of what was asked on it."""
    for times in (1, 2):
        client.command("CREATE DATABASE passing")
        client.command(
            "CREATE TABLE passing.t ENGINE = MergeTree ORDER BY number AS SELECT * FROM numbers(9)"
        )
        assert post(server, b"SELECT sum(number) FROM t", database="passing")[2] == b"36\n", times
        client.command("DETACH TABLE passing.t SYNC")
        client.command("ATTACH TABLE passing.t")
        client.command("DROP DATABASE passing SYNC")
        assert code(post(server, b"SELECT sum(number) FROM t", database="passing")) == "81"
        assert code(post(server, b"SELECT 1", database="passing")) == "81"


def test_a_session_is_known_checked_closed_and_old(server: str) -> None:
    session = fresh_session()
    assert code(post(server, b"SELECT 1", session_check="1", **session)) == "372"
    assert post(server, b"SET max_threads = 3", **session)[0] == 200
    assert post(server, b"SELECT getSetting('max_threads')", session_check="1", **session)[2] == b"3\n"
    assert post(server, b"SELECT 1", close_session="1", **session)[0] == 200
    assert code(post(server, b"SELECT 1", session_check="1", **session)) == "372"
    post(server, b"SET max_threads = 3", session_timeout="0", **session)
    assert code(post(server, b"SELECT 1", session_check="1", **session)) == "372"
    assert code(post(server, b"SELECT 1", session_timeout="3601", **session)) == "374"
    assert code(post(server, b"SELECT 1", session_timeout="x", **session)) == "374"


def test_a_session_has_one_request_at_a_time(server: str) -> None:
    session = uuid.uuid4().hex
    with endless(server, session_id=session) as (query_id, replies):
        assert code(post(server, b"SELECT 1", session_id=session)) == "373"
        assert post(server, f"KILL QUERY WHERE query_id = '{query_id}' SYNC".encode())[0] == 200
        wait_until(lambda: bool(replies), 60, "it ends")
    assert post(server, b"SELECT 1", session_id=session)[2] == b"1\n"


def test_clickhouse_connect_works_in_a_session(server: str) -> None:
    client = clickhouse_connect.get_client(dsn=server, session_id=uuid.uuid4().hex)
    client.command("CREATE TEMPORARY TABLE seen (a UInt64, b String)")
    client.insert("seen", [[n, "x" * n] for n in range(100)], column_names=["a", "b"])
    client.set_client_setting("max_threads", 2)
    assert client.query("SELECT sum(a), sum(length(b)) FROM seen").result_rows == [(4950, 4950)]
    assert client.command("SELECT getSetting('max_threads')") == 2
    client.close()


def test_a_running_query_is_known_by_its_id_and_can_be_killed(server: str) -> None:
    with endless(server) as (query_id, replies):
        assert code(post(server, b"SELECT 1", query_id=query_id)) == "216"
        post(server, b"KILL QUERY WHERE query_id = {id:String}", param_id=query_id)
        wait_until(lambda: bool(replies), 60, "it ends")
        assert code(replies[0]) == "394"
    assert post(server, b"SELECT 1", query_id=query_id)[2] == b"1\n"
