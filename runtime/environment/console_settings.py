"""Where the console listens, and what a question about people may cost. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ConsoleSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Address that the console listens on.")] = field(
        default="127.0.0.1", name="CONSOLE_HOST"
    )
    port: Annotated[int, Meta(ge=1, le=65535, description="Port that the console listens on.")] = field(
        default=8081, name="CONSOLE_PORT"
    )
    allowed_hosts: Annotated[
        str,
        Meta(
            description="Names, with commas between, under which the console may be called (*.shop.example is all below); others "
            "are refused (400). `*`: any, where only our own proxy can reach it."
        ),
    ] = field(default="localhost,127.0.0.1,[::1]", name="CONSOLE_ALLOWED_HOSTS")
    connections_max: Annotated[
        int, Meta(ge=1, description="Connections served at once; further ones wait in the kernel.")
    ] = field(default=256, name="CONSOLE_CONNECTIONS_MAX")
    requests_max: Annotated[
        int, Meta(ge=1, description="Look-ups that are answered at once; more are refused (503).")
    ] = field(default=16, name="CONSOLE_REQUESTS_MAX")
    head_timeout_s: Annotated[
        int, Meta(ge=1, description="How long a request's head may take to arrive; then the connection ends.")
    ] = field(default=10, name="CONSOLE_HEAD_TIMEOUT_S")
    stop_timeout_s: Annotated[
        int, Meta(ge=1, description="How long running look-ups may take at a stop.")
    ] = field(default=10, name="CONSOLE_STOP_TIMEOUT_S")
    retry_after_s: Annotated[int, Meta(ge=1, description="Retry-After of a 503.")] = field(
        default=2, name="CONSOLE_RETRY_AFTER_S"
    )


class QuestionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of the console, and of the commands that ask as it does."""

    queries_max: Annotated[
        int, Meta(ge=1, description="Questions that one process asks ClickHouse at once; more wait.")
    ] = field(default=16, name="CONSOLE_QUERIES_MAX")
    query_timeout_s: Annotated[
        int, Meta(ge=1, description="How long one question may take; then the answer is 503.")
    ] = field(default=10, name="CONSOLE_QUERY_TIMEOUT_S")
    query_memory_bytes_max: Annotated[
        int, Meta(ge=1_000_000, description="Memory of one question in ClickHouse.")
    ] = field(default=1_000_000_000, name="CONSOLE_QUERY_MEMORY_BYTES_MAX")
    query_threads_max: Annotated[
        int, Meta(ge=1, description="Threads of ClickHouse that one question may use.")
    ] = field(default=4, name="CONSOLE_QUERY_THREADS_MAX")
    nodes_max: Annotated[
        int,
        Meta(
            ge=1,
            description="Identifiers of one person that are looked at; of a person with more the answer is partial, and says so.",
        ),
    ] = field(default=10_000, name="CONSOLE_NODES_MAX")
    page_events_max: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Events, or traits, of one page of an answer; more may not be asked for (400).",
        ),
    ] = field(default=1_000, name="CONSOLE_PAGE_EVENTS_MAX")
