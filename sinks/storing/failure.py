"""What to do when ClickHouse does not take an insert. Pure: the edge says what happened, `decide` says what follows.

ClickHouse's texts quote values ("Cannot parse string 'ann@…'"): logs have an error's `summary`, its code by name, instead.

SinkError
├── Unavailable   nobody answered, or the answer says "not now": wait and repeat; nothing is lost meanwhile
└── Refused       the server says no, with its error code
                  ├── because of the tables or our rights: stop, a person has to mend it
                  └── anything else: split the block until the row to blame stands alone, and keep it as a dead letter
"""

import re
from enum import Enum, auto

import msgspec


class SinkError(Exception):
    """Base of what an insert raises. The text may quote values and goes into dead letters only; `summary` may be logged."""

    @property
    def summary(self) -> str:
        raise NotImplementedError


class Unavailable(SinkError):
    """No answer, or one that says "not now"; `kind` names the client's error."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind

    @property
    def summary(self) -> str:
        return f"ClickHouse does not answer ({self.kind or 'no connection'})"


class Refused(SinkError):
    """The server's own error; `code` is ClickHouse's, 0 when it gave none."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def summary(self) -> str:
        if not self.code:
            return "the client was misused"
        return f"ClickHouse's code {self.code} ({_NAMES.get(self.code, 'see its documentation')})"


class TooManyRefused(Exception):
    """More records of one block were refused than `refused_records_max`: rather a fault of ours than of the data.

    Its text quotes nothing and may be logged.
    """


def is_known_of_rows(error: SinkError) -> bool:
    """Whether the server's answer blames the row, and nothing else can be meant."""
    if not isinstance(error, Refused):
        return False
    return error.code in ROW or _std_type(error).startswith("avro::")


class Action(Enum):
    RETRY = auto()
    SPLIT = auto()
    STOP = auto()


class Decision(msgspec.Struct, frozen=True):
    action: Action
    delay_s: float = 0.0


FIRST_DELAY_S = 0.2

# Names as in ClickHouse's ErrorCodes.cpp.
LATER = {
    75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    76: "CANNOT_OPEN_FILE",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    173: "CANNOT_ALLOCATE_MEMORY",
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED",
    425: "SYSTEM_ERROR",
    439: "CANNOT_SCHEDULE_TASK",
    473: "DEADLOCK_AVOIDED",
    999: "KEEPER_EXCEPTION",
    1000: "POCO_EXCEPTION",
}
# Known to be a row's fault. What no list names may be one too, since a row can make any part of ClickHouse raise.
ROW = {
    6: "CANNOT_PARSE_TEXT",
    26: "CANNOT_PARSE_QUOTED_STRING",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    32: "ATTEMPT_TO_READ_AFTER_EOF",
    33: "CANNOT_READ_ALL_DATA",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    69: "ARGUMENT_OUT_OF_BOUND",
    70: "CANNOT_CONVERT_TYPE",
    72: "CANNOT_PARSE_NUMBER",
    117: "INCORRECT_DATA",
    131: "TOO_LARGE_STRING_SIZE",
    167: "TOO_DEEP_AST",
    306: "TOO_DEEP_RECURSION",
    321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    407: "DECIMAL_OVERFLOW",
}
# An exception of a library that ClickHouse uses, told apart by its type: the Avro reader's is a row's fault, the machine's is
# for later.
STD_EXCEPTION = 1001
MACHINE = ("filesystem_error", "system_error", "bad_alloc")
_STD_TYPE = re.compile(r"std::exception\. Code: 1001, type: ([\w:]+)")

# The tables, the settings or our rights.
STOP = {
    8: "THERE_IS_NO_COLUMN",
    10: "NOT_FOUND_COLUMN_IN_BLOCK",
    16: "NO_SUCH_COLUMN_IN_TABLE",
    20: "NUMBER_OF_COLUMNS_DOESNT_MATCH",
    36: "BAD_ARGUMENTS",
    46: "UNKNOWN_FUNCTION",
    47: "UNKNOWN_IDENTIFIER",
    53: "TYPE_MISMATCH",
    60: "UNKNOWN_TABLE",
    62: "SYNTAX_ERROR",
    73: "UNKNOWN_FORMAT",
    80: "INCORRECT_QUERY",
    81: "UNKNOWN_DATABASE",
    115: "UNKNOWN_SETTING",
    164: "READONLY",
    192: "UNKNOWN_USER",
    218: "TABLE_IS_DROPPED",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
}
_NAMES = LATER | ROW | STOP | {STD_EXCEPTION: "STD_EXCEPTION"}


def decide(error: SinkError, attempt: int, *, delay_s_max: float) -> Decision:
    """What follows the `attempt`-th failure in a row (the first is 1)."""
    if isinstance(error, Refused) and not _is_for_later(error):
        return Decision(Action.STOP if error.code in STOP or not error.code else Action.SPLIT)
    return Decision(Action.RETRY, delay_s=delay_of(attempt, delay_s_max))


def _is_for_later(error: Refused) -> bool:
    return error.code in LATER or _std_type(error).endswith(MACHINE)


def _std_type(error: Refused) -> str:
    """The C++ type of a library's exception; empty for ClickHouse's own."""
    found = _STD_TYPE.search(str(error)) if error.code == STD_EXCEPTION else None
    return found[1] if found else ""


def delay_of(attempt: int, delay_s_max: float) -> float:
    """Doubles from 0.2 s up to the limit."""
    doublings = min(attempt - 1, 30)  # beyond any limit; keeps the power small
    return float(min(FIRST_DELAY_S * 2**doublings, delay_s_max))
