"""`INSERT INTO t SELECT … FROM input('columns') FORMAT x` and data: an INSERT whose data goes through a SELECT first. Pure.

chdb has no data for `input`, but reads files: so it becomes `file` over the file into which the data was spooled.
"""

import msgspec

from deploy.embedded.clickhouse import sql


class Through(msgspec.Struct, frozen=True):
    """The statement in two halves, between which the file and its format belong; the format; where data begins."""

    before: str
    after: str
    format: str
    data_at: int

    def over(self, path: str) -> str:
        return f"{self.before} file({sql.quoted(path)}, {sql.quoted(self.format)}, {self.after}"


def through(head: bytes, default_format: str) -> Through | None:
    """None: no INSERT, or its SELECT does not use `input`."""
    call = sql.call_of("input", head) if sql.first_word(head) == "INSERT" else None
    if call is None:
        return None
    begins, arguments_at = call
    ending = sql.format_of_data(head, arguments_at)
    if ending is None:
        return Through(_text(head[:begins]), _text(head[arguments_at:]), default_format, len(head))
    return Through(_text(head[:begins]), _text(head[arguments_at : ending.at]), ending.name, ending.data_at)


def _text(part: bytes) -> str:
    return part.decode("utf-8", errors="replace").strip()
