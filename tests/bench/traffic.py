"""A shop's traffic for the benchmarks: the JSON of calls, each unlike all others, made fast enough to be sent at full speed.

Two thirds of the calls are `track`, a third `page`, one in fifty `identify`; four visitors of ten are known by a user id. A call
has some 800 bytes, as analytics.js sends it. Pure: no clock; the same run name and number give the same call.
"""

import json

VISITORS = 20_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36"
DAY_MS = 86_400_000


def _template(kind: str, *, known: bool) -> str:
    """The call with places for a run, a number, a visitor and a time of day."""
    call: dict[str, object] = {
        "type": kind,
        "messageId": "ajs-next-@run@-@number@",
        "timestamp": "2026-01-02T@time@Z",
        "anonymousId": "6f1c1c5e-7a37-4d5a-9d6b-@visitor@",
        "context": {
            "page": {
                "url": "https://shop.example/chairs/@number@?utm_source=mail",
                "path": "/chairs",
                "title": "Chair",
            },
            "userAgent": AGENT,
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
            "library": {"name": "analytics.js", "version": "npm:next-1.66.0"},
        },
        "integrations": {},
    }
    if known:
        call["userId"] = "user-@visitor@"
    return json.dumps(call | _own(kind), separators=(",", ":"))


def _own(kind: str) -> dict[str, object]:
    if kind == "identify":
        return {"traits": {"email": "person.@visitor@@example.com", "plan": "pro"}}
    properties = {
        "product_id": "p-1234",
        "name": "Blue chair",
        "category": "chairs",
        "price": 49.9,
        "currency": "EUR",
        "position": 3,
    }
    if kind == "page":
        return {"name": "Chair", "properties": properties}
    return {"event": "Product Viewed", "properties": properties}


def _pieces(text: str) -> bytes:
    """As a %-format of (run, number, ...): the fastest way that Python has to fill places in bytes."""
    places = {"run": "%(run)b", "number": "%(number)d", "visitor": "%(visitor)012d", "time": "%(time)b"}
    text = text.replace("%", "%%")
    for name, place in places.items():
        text = text.replace(f"@{name}@", place)
    return text.encode()


_TEMPLATES = {
    (kind, known): _pieces(_template(kind, known=known))
    for kind in ("identify", "page", "track")
    for known in (False, True)
}


def call(run: str, number: int) -> bytes:
    """The JSON of one call."""
    visitor = number * 7919 % VISITORS
    template = _TEMPLATES[kind_of(number), visitor % 5 < 2]
    places = {b"run": run.encode(), b"number": number, b"visitor": visitor, b"time": _time(number)}
    return template % places


def kind_of(number: int) -> str:
    if number % 50 == 0:
        return "identify"
    return "page" if number % 3 == 0 else "track"


def batch(run: str, first: int, count: int) -> bytes:
    """The body of a batch."""
    return b'{"batch":[' + b",".join(call(run, first + place) for place in range(count)) + b"]}"


def _time(number: int) -> bytes:
    milliseconds = number * 7 % DAY_MS
    seconds, rest = divmod(milliseconds, 1000)
    return b"%02d:%02d:%02d.%03d" % (seconds // 3600, seconds // 60 % 60, seconds % 60, rest)
