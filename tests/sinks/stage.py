"""Records to put on topics and into tables, and sink processes to run: what the tests with real engines share."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
from confluent_kafka import Producer

from runtime.environment.settings import ClickHouseSettings, KafkaSettings
from runtime.kafka import ensure_topics
from schemas.wire.avro import amount_bytes
from schemas.wire.codec import (
    RESOLVED_EVENT,
    encode_cart,
    encode_contact,
    encode_pointer,
    encode_product,
    encoder,
)
from sinks.migrating.migrations import Migration, migrate
from sinks.storing.clickhouse import ClickHouse, connect
from sinks.storing.rows import rows_of
from tests.engines import asking
from tests.forked import Forked

START_MS = 1_700_000_000_000
PATIENCE_S = 60.0
TEXTS_OF_PRODUCTS = ("name", "brand", "category", "variant", "currency", "url", "image_url")

encode = encoder(RESOLVED_EVENT)  # takes times before 1970 too, which the resolver never writes


def event(number: int, **fields: Any) -> bytes:
    """One resolved event's wire bytes; `number` makes it unlike all others."""
    return encode(event_record(number) | fields)


def event_record(number: int) -> dict[str, Any]:
    """It can be written with either version of the schema: what the first one lacks has a default."""
    return {
        "workspace": "main",
        "source": "dev",
        "message_id": f"m{number}",
        "type": "track",
        "event": "Product Viewed",
        "name": "",
        "timestamp": START_MS + number * 1000,
        "received_at": START_MS,
        "sent_at": START_MS,
        "original_timestamp": START_MS,
        "anonymous_id": f"d{number % 50}",
        "user_id": "",
        "previous_id": "",
        "group_id": "",
        "subject": number % 50 + 1,
        "profile_id": f"{number % 50 + 1:016x}",
        "session_id": "",
        "traits": "{}",
        "properties": json.dumps({"number": number, "plan": "pro"}),
        "context": "{}",
        "integrations": "{}",
        "envelope": "{}",
        "identifiers": [{"node": number % 50 + 1, "kind": "a", "value": f"d{number % 50}"}],
        "raw_partition": 0,
        "raw_offset": number,
        "raw_index": 0,
    }


def pointer(node: int, owner: int, version: int = 1, **fields: Any) -> bytes:
    return encode_pointer(pointer_record(node, owner, version) | fields)


def pointer_record(node: int, owner: int, version: int = 1) -> dict[str, Any]:
    record = {"workspace": "main", "node": node, "owner": owner, "segments": [], "version": version}
    return record | {"is_deleted": False, "updated_at": START_MS}


def cart(number: int, **fields: Any) -> bytes:
    """One item's cart, touched at START_MS."""
    item = {
        "product": "mug",
        "name": "Mug",
        "variant": "",
        "quantity": amount_bytes(1_000_000),
        "price": None,
    }
    known: dict[str, Any] = {
        "workspace": "main",
        "cart": number,
        "cart_id": f"k{number}",
        "visitor": number,
        "subject": number,
        "source": "dev",
        "timestamp": START_MS,
        "active_at": START_MS,
        "ordered_at": 0,
        "candidate_at": 0,
        "currency": "EUR",
        "value": amount_bytes(8_500_000),
        "items": [item],
        "is_deleted": False,
        "version": 1,
    }
    return encode_cart(known | fields)


def contact(number: int, **fields: Any) -> bytes:
    """An address that was put on a list at START_MS."""
    known: dict[str, Any] = {
        "workspace": "main",
        "list": "news",
        "kind": "contacts",
        "channel": "email",
        "contact": number,
        "address": f"ann{number}@shop.example",
        "state": "added",
        "changed_at": START_MS,
        "mailer": "",
        "origin": "event",
        "version": 1,
    }
    return encode_contact(known | fields)


def product(number: int, valid_from: int = START_MS, **stated: Any) -> bytes:
    """What was stated of it at a moment; amounts are in millionths."""
    values: dict[str, Any] = dict.fromkeys(TEXTS_OF_PRODUCTS, "") | {"price": None} | stated
    values["price"] = amount_bytes(values["price"])
    record = {"workspace": "main", "product": f"p{number}", "valid_from": valid_from}
    hour, statement = valid_from // 3_600_000, crc32(str(stated).encode())
    return encode_product(record | {"hour": hour, "statement": statement, "stated": values, "latest": values})


class Tables:
    """One database, made from the migrations; inserts as the sinks do it."""

    def __init__(self, url: str, database: str, migrations: Sequence[Migration] | None = None) -> None:
        self.settings = ClickHouseSettings(url=url, database=database)
        migrate(self.settings, migrations)
        self.client = connect(self.settings)
        self.writer = ClickHouse(self.settings, timeout_s=60)

    def insert(self, table: str, schema_id: int, values: Iterable[bytes], token: str) -> None:
        self.writer.insert(table, rows_of(schema_id, list(values)), token)

    def reload(self, dictionaries: Sequence[str]) -> None:
        self.writer.reload(dictionaries)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.client.query(sql).result_rows]

    def row(self, sql: str) -> tuple[Any, ...]:
        return self.rows(sql)[0]


class Topics:
    """One deployment's topics under a prefix of its own."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int = 2) -> None:
        self.settings = KafkaSettings(
            bootstrap_servers=bootstrap,
            topic_prefix=prefix,
            partitions=partitions,
            replication_factor=1,
            min_insync_replicas=1,
        )
        ensure_topics(self.settings)
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "transactional.id": f"{prefix}test", "linger.ms": 5}
        )
        self._producer.init_transactions(30)

    def send(self, topic: str, values: Iterable[bytes | None], *, commit: bool = True) -> None:
        """One transaction, spread over the partitions; an aborted one leaves only holes."""
        self._producer.begin_transaction()
        for number, value in enumerate(values):
            place = number % self.settings.partitions
            self._producer.produce(
                self.settings.topic_prefix + topic, key=str(number), value=value, partition=place
            )
        if commit:
            self._producer.commit_transaction(30)
        else:
            self._producer.flush(30)
            self._producer.abort_transaction(30)


class SinkProcess:
    """`python -m sinks NAMES` in a process of its own."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = Forked("sinks", *argv, env=environ, stdin=subprocess.PIPE, stdout=out)

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def close_stdin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self, timeout_s: float = 60) -> int:
        return self._process.wait(timeout_s)

    def kill(self) -> None:
        self._process.kill()
        self.wait()

    def said(self) -> str:
        return self.log.read_text()

    def end(self) -> None:
        if self._process.poll() is None:
            self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()


class Stage:
    """Topics, tables and the environment of sink processes between them."""

    def __init__(self, topics: Topics, tables: Tables, folder: Path) -> None:
        self.topics = topics
        self.tables = tables
        self._folder = folder
        self._started = 0

    def environ(self, **settings: str) -> dict[str, str]:
        kafka, clickhouse = self.topics.settings, self.tables.settings
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "STITCHLINE_TOPIC_PREFIX": kafka.topic_prefix,
            "STITCHLINE_PARTITIONS": str(kafka.partitions),
            "CLICKHOUSE_URL": clickhouse.url,
            "STITCHLINE_DATABASE": clickhouse.database,
            "SINK_BLOCK_AGE_MS_MAX": "100",
            "SINK_BUSY_AGE_MS_MAX": "100",
            "SINK_LEDGER_AGE_MS_MAX": "100",
            "SINK_RELOAD_MS_MIN": "50",
            "SINK_RETRY_S_MAX": "0.5",
            "SINK_SESSION_TIMEOUT_S": "6",
            "SINK_INSTANCE_ID": "test",
            **settings,
        }

    @contextmanager
    def sink(self, *names: str, **settings: str) -> Iterator[SinkProcess]:
        self._started += 1
        process = SinkProcess(names, self.environ(**settings), self._folder / f"sink{self._started}.log")
        try:
            yield process
        finally:
            process.end()

    def until(self, sql: str, *expected: object, timeout_s: float = PATIENCE_S) -> None:
        """Ask until the answer's only row is this one, and stays so. Fails with the last answer."""
        until(lambda: self.tables.row(sql), expected, timeout_s, it_stays=True)


def until(
    ask: Callable[[], object], expected: object, timeout_s: float = PATIENCE_S, *, it_stays: bool = False
) -> None:
    end = time.monotonic() + timeout_s
    for _ in asking(it_stays=it_stays):
        if (found := ask()) == expected:
            return
        assert time.monotonic() < end, f"found {found}, expected {expected}"


def stop(process: SinkProcess) -> int:
    process.signal(signal.SIGTERM)
    return process.wait()


def decode_json(text: str) -> Any:
    return msgspec.json.decode(text)
