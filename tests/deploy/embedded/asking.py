"""How the tests ask a ClickHouse: by its own client, by plain HTTP, and with Avro blocks."""

import contextlib
import http.client
import io
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import fastavro
from clickhouse_connect.driver.client import Client

from deploy.embedded.clickhouse import command
from tests.engines import answers, free_port, running, wait_until

AVRO = fastavro.parse_schema(
    {
        "type": "record",
        "name": "row",
        "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}],
    }
)


def connect(url: str) -> Client:
    return clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)


def post(
    url: str, body: bytes = b"", headers: dict[str, str] | None = None, **params: str
) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(
        f"{url}/?{urllib.parse.urlencode(params)}", data=body, headers=headers or {}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def avro(first: int, count: int) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, AVRO, [{"a": number, "b": "x"} for number in range(first, first + count)])
    return out.getvalue()


def call(
    server: str, method: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server).netloc, timeout=60)
    try:
        connection.request(method, path, headers=headers or {})
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


@contextlib.contextmanager
def endless(server: str, **params: Any) -> Iterator[tuple[str, list[tuple[int, dict[str, str], bytes]]]]:
    """A statement that runs until it is killed: its id, and the answer when there is one."""
    query_id = uuid.uuid4().hex
    replies: list[tuple[int, dict[str, str], bytes]] = []
    ask = b"SELECT count() FROM numbers(1000000000000)"
    run = threading.Thread(
        target=lambda: replies.append(post(server, ask, query_id=query_id, log_comment=query_id, **params))
    )
    run.start()
    seen = b"SELECT count() FROM system.processes WHERE Settings['log_comment'] = {id:String}"
    wait_until(lambda: post(server, seen, param_id=query_id)[2] == b"1\n", 30, "it runs")
    yield query_id, replies
    run.join(60)


def fresh_session() -> dict[str, Any]:
    return {"session_id": uuid.uuid4().hex}


def code(reply: tuple[int, dict[str, str], bytes]) -> str:
    return reply[1].get("X-ClickHouse-Exception-Code", "")


@contextlib.contextmanager
def server_on(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(command(folder / "clickhouse", port), folder / "log") as process:
        wait_until(lambda: answers(url), 60, "ClickHouse answers")
        yield url, process


def refusal(folder: Path, port: int) -> tuple[int, list[str]]:
    """How a start that cannot work ends: its code, and what it says."""
    ended = subprocess.run(command(folder, port), capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stderr.splitlines()
