"""A question to ClickHouse as a value: the SQL, the values that it names, and which rows are a person's. Pure.

Values are parameters, always, but for whole numbers where there are few. What stands in the text besides is ours.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

PLACE = re.compile(r"\{(\w+):(?:Array\()?U?Int\d+\)?\}")
DICTIONARIES = {"ROOTS": "idr_root", "SEGMENTS": "idr_segment"}


class Question(msgspec.Struct, frozen=True):
    """`is_small`: it reads a few granules of each part, and threads besides its own cost more than they bring."""

    sql: str
    parameters: Mapping[str, Any] = {}
    is_small: bool = False


# As in view events_resolved: whoever owned a contested device then, else the subject itself; and who that is now. The condition
# on the subject comes first, by its index: the look-up would have to be made for every row.
_THEIRS = """\
PREWHERE subject IN {subjects:Array(UInt64)}
WHERE workspace = {workspace:String}
    AND dictGetOrDefault(
        ROOTS,
        'root',
        dictGetOrDefault(SEGMENTS, 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
        owner
    ) = {profile:UInt64}"""


def written_out(sql: str, database: str) -> str:
    """`THEIRS` stands for the rows that are a person's, in tables of subjects and times; ROOTS and SEGMENTS for the names of
    the dictionaries that say who is whom. As parameters these cost the engine's analysis a third of a millisecond each."""
    text = sql.replace("THEIRS", _THEIRS)
    for word, name in DICTIONARIES.items():
        text = text.replace(word, f"'{database}.{name}'")
    return text


def numbers_written_out(text: str, values: Mapping[str, Any]) -> str:
    """With the values that are whole numbers, or lists of them, in their places: as parameters each costs the engine's analysis
    a third of a millisecond, a list of them most of one."""
    return PLACE.sub(lambda place: _number(values[place[1]]), text)


def _number(value: Any) -> str:
    return f"[{', '.join(map(_number, value))}]" if isinstance(value, list) else str(int(value))
