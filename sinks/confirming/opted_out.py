"""On which opt-out lists addresses are: the question that stage `confirm` asks before anything is sent.

Which of these lists matter to a rule is schemas/rules/suppression.py's to say. An address that was forgotten is found as any
other: its row keeps the hash.
"""

from collections.abc import Iterable

from clickhouse_connect.driver.client import Client

_OPTED_OUT = """\
SELECT contact, list FROM opt_outs FINAL
WHERE workspace = {workspace:String} AND contact IN {contacts:Array(UInt64)} AND state = 'added'
ORDER BY contact, list"""


def opted_out(client: Client, workspace: str, contacts: Iterable[int]) -> dict[int, list[str]]:
    """By contact, the lists that it is on now; nothing of those that are on none. Raises what the client raises."""
    asked = sorted(set(contacts))
    found: dict[int, list[str]] = {}
    if not asked:
        return found
    rows = client.query(_OPTED_OUT, parameters={"workspace": workspace, "contacts": asked}).result_rows
    for contact, name in rows:
        found.setdefault(contact, []).append(name)
    return found
