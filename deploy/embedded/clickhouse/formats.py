"""Output formats: which may be sent in pieces, and their media types. Pure.

chdb gives a large result in pieces, each formatted as a whole document. Only where such documents one after the other
are the document of all rows may they be sent as they come; any other format is made in memory.
"""

IN_PIECES = frozenset(
    {
        "native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "jsonlines", "ndjson",
        "jsoncompacteachrow", "rowbinary", "lineasstring", "rawblob",
    }
)  # fmt: skip
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


def may_be_cut(name: str, statement: str, settings: dict[str, str]) -> bool:
    return name.lower() in IN_PIECES and WHOLE_IF_SET not in statement and WHOLE_IF_SET not in settings


def media_type(name: str) -> str:
    lower = name.lower()
    return next(
        (media for prefix, media in _MEDIA.items() if lower.startswith(prefix)), "application/octet-stream"
    )
