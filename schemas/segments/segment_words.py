"""The words of which the queries are made: expressions with names of their own, written once at the top of a query that
uses them.

A value of a trait or property is taken as JSON text, and these say what it holds: its texts (scalars; of a list each
element's), its numbers, its dates. Null, objects and lists within lists hold nothing. What counts as a number or a date is
in docs/segments.md. Deliberately absent: any value; these are the same for every segment.
"""

_NUMBER = r"^[ \\t\\n\\r]*-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?[ \\t\\n\\r]*$"
_DATE = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"

# In this order: a later one may use an earlier one. `{database}.` is filled in.
WORDS: dict[str, str] = {
    "root_of": "owner -> dictGetOrDefault('{database}idr_root', 'root', owner, owner)",
    "profile_of": (
        "(subject, at) -> root_of("
        "dictGetOrDefault('{database}idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))"
    ),
    "base_currency": "(SELECT currency FROM {database}base_currency)",
    "in_base": (
        "(amount, currency, at) -> roundBankers(toDecimal256(amount, 6) * if(currency IN ('', base_currency), "
        "toDecimal128(1, 12), dictGetOrNull('{database}exchange_rate', 'rate', (base_currency, currency), "
        "toDate(greatest(at, toDateTime64(0, 3, 'UTC'))))), 6)"
    ),
    "texts_of": (
        """json -> arrayMap(each -> if(startsWith(each, '"'), JSONExtractString(each), each), """
        "arrayFilter(each -> NOT match(each, '^(null$|[{[])'), arrayConcat([json], JSONExtractArrayRaw(json))))"
    ),
    "number_texts_of": (
        "json -> arrayMap(each -> trim(BOTH ' \\t\\n\\r' FROM each), "
        f"arrayFilter(each -> match(each, '{_NUMBER}'), texts_of(json)))"
    ),
    "numbers_of": (
        "json -> arrayFilter(each -> isFinite(each), arrayMap(each -> toFloat64(each), number_texts_of(json)))"
    ),
    "decimals_of": (
        "json -> arrayMap(each -> assumeNotNull(each), arrayFilter(each -> isNotNull(each), "
        "arrayMap(each -> toDecimal256OrNull(each, 18), number_texts_of(json))))"
    ),
    "inner_of": (
        "(json, key) -> if(startsWith(json, '['), replaceOne(concat('[', arrayStringConcat("
        "arrayFilter(each -> each NOT IN ('', 'null'), arrayFlatten(arrayMap("
        "each -> if(startsWith(JSONExtractRaw(each, key), '['), JSONExtractArrayRaw(each, key), [JSONExtractRaw(each, key)]), "
        "JSONExtractArrayRaw(json)))), ','), ']'), '[]', 'null'), ifNull(nullIf(JSONExtractRaw(json, key), ''), 'null'))"
    ),
    # The engine reads a time that the clocks left out an hour early: what the result falls short of the text is added.
    "moment_of": (
        "(written, zone) -> toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(written, 3, zone)) + "
        f"if(match(written, '{_OFFSET}'), 0, toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(written, 3, 'UTC')) - "
        "toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull("
        "toString(parseDateTime64BestEffortOrNull(written, 3, zone)), 3, 'UTC')))"
    ),
    "dates_of": (
        "(json, zone) -> arrayConcat("
        "arrayMap(each -> assumeNotNull(each), arrayFilter(each -> isNotNull(each), arrayMap("
        "each -> moment_of(each, zone), "
        f"arrayFilter(each -> match(each, '{_DATE}'), texts_of(json))))), "
        "arrayMap(each -> toInt64(if(each <= 1e11, each * 1000, each)), arrayFilter(each -> each BETWEEN 1e8 AND 1e15, "
        "arrayMap(each -> toFloat64OrZero(each), arrayConcat([json], JSONExtractArrayRaw(json))))))"
    ),
    "month_days_of": (
        "(json, zone) -> arrayMap(each -> formatDateTime(fromUnixTimestamp64Milli(each, zone), '%m-%d'), "
        "arrayFilter(each -> each < 10413705600000, dates_of(json, zone)))"
    ),
}


def used(sql: str, database: str) -> list[str]:
    """The definitions that the text needs, in order."""
    found: list[str] = []
    text = sql
    for name, meaning in reversed(WORDS.items()):
        if f"{name}(" in text or (name == "base_currency" and name in text):
            found.insert(0, f"{_filled(meaning, database)} AS {name}")
            text += meaning
    return found


def _filled(meaning: str, database: str) -> str:
    body = meaning.replace("{database}", database)
    return f"({body})" if "->" in body and not body.startswith("(SELECT") else body
