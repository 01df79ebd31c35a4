"""A question to ClickHouse as a value: the SQL, the values that it names, and which rows are a person's. Pure.

Values are parameters, always. What stands in the text besides is ours.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Question(msgspec.Struct, frozen=True):
    sql: str
    parameters: Mapping[str, Any] = {}


# As in view events_resolved: whoever owned a contested device then, else the subject itself; and who that is now. The condition
# on the subject comes first, by its index: the look-up would have to be made for every row.
_THEIRS = """\
PREWHERE subject IN {subjects:Array(UInt64)}
WHERE workspace = {workspace:String}
    AND dictGetOrDefault(
        {roots:String},
        'root',
        dictGetOrDefault({segments:String}, 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
        owner
    ) = {profile:UInt64}"""

# The projection is sorted by subject; a person's rows are few, so it is worth while in tables of any size. The filters of
# by_subject's namesake among the indexes would be read first, megabytes of them, and leave four granules where it leaves one.
_BY_SUBJECT = "SETTINGS min_table_rows_to_use_projection_index = 0, use_skip_indexes = 0"


def written_out(sql: str) -> str:
    """`THEIRS` stands for the rows that are a person's, in tables of subjects and times; `BY_SUBJECT` for the setting above."""
    return sql.replace("THEIRS", _THEIRS).replace("BY_SUBJECT", _BY_SUBJECT)


def dictionaries(database: str) -> dict[str, str]:
    """The names of those that say who is whom, as parameters."""
    return {
        "owners": f"{database}.idr_owner",
        "roots": f"{database}.idr_root",
        "segments": f"{database}.idr_segment",
    }
