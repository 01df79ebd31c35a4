"""What a request asks for: its parameters and headers as one value. Pure.

A parameter that is not HTTP's own is a setting, as in ClickHouse; one that would need something that is not here is
refused, since a client that is not told would trust a wrong answer.
"""

from collections.abc import Collection, Mapping

import msgspec

from deploy.embedded.clickhouse.compression import acceptable
from deploy.embedded.clickhouse.failure import refused

DEFAULT_FORMAT = "TabSeparated"
PARAMETER = "param_"
SESSION_TIMEOUT_S = 60
SESSION_TIMEOUT_S_MAX = 3600  # both are the server's defaults
OF_A_TABLE = ("_structure", "_types", "_format")

# Understood, or without meaning here: there are no users and no quotas, answers are buffered as needed.
OWN = frozenset(
    {
        "query", "database", "default_format", "query_id", "wait_end_of_query", "session_id", "session_timeout",
        "session_check", "user", "password", "quota_key", "stacktrace", "buffer_size", "client_protocol_version",
        "compress", "decompress", "role", "close_session",
    }
)  # fmt: skip


class Request(msgspec.Struct, frozen=True, kw_only=True):
    query: str
    database: str
    default_format: str
    query_id: str
    session_id: str
    session_timeout_s: float
    session_check: bool
    session_closes: bool
    settings: dict[str, str]
    parameters: dict[str, str]  # without their prefix
    content_encoding: str
    unpacks: bool
    answer_encoding: str
    packs: bool
    buffered: bool
    readonly: bool


def read(
    method: str, params: Mapping[str, str], headers: Mapping[str, str], tables: Collection[str] = ()
) -> Request:
    """`tables`: the names of external tables that came with it. Raises ClickHouseError."""
    if params.get("role"):
        raise refused(f"There is no role `{params['role']}` in `user directories`", 511, "UNKNOWN_ROLE")
    of_tables = {table + suffix for table in tables for suffix in OF_A_TABLE}
    settings = {name: value for name, value in params.items() if _is_setting(name) and name not in of_tables}
    packs = _is_on(params, "compress")
    compresses = not packs and _is_on(settings, "enable_http_compression")
    return Request(
        query=params.get("query", "").rstrip(),
        database=params.get("database") or headers.get("X-ClickHouse-Database", ""),
        default_format=params.get("default_format") or headers.get("X-ClickHouse-Format", ""),
        query_id=params.get("query_id", ""),
        session_id=params.get("session_id", ""),
        session_timeout_s=_session_timeout_s(params.get("session_timeout", "")),
        session_check=_is_on(params, "session_check"),
        session_closes=_is_on(params, "close_session"),
        settings=settings,
        parameters={
            name.removeprefix(PARAMETER): value
            for name, value in params.items()
            if name.startswith(PARAMETER)
        },
        content_encoding=headers.get("Content-Encoding", "").lower().strip(),
        unpacks=_is_on(params, "decompress"),
        answer_encoding=acceptable(headers.get("Accept-Encoding", "")) if compresses else "",
        packs=packs,
        buffered=_is_on(params, "wait_end_of_query"),
        readonly=method != "POST",
    )


OUR_NAMES = ("127.0.0.1", "localhost")


def is_from_a_foreign_page(headers: Mapping[str, str]) -> bool:
    """A web page that the user looks at may post to 127.0.0.1: whatever comes from another origin is turned away.

    So is a page whose own name was made to point here, which would be of the same origin: a browser's host must be this machine.
    A picture or a link of such a page is asked for without an origin; browsers say then from where it comes.
    """
    if headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site"):
        return True
    origin, host = headers.get("Origin", ""), headers.get("Host", "")
    return bool(origin) and (origin.partition("://")[2] != host or host.partition(":")[0] not in OUR_NAMES)


def _is_setting(name: str) -> bool:
    return name not in OWN and not name.startswith(PARAMETER)


def _is_on(params: Mapping[str, str], name: str) -> bool:
    return params.get(name, "0") in ("1", "true")


def _session_timeout_s(text: str) -> float:
    if not text:
        return SESSION_TIMEOUT_S
    if not (text.isascii() and text.isdecimal()):
        raise refused(f"Invalid session timeout: '{text}'", 374, "INVALID_SESSION_TIMEOUT")
    if int(text) > SESSION_TIMEOUT_S_MAX:
        raise refused(
            f"Session timeout '{text}' is larger than max_session_timeout: {SESSION_TIMEOUT_S_MAX}",
            374,
            "INVALID_SESSION_TIMEOUT",
        )
    return int(text)
