"""Errors as ClickHouse tells them over HTTP: a code, a status, one line of text. Pure."""

import re

NOT_IMPLEMENTED = 48
STANDARD_EXCEPTION = 1001
UNKNOWN_STATUS = 500

# What ClickHouse's HTTP handler answers, by error code; every other code is a 500.
STATUS = {
    194: 401,  # no password given
    **dict.fromkeys((192, 193, 497, 512, 516), 403),  # unknown user, wrong password, no right
    # a value cannot be parsed
    **dict.fromkeys((6, 25, 26, 27, 38, 41, 72, 117, 321, 376, 441, 675, 676), 400),
    # wrong statement or arguments
    **dict.fromkeys((8, 15, 36, 37, 44, 53, 62, 123, 167, 168, 223, 427), 400),
    # unknown function, column, type, engine, table, aggregate, format, kind, database, setting, order, engine, role
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    159: 408,  # ran too long
    381: 411,
    229: 413,  # a statement that is too long
    779: 415,
    NOT_IMPLEMENTED: 501,
    **dict.fromkeys((76, 209, 439), 503),  # a file cannot be opened, a time-out, no thread
}

_CODE = re.compile(r"Code: (\d+)\. ?")


class ClickHouseError(Exception):
    """What the client is answered: the code and the text from `Code:` on."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def status(self) -> int:
        return STATUS.get(self.code, UNKNOWN_STATUS)


def refused(text: str, code: int = NOT_IMPLEMENTED, name: str = "NOT_IMPLEMENTED") -> ClickHouseError:
    """An error of this server, told like one of the engine."""
    return ClickHouseError(code, f"Code: {code}. DB::Exception: {text} ({name})")


def statement_too_long(bytes_max: int) -> ClickHouseError:
    return refused(f"a statement may have {bytes_max} bytes", 229, "QUERY_IS_TOO_LARGE")


def from_engine(text: str) -> ClickHouseError:
    """chdb puts words of its own before the engine's text; an error without a code is one of the C++ library."""
    found = _CODE.search(text)
    if found is None:
        return ClickHouseError(
            STANDARD_EXCEPTION, f"Code: {STANDARD_EXCEPTION}. DB::Exception: {text} (STD_EXCEPTION)"
        )
    return ClickHouseError(int(found[1]), text[found.start() :].strip())


def body(error: ClickHouseError, version: str) -> bytes:
    text = str(error)
    return f"{text if '(version ' in text else f'{text} (version {version})'}\n".encode()


def in_the_answer(error: ClickHouseError, version: str, tag: str) -> bytes:
    """An error that came when the status was sent already: the end of the answer, known by the tag of its header."""
    text = body(error, version)
    mark = b"__exception__"
    return b"\r\n%s\r\n%s\r\n%s%d %s\r\n%s\r\n" % (mark, tag.encode(), text, len(text), tag.encode(), mark)
