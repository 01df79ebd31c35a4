"""Settings of the embedded engines; settings.py has all the others, and loads these. Absent: what the engines do with them."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, field


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The embedded engines; none of it matters where the environment names external ones."""

    cache_dir: Annotated[
        str, Meta(description="Folder of fetched files that all checkouts share (Kafka's jars).")
    ] = field(default="~/.cache/stitchline", name="STITCHLINE_CACHE_DIR")
    jar_registry: Annotated[
        str, Meta(description="Address of a mirror of Maven's central registry; empty: that one.")
    ] = field(default="", name="STITCHLINE_JAR_REGISTRY")
    kafka_heap_mb: Annotated[int, Meta(ge=256, description="Java heap of the embedded Kafka.")] = field(
        default=512, name="STITCHLINE_KAFKA_HEAP_MB"
    )
    clickhouse_memory_mb: Annotated[
        int, Meta(ge=512, description="What the embedded ClickHouse may use; a query that needs more fails.")
    ] = field(default=4096, name="STITCHLINE_CLICKHOUSE_MEMORY_MB")
    clickhouse_statement_bytes_max: Annotated[
        int, Meta(ge=1024, description="A statement in a request's body; data of an INSERT is not counted.")
    ] = field(default=16 * 1024 * 1024, name="STITCHLINE_CLICKHOUSE_STATEMENT_BYTES_MAX")
    clickhouse_statements_max: Annotated[
        int, Meta(ge=2, description="Statements that the embedded ClickHouse runs at once; others wait.")
    ] = field(default=16, name="STITCHLINE_CLICKHOUSE_STATEMENTS_MAX")
    clickhouse_insert_bytes_max: Annotated[
        int, Meta(ge=1024, description="Data of one INSERT or one external table, decompressed.")
    ] = field(default=4 * 1024 * 1024 * 1024, name="STITCHLINE_CLICKHOUSE_INSERT_BYTES_MAX")
    clickhouse_sessions_max: Annotated[
        int, Meta(ge=1, description="Sessions that the embedded ClickHouse keeps; one more is refused.")
    ] = field(default=10_000, name="STITCHLINE_CLICKHOUSE_SESSIONS_MAX")

    @property
    def cache_path(self) -> Path:
        return Path(self.cache_dir).expanduser()
