"""The embedded ClickHouse's life: restarts, SIGKILL, stops, and starts that cannot work."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import urllib.request
from pathlib import Path

import psutil
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import HTTPError

from deploy.embedded.clickhouse import command
from tests.deploy.embedded.asking import avro, connect, post, refusal, server_on
from tests.engines import answers, embedded_clickhouse, free_port, wait_until

BLOCK_ROWS = 50_000


def test_data_and_functions_are_there_after_a_restart(tmp_path: Path) -> None:
    with embedded_clickhouse(tmp_path) as url:
        client = connect(url)
        client.command("CREATE DATABASE d")
        client.command("CREATE TABLE d.t (j JSON) ENGINE = MergeTree ORDER BY tuple()")
        client.command("""INSERT INTO d.t VALUES ('{"k":7}')""")
        client.command("CREATE FUNCTION plus_one AS (x) -> x + 1")
        client.close()
    with embedded_clickhouse(tmp_path) as url:
        assert post(url, b"SELECT plus_one(j.k::Int64) FROM d.t")[2] == b"8\n"


def test_a_retried_block_counts_once_through_sigkill_and_a_view(tmp_path: Path) -> None:
    """Killed before, in and after inserts; each block is sent until it is acknowledged, under its own token."""
    blocks = [avro(number * BLOCK_ROWS, BLOCK_ROWS) for number in range(40)]
    sent = 0
    for delay_ms in (1, 4, 9, 15, 25):
        with server_on(tmp_path) as (url, process):
            client = connect(url)
            create_behind_a_view(client)
            killer = threading.Timer(delay_ms / 1000, process.kill)
            killer.start()
            with contextlib.suppress(Error, HTTPError, OSError):
                while True:
                    insert_block(client, sent, blocks[sent])
                    sent += 1
            killer.join()
            client.close()
    with server_on(tmp_path) as (url, _):
        client = connect(url)
        for block in range(sent + 1):
            insert_block(client, block, blocks[block])
        client.close()
        rows = str((sent + 1) * BLOCK_ROWS).encode()
        assert post(url, b"SELECT count(), uniqExact(a) FROM target")[2].split() == [rows, rows]


def create_behind_a_view(client: Client) -> None:
    client.command("CREATE TABLE IF NOT EXISTS target (a UInt64, b String) ENGINE = MergeTree ORDER BY a "
                   "SETTINGS non_replicated_deduplication_window = 1000")  # fmt: skip
    client.command("CREATE TABLE IF NOT EXISTS door (a UInt64, b String) ENGINE = Null")
    client.command("CREATE MATERIALIZED VIEW IF NOT EXISTS way TO target AS SELECT a, b FROM door")


def insert_block(client: Client, number: int, block: bytes) -> None:
    settings = {"insert_deduplication_token": f"block-{number}", "max_insert_threads": 1,
                "deduplicate_blocks_in_dependent_materialized_views": 1}  # fmt: skip
    client.raw_insert("door", ["a", "b"], block, fmt="Avro", settings=settings)


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = refusal(tmp_path, taken.getsockname()[1])
    assert code == 2
    assert "cannot listen on" in said[-1]


@pytest.mark.parametrize("name", ["TSV", "ArrowStream"])
def test_a_large_result_goes_out_in_flat_memory(tmp_path: Path, name: str) -> None:
    text = b"SELECT number, repeat('x', 20) FROM numbers(10000000)"
    settings = f"default_format={name}&output_format_arrow_compression_method=none"
    with server_on(tmp_path) as (url, process):
        before = psutil.Process(process.pid).memory_info().rss
        highest = size = 0
        with urllib.request.urlopen(f"{url}/?{settings}", text, timeout=60) as reply:
            while chunk := reply.read(4_000_000):
                size += len(chunk)
                highest = max(highest, psutil.Process(process.pid).memory_info().rss)
        left = [path.name for path in (tmp_path / "clickhouse" / "stitchline.tmp").iterdir()]
    assert size > 280_000_000
    assert left == []
    assert highest - before < 150_000_000


def test_data_beyond_the_limit_is_refused_and_nothing_of_it_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STITCHLINE_CLICKHOUSE_INSERT_BYTES_MAX", "100000")
    with server_on(tmp_path) as (url, _):
        post(url, b"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        status, headers, text = post(url, b"1\n" * 60_000, query="INSERT INTO t FORMAT TSV")
        assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "307")
        assert b"100000 bytes" in text
        assert post(url, b"1\n" * 40_000, query="INSERT INTO t FORMAT TSV")[0] == 200
        assert post(url, b"SELECT count() FROM t")[2] == b"40000\n"


def test_sigterm_lets_a_running_statement_end(tmp_path: Path) -> None:
    answered: list[bytes] = []
    with server_on(tmp_path) as (url, process):
        slow = threading.Thread(
            target=lambda: answered.append(post(url, b"SELECT sleep(3)", wait_end_of_query="1")[2])
        )
        slow.start()
        wait_until(
            lambda: b"sleep(3)" in post(url, b"SELECT query FROM system.processes")[2],
            30,
            "the statement runs",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        slow.join()
    assert answered == [b"0\n"]


def test_open_sessions_do_not_keep_it_from_ending(tmp_path: Path) -> None:
    with server_on(tmp_path) as (url, process):
        for number in range(20):
            made = post(url, b"CREATE TEMPORARY TABLE x (a Int8)", session_id=f"left-open-{number}")
            assert made[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "Exception" not in (tmp_path / "log").read_text()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    environ = os.environ | {"STITCHLINE_LEASHED": "1"}
    port = free_port()
    process = subprocess.Popen(
        command(tmp_path, port),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
    wait_until(lambda: answers(f"http://127.0.0.1:{port}"), 30, "ClickHouse answers")
    assert process.stdin
    process.stdin.close()
    assert process.wait(60) == 0
