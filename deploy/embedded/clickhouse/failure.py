"""Errors as ClickHouse tells them over HTTP: a code, a status, one line of text. Pure."""

import re

NOT_IMPLEMENTED = 48
STANDARD_EXCEPTION = 1001
UNKNOWN_STATUS = 500

# What ClickHouse's HTTP handler answers, by error code; every other code is a 500.
STATUS = {
    **dict.fromkeys((516, 193, 192), 403),  # authentication
    **dict.fromkeys(
        (6, 26, 27, 38, 41, 53, 62, 70, 72, 117, 394, 427, 441, 456, 457, 636), 400
    ),  # cannot be parsed or converted
    **dict.fromkeys((43, 44, 349, 36), 400),  # wrong arguments
    **dict.fromkeys(
        (46, 47, 50, 56, 60, 63, 73, 81, 115), 404
    ),  # unknown function, column, type, table, format, database, setting
    NOT_IMPLEMENTED: 501,
    159: 408,  # ran too long
    164: 403,  # read only
    202: 503,  # too many at once
    209: 503,
    76: 503,
    452: 403,  # a setting that may not be changed
    307: 413,
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
