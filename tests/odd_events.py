"""Events as careless and hostile clients send them: valid enough to stand in a batch, and what becomes of each.

Shared by the tests of the door, of the resolver behind it and of the whole chain. `STORED` is a row in ClickHouse; anything else
is the reason of a dead letter, `EITHER` one of the two: how deep is too deep is the decoder's business. Requests that are bad
as a whole are in tests/collector/bad_requests.py.
"""

import json
from typing import Any

import msgspec

STORED, EITHER = "stored", "either"
EVENT_BYTES_MAX = 32 * 1024


class Odd(msgspec.Struct, frozen=True):
    """`payload` is one event's JSON with the message id `message_id`; `fate` is the same wherever it is decided."""

    name: str
    payload: bytes
    fate: str = STORED

    @property
    def message_id(self) -> str:
        return f"odd-{self.name}"


def _call(name: str, fate: str = STORED, /, **fields: Any) -> Odd:
    call = {"type": "track", "event": "Odd", "anonymousId": f"a-{name}", "messageId": f"odd-{name}"}
    return Odd(name, json.dumps(call | fields, ensure_ascii=False).encode("utf-8", "surrogatepass"), fate)


def _text(name: str, fields: str, fate: str = STORED) -> Odd:
    """For JSON that no encoder makes; `fields` stand before the ids."""
    ids = f'"anonymousId":"a-{name}","messageId":"odd-{name}"'
    return Odd(
        name, f'{{"type":"track","event":"Odd",{fields},{ids}}}'.encode("utf-8", "surrogatepass"), fate
    )


def _nested(depth: int) -> str:
    return '"properties":{"a":' + "[" * depth + "1" + "]" * depth + "}"


def _objects(depth: int) -> str:
    return '"traits":' + '{"a":' * depth + "1" + "}" * depth


TIMES = [
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1600-02-29", "1899-12-31T23:59:59.999Z",
    "1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999Z", "2200-01-01T00:00:00Z",
    "2299-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "2026-13-01", "24:00", "now", "\u0000", " 2026-01-01 ", "\u0662\u0660\u0662\u0666-01-01",
    "9" * 400, 0, -1, 1e300, -1e300,
    253402300799999, 2**63, 2**64, 10**400, 0.1, True, "",
]  # fmt: skip

WRONG_TYPES = [[], {}, [1], {"a": 1}]
SCALAR_FIELDS = [
    "type", "messageId", "anonymousId", "userId", "previousId", "groupId", "event", "name", "timestamp",
    "originalTimestamp", "sentAt",
]  # fmt: skip
OBJECT_FIELDS = ["properties", "traits", "context", "integrations"]
SCALARS = [None, True, 7, 7.0, 1.5, "", "text", "\u0000", [], ["x", {"y": [1]}]]

ODD_EVENTS = [
    *(
        _call(f"time-{n}", timestamp=time, originalTimestamp=time, sentAt=time)
        for n, time in enumerate(TIMES)
    ),
    *(_call(f"own-time-{n}", timestamp=time) for n, time in enumerate(TIMES)),
    *(_call(f"sent-{n}", timestamp="2026-01-01T00:00:00Z", sentAt=time) for n, time in enumerate(TIMES)),
    *(
        _call(f"wrong-{field}-{n}", "wrong_type", **{field: value})
        for field in SCALAR_FIELDS
        for n, value in enumerate(WRONG_TYPES)
    ),
    *(_call(f"scalar-{field}-{n}", **{field: v}) for field in OBJECT_FIELDS for n, v in enumerate(SCALARS)),
    *(
        _call(f"{kind}-nothing", type=kind, event=None, anonymousId=f"a-{kind}")
        for kind in ("identify", "page", "screen", "group", "alias")
    ),
    _call("no-type", "unknown_type", type=None),
    _call("type-number", "unknown_type", type=7),
    _call("type-capital", "unknown_type", type="Track"),
    _call("type-nul", "unknown_type", type="track\u0000"),
    _call("no-ids", "no_identifier", anonymousId=None),
    _call("blank-ids", "no_identifier", anonymousId=" ", userId="\t"),
    _call("nul-id", anonymousId="\u0000"),
    _call(
        "nul-everywhere",
        userId="u\u0000v",
        event="e\u0000",
        properties={"\u0000": "\u0000", "a\u0000b": ["\u0000"]},
        context={"\u0000": 1},
    ),
    _call(
        "nul-traits", type="identify", userId="u-nul", traits={"\u0000": "\u0000", "email": "a\u0000@b.cd"}
    ),
    _call("long-id", anonymousId="x" * 30_000),
    _call("long-message-id", userId="u"),
    _call("long-event", event="e" * 30_000),
    _call("long-name", type="page", name="n" * 30_000),
    _call("long-key", properties={"k" * 30_000: 1}),
    _call("big-number-id", userId=10**300),
    _call("float-id", userId=1e308),
    _call("negative-zero-id", userId=-0.0),
    _call("true-id", userId=True),
    _call("blocked-id", anonymousId="null"),
    _call(
        "properties-4000",
        properties={f"p{n:04}": n for n in range(2_000)} | {f"q{n}": None for n in range(200)},
    ),
    _call("keys-empty", properties={"": {"": {"": 1}}}),
    _call("keys-dots", properties={"a.b": 1, "a": {"b": 2}, ".": 1, "..": 2, "a..b": 3}),
    _call("keys-clash", properties={"a": 1, "a.b": {"c": 1}, "a.b.c": "x"}),
    _call(
        "keys-odd",
        properties={
            "`": 1,
            '"': 2,
            "\\": 3,
            "'": 4,
            "\n": 5,
            "{": 6,
            "$ref": 7,
            "__proto__": 8,
            "Ünï": 9,
            "\u202e": 10,
        },
    ),
    _call("mixed-list", properties={"a": [1, "x", None, {"b": [[], {}]}, [[1], ["y"]], 1.5, True]}),
    _call(
        "context-odd",
        context={
            "page": "x",
            "traits": [1],
            "externalIds": {"id": 1},
            "campaign": 7,
            "ip": {},
            "userAgent": 1,
        },
    ),
    _call(
        "context-odder",
        context={
            "page": {"url": ["x"]},
            "externalIds": [1, None, {"id": {}, "type": []}, {"id": 1, "type": 2}],
            "traits": {"email": 7},
        },
    ),
    _call(
        "page-address",
        type="page",
        context={"page": {"url": "http://[?email=x@y.zz&contact_id=%00%ff&eh=zz"}},
    ),
    _call("email-odd", type="identify", traits={"email": ["a@b.cd"], "a": {"b": [1]}, "": 1}),
    _call(
        "unicode",
        event="\u2028\u2029\ufeff\ufffe\uffff\U0010ffff",
        properties={"\U0001f600": "\U0001f468\u200d\U0001f469"},
    ),
    _text("half-character", r'"properties":{"a":"\ud83d","\udE00":"\uD83D\uD83D"}'),
    _text("twice-ids", '"userId":"first","userId":"second","anonymousId":"first"'),
    _text("twice-properties", '"properties":{"a":1},"properties":{"a":2,"a":3,"a":{"b":1},"a":[1]}'),
    _text(
        "twice-context",
        '"context":{"traits":{"email":"a@b.cd"}},"context":{"traits":{"email":"c@d.ef","email":"g@h.ij"},"traits":1}',
    ),
    _text("twice-type", '"type":"page","type":"track"'),
    _text("twice-wrong", '"userId":[],"userId":"u"', "wrong_type"),
    _text("number-too-big", '"properties":{"a":1e400}', "wrong_type"),
    _text("number-too-long", '"properties":{"a":' + "9" * 5_000 + "}", "wrong_type"),
    _text(
        "numbers",
        '"properties":{"a":18446744073709551616,"b":-9223372036854775809,"c":1e-400,"d":-0.0,"e":0.1e1,"f":'
        + "9" * 300
        + "}",
    ),
    _text("user-number-too-long", '"userId":' + "9" * 5_000, "wrong_type"),
    _text("user-number-too-big", '"userId":1e400', "wrong_type"),
    _text("deep-100", _nested(100)),
    _text("deep-objects-100", _objects(100)),
    *(
        _text(f"deep-{depth}", _nested(depth), EITHER)
        for depth in (250, 500, 900, 1_000, 1_500, 5_000, 15_000)
    ),
    *(
        _text(f"deep-objects-{depth}", _objects(depth), EITHER)
        for depth in (250, 500, 900, 1_000, 1_500, 5_000)
    ),
    _text("spaces", '"properties" : \n\t { "a" :\r 1 } '),
    _text("escapes", r'"properties":{"\u0061\/\b\f\n\r\t\"\\":"\u00e9\u0000"},"\u0075serId":"escaped"'),
    Odd(
        "too-large",
        json.dumps(
            {
                "type": "track",
                "messageId": "odd-too-large",
                "userId": "u",
                "properties": {f"property-{n}": "x" for n in range(10_000)},
            }
        ).encode(),
        "event_too_large",
    ),
    Odd("number", b"7", "wrong_type"),
    Odd("null", b"null", "wrong_type"),
    Odd("list", b"[[[]]]", "wrong_type"),
    Odd("string", b'"{}"', "wrong_type"),
    Odd("empty", b"{}", "unknown_type"),
    Odd(
        "not-utf8",
        b'{"type":"track","messageId":"odd-not-utf8","userId":"u","properties":{"a":"\xff\xfe\xc0\x80\xed\xa0\x80"}}',
        "invalid_json",
    ),
]


def batch(events: list[Odd]) -> bytes:
    """All of them as they are, in one body."""
    return b'{"batch":[' + b",".join(odd.payload for odd in events) + b"]}"
