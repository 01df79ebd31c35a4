"""What a request asks for: its parameters and headers as one value. Pure.

A parameter that is not HTTP's own is a setting, as in ClickHouse; one that would need something that is not here is
refused, since a client that is not told would trust a wrong answer.
"""

from collections.abc import Mapping

import msgspec

from deploy.embedded.clickhouse.compression import acceptable
from deploy.embedded.clickhouse.failure import refused

DEFAULT_FORMAT = "TabSeparated"
PARAMETER = "param_"

# Understood, or without meaning here: there are no users, no quotas, no roles to check, answers are buffered as needed.
OWN = frozenset(
    {
        "query", "database", "default_format", "query_id", "wait_end_of_query", "session_id", "session_timeout",
        "session_check", "user", "password", "quota_key", "stacktrace", "buffer_size", "client_protocol_version",
    }
)  # fmt: skip
ABSENT = {
    "compress": "ClickHouse's own compressed blocks: use Accept-Encoding with enable_http_compression=1",
    "decompress": "ClickHouse's own compressed blocks: use Content-Encoding",
    "role": "roles",
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    query: str
    database: str
    default_format: str
    query_id: str
    session_id: str
    settings: dict[str, str]
    parameters: dict[str, str]
    content_encoding: str
    answer_encoding: str
    buffered: bool
    readonly: bool


def read(method: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Request:
    """Raises ClickHouseError."""
    _refuse_what_is_absent(params, headers)
    settings = {name: value for name, value in params.items() if _is_setting(name)}
    compresses = settings.get("enable_http_compression", "0") in ("1", "true")
    return Request(
        query=params.get("query", "").rstrip(),
        database=params.get("database") or headers.get("X-ClickHouse-Database", ""),
        default_format=params.get("default_format") or headers.get("X-ClickHouse-Format", ""),
        query_id=params.get("query_id", ""),
        session_id=params.get("session_id", ""),
        settings=settings,
        parameters={name: value for name, value in params.items() if name.startswith(PARAMETER)},
        content_encoding=headers.get("Content-Encoding", "").lower().strip(),
        answer_encoding=acceptable(headers.get("Accept-Encoding", "")) if compresses else "",
        buffered=params.get("wait_end_of_query", "0") in ("1", "true"),
        readonly=method != "POST",
    )


OUR_NAMES = ("127.0.0.1", "localhost")


def is_from_a_foreign_page(headers: Mapping[str, str]) -> bool:
    """A web page that the user looks at may post to 127.0.0.1: whatever comes from another origin is turned away.

    So is a page whose own name was made to point here, which would be of the same origin: a browser's host must be this machine.
    """
    origin, host = headers.get("Origin", ""), headers.get("Host", "")
    return bool(origin) and (origin.partition("://")[2] != host or host.partition(":")[0] not in OUR_NAMES)


def _is_setting(name: str) -> bool:
    return name not in OWN and name not in ABSENT and not name.startswith(PARAMETER)


def _refuse_what_is_absent(params: Mapping[str, str], headers: Mapping[str, str]) -> None:
    for name, meaning in ABSENT.items():
        if params.get(name, "0") not in ("", "0", "false"):
            raise refused(f"The embedded ClickHouse has no {meaning}")
    if headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
        raise refused(
            "The embedded ClickHouse takes no forms: neither external tables nor parameters sent as form fields"
        )
