"""Logging of a process: one JSON line per thing that happened, on standard error or in a file. For composition roots only.

No secret and no personal datum in a log line: write keys, identifiers and payloads are never logged, only sources, topics,
partitions, offsets, counts and reasons.
"""

import logging
import sys
from typing import TextIO

from runtime.absent import absent

# It would read all of rich for a console of colours: a sixth of the CPU of every command's and stage's start. Our lines are JSON.
with absent("rich"):
    import structlog
    from structlog.tracebacks import ExceptionDictTransformer

CLIENT_LOGGER = "librdkafka"  # of Kafka's clients
# Their errors reach the caller as exceptions. What they log besides is the same again: the one with a stack, the other with the
# address of the request, in which a query's parameters stand.
TOLD_BY_EXCEPTIONS = ("clickhouse_connect", "urllib3")


def configure(process: str, level: int = logging.INFO, out: TextIO | None = None) -> None:
    """Set structlog and the standard library's logging up for this process; `process` stands on every line. `out`: where
    lines go instead of standard error."""
    lines = out or sys.stderr
    told = structlog.processors.ExceptionRenderer(
        ExceptionDictTransformer(show_locals=False)  # they hold payloads and identifiers
    )
    structlog.configure(
        processors=[
            _named(process),  # not a context variable: threads have contexts of their own
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            told,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    foreign = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _named(process),
            told,
        ],
        processor=structlog.processors.JSONRenderer(),
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(foreign)
    handler.addFilter(_is_news)
    # A command says in one sentence that Kafka does not answer; of a stage they say why, again and again.
    logging.getLogger(CLIENT_LOGGER).setLevel(logging.CRITICAL if level > logging.INFO else logging.NOTSET)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _is_news(record: logging.LogRecord) -> bool:
    # Asked of each record, since clickhouse_connect gives urllib3 a level of its own when it is imported, which may be later.
    return record.name.partition(".")[0] not in TOLD_BY_EXCEPTIONS


def _named(process: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return add
