"""`python -m deploy.embedded.clickhouse --data DIR --port N`: the composition root of the embedded ClickHouse."""

import runtime.logs  # noqa: F401 - before whatever else imports structlog

# isort: split
import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
import uvloop
from aiohttp import web

from deploy.embedded.clickhouse import HOST
from deploy.embedded.clickhouse.app import READ_BUFFER_BYTES, App
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.folder import FolderUnusable
from deploy.embedded.clickhouse.form import Limits
from deploy.embedded.clickhouse.running import Running
from deploy.embedded.clickhouse.serve import Server
from deploy.embedded.clickhouse.sessions import Sessions
from deploy.embedded.clickhouse.spares import Spares
from runtime import logs
from runtime.environment.settings import EngineSettings, SettingsError, load
from runtime.parent import end_with_parent

log = structlog.get_logger()

STOP_GRACE_S = 10.0
GARBAGE_OBJECTS_MIN = 2_000  # a cut-off insert leaves a cycle with its buffers, of megabytes
ADDRESS_BYTES_MAX = 1_048_576  # a server's http_max_uri_size: clients send parameters in the address


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.clickhouse", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default=HOST)
    options = parser.parse_args(argv)
    logs.configure("clickhouse")
    end_with_parent(environ, lambda: os.kill(os.getpid(), signal.SIGTERM), STOP_GRACE_S * 2)
    try:
        settings = load(EngineSettings, environ)
        engine = Engine(options.data)
    except (SettingsError, FolderUnusable) as error:
        sys.stderr.write(f"clickhouse: {error}\n")
        return 2
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(engine, settings, options.host, options.port))
    except OSError as error:
        sys.stderr.write(f"clickhouse: cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 2
    finally:
        engine.close()
    return 0


async def serve(engine: Engine, settings: EngineSettings, host: str, port: int) -> None:
    """Until SIGTERM or SIGINT; then no new requests, and running ones may end within the grace."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = _server(engine, settings)
    app = App(server, ThreadPoolExecutor(settings.clickhouse_statements_max, "statement"))
    runner = web.AppRunner(
        app.application(),
        access_log=None,
        handler_cancellation=True,  # tells when a client has gone away
        auto_decompress=False,  # aiohttp would stop after the first frame
        read_bufsize=READ_BUFFER_BYTES,
        max_line_size=ADDRESS_BYTES_MAX,
        shutdown_timeout=STOP_GRACE_S
        / 2,  # aiohttp waits twice: for the handlers, then for their connections
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    gc.freeze()  # a look through all that was imported would stop every statement for 30 ms
    gc.set_threshold(GARBAGE_OBJECTS_MIN)
    log.info("listening", host=host, port=port)
    await stop.wait()
    await runner.cleanup()
    if not app.is_idle:
        # A thread in the engine cannot be ended, and closing the engine under it is not safe. Nothing is lost: what
        # was acknowledged is with the operating system.
        log.warning("stopped with statements running")
        os._exit(0)
    server.spares.close()
    server.sessions.close()
    log.info("stopped")


def _server(engine: Engine, settings: EngineSettings) -> Server:
    limits = Limits(
        statement_bytes_max=settings.clickhouse_statement_bytes_max,
        data_bytes_max=settings.clickhouse_insert_bytes_max,
        memory_bytes_max=settings.clickhouse_memory_mb * 1024 * 1024,
    )
    sessions = Sessions(settings.clickhouse_sessions_max, time.monotonic)
    spares = Spares(engine.open, settings.clickhouse_statements_max)
    return Server(engine, sessions, spares, Running(engine), limits)


if __name__ == "__main__":
    code = main(sys.argv[1:], os.environ)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the engine is closed; what its library does at the end of a process may hang
