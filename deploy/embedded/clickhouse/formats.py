"""Output formats: which may be sent in pieces, which are written to a file first, and their media types. Pure.

chdb gives a large result in pieces, each formatted as a whole document. Only where such documents one after the other
are the document of all rows, but for the names of the columns at its head, may they be sent as they come. Formats that
people take much data away in are written to a file, block by block, and sent from there; any other is made in memory.
"""

from collections.abc import Iterable, Iterator

IN_PIECES = frozenset(
    {
        "native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "jsonlines", "ndjson",
        "jsoncompacteachrow", "jsonstringseachrow", "jsoncompactstringseachrow", "rowbinary", "lineasstring", "rawblob",
    }
)  # fmt: skip
HEADER_LINES = {
    "tabseparatedwithnames": 1, "tsvwithnames": 1, "tabseparatedwithnamesandtypes": 2, "tsvwithnamesandtypes": 2,
    "jsoncompacteachrowwithnames": 1, "jsoncompacteachrowwithnamesandtypes": 2,
    "jsoncompactstringseachrowwithnames": 1, "jsoncompactstringseachrowwithnamesandtypes": 2,
}  # fmt: skip
BY_FILE = frozenset({"parquet", "arrow", "arrowstream", "orc", "avro"})
WHOLE_IF_SET = "output_format_json_array_of_rows"

_MEDIA = {
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "json": "application/json; charset=UTF-8",
    "pretty": "text/plain; charset=UTF-8",
    "vertical": "text/plain; charset=UTF-8",
    "markdown": "text/markdown; charset=UTF-8",
}


def may_be_cut(name: str, statement: bytes, settings: dict[str, str]) -> bool:
    is_array = WHOLE_IF_SET.encode() in statement or WHOLE_IF_SET in settings
    return not is_array and (name.lower() in IN_PIECES or name.lower() in HEADER_LINES)


def is_by_file(name: str) -> bool:
    return name.lower() in BY_FILE


def joined(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Every piece has the names of the columns at its head; the answer has them once."""
    lines = HEADER_LINES.get(name.lower(), 0)
    head = b""
    for piece in pieces:
        yield piece.removeprefix(head) if head else piece
        if lines and not head:
            head = b"".join(line + b"\n" for line in piece.split(b"\n", lines)[:lines])


def media_type(name: str) -> str:
    lower = name.lower()
    return next(
        (media for prefix, media in _MEDIA.items() if lower.startswith(prefix)), "application/octet-stream"
    )
