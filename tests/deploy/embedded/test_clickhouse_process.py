"""The embedded ClickHouse's life: restarts, SIGKILL, stops, and starts that cannot work."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import HTTPError

from deploy.embedded.clickhouse import command
from tests.deploy.embedded.asking import avro, connect, post
from tests.engines import answers, embedded_clickhouse, free_port, running, wait_until

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


@contextlib.contextmanager
def server_on(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(command(folder / "clickhouse", port), folder / "log") as process:
        wait_until(lambda: answers(url), 30, "ClickHouse answers")
        yield url, process


def refusal(folder: Path, port: int) -> tuple[int, str]:
    """How a start that cannot work ends."""
    ended = subprocess.run(command(folder, port), capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stderr.splitlines()[-1]


def test_a_folder_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with server_on(tmp_path) as (_, process):
        code, text = refusal(tmp_path / "clickhouse", free_port())
        assert code == 2
        assert f"is in use by process {process.pid}" in text


def test_a_folder_that_cannot_be_used_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    code, text = refusal(tmp_path / "file", free_port())
    assert code == 2
    assert f"the data folder {tmp_path / 'file'} cannot be used" in text


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = refusal(tmp_path, taken.getsockname()[1])
    assert code == 2
    assert "cannot listen on" in text


def test_sigterm_lets_a_running_statement_end(tmp_path: Path) -> None:
    answered: list[bytes] = []
    with server_on(tmp_path) as (url, process):
        slow = threading.Thread(
            target=lambda: answered.append(post(url, b"SELECT sleep(1)", wait_end_of_query="1")[2])
        )
        slow.start()
        wait_until(
            lambda: b"sleep(1)" in post(url, b"SELECT query FROM system.processes")[2],
            10,
            "the statement runs",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        slow.join()
    assert answered == [b"0\n"]


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
    began = time.monotonic()
    process.stdin.close()
    assert process.wait(20) == 0
    assert time.monotonic() - began < 10
