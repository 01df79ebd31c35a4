"""How the tests ask a ClickHouse: by its own client, by plain HTTP, and with Avro blocks."""

import io
import urllib.error
import urllib.parse
import urllib.request

import clickhouse_connect
import fastavro
from clickhouse_connect.driver.client import Client

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
