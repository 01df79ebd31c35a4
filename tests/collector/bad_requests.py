"""Requests that are bad as a whole, one table for the core and for a real process: what is answered, and what is kept.

The limits are those that both tests set. Single odd events are in tests/odd_events.py.
"""

import gzip
import json
import zlib

import msgspec

BODY_BYTES_MAX = 100_000
BATCH_EVENTS_MAX = 500


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """`letter` is the reason of the one dead letter, "" for none; its code is `code` too. `key` is where the key stands."""

    name: str
    body: bytes = b""
    path: str = "/v1/track"
    method: str = "POST"
    query: str = ""
    encoding: str = ""
    key: str = "good"
    status: int = 400
    code: str
    kept: bool = False


def nested_gzip(body: bytes, times: int) -> bytes:
    for _ in range(times):
        body = gzip.compress(body, mtime=0)
    return body


CALL = b'{"userId":"u"}'
BOMB = gzip.compress(b" " * 50_000_000, mtime=0)
ZEROES = gzip.compress(bytes(50_000_000), mtime=0)

BAD_REQUESTS = [
    Bad(name="nothing", code="invalid_json"),
    Bad(name="spaces", body=b" \n\t ", code="invalid_json", kept=True),
    Bad(name="cut", body=CALL[:-1], code="invalid_json", kept=True),
    Bad(name="two", body=CALL + CALL, code="invalid_json", kept=True),
    Bad(name="comma", body=b'{"userId":"u",}', code="invalid_json", kept=True),
    Bad(name="single-quotes", body=b"{'userId':'u'}", code="invalid_json", kept=True),
    Bad(name="nan", body=b'{"userId":"u","properties":{"a":NaN}}', code="invalid_json", kept=True),
    Bad(name="nul", body=b'{"userId":"u\x00"}', code="invalid_json", kept=True),
    Bad(name="nuls", body=bytes(1_000), code="invalid_json", kept=True),
    Bad(name="not-utf8", body=b'{"userId":"\xff\xfe"}', code="invalid_json", kept=True),
    Bad(name="overlong", body=b'{"userId":"\xc0\x80"}', code="invalid_json", kept=True),
    Bad(name="utf16", body=CALL.decode().encode("utf-16"), code="invalid_json", kept=True),
    Bad(name="form", body=b"userId=u&event=x", code="invalid_json", kept=True),
    Bad(name="xml", body=b"<event/>", code="invalid_json", kept=True),
    Bad(name="deep", body=b'{"batch":' + b"[" * 90_000, path="/v1/batch", code="invalid_json", kept=True),
    Bad(name="deep-object", body=b'{"a":' * 5_000 + b"1" + b"}" * 5_000, code="invalid_json", kept=True),
    Bad(name="list", body=b"[]", code="wrong_type", kept=True),
    Bad(name="number", body=b"7", code="wrong_type", kept=True),
    Bad(name="long-number", body=b"7" * 30_000, code="wrong_type", kept=True),
    Bad(name="null", body=b"null", code="wrong_type", kept=True),
    Bad(name="text", body=b'"text"', code="wrong_type", kept=True),
    Bad(name="type", body=b'{"type":"buy","userId":"u"}', code="unknown_type", kept=True),
    Bad(name="id-object", body=b'{"userId":{}}', code="wrong_type", kept=True),
    Bad(name="no-batch", body=b"{}", path="/v1/batch", code="wrong_type", kept=True),
    Bad(name="batch-null", body=b'{"batch":null}', path="/v1/batch", code="wrong_type", kept=True),
    Bad(name="batch-object", body=b'{"batch":{}}', path="/v1/import", code="wrong_type", kept=True),
    Bad(name="batch-cut", body=b'{"batch":[' + CALL + b",", path="/v1/b", code="invalid_json", kept=True),
    Bad(name="batch-time", body=b'{"batch":[],"sentAt":[]}', path="/v1/batch", code="wrong_type", kept=True),
    Bad(name="batch-context", body=b'{"batch":[],"context":{"a":"\xff"}}', path="/v1/batch", code="invalid_json", kept=True),
    Bad(name="batch-long", body=b'{"batch":[' + b"0," * BATCH_EVENTS_MAX + b"0]}",
        path="/v1/batch", status=413, code="batch_too_long", kept=True),
    Bad(name="event-large", body=json.dumps({"properties": {f"p{n}": n for n in range(4_000)}}).encode(),
        status=413, code="event_too_large", kept=True),
    Bad(name="body-large", body=b" " * (BODY_BYTES_MAX + 1), status=413, code="body_too_large"),
    Bad(name="bomb", body=BOMB, encoding="gzip", status=413, code="body_too_large"),
    Bad(name="bomb-of-zeroes", body=ZEROES, path="/v1/batch", status=413, code="body_too_large"),
    Bad(name="bomb-of-bombs", body=nested_gzip(BOMB, 2), encoding="gzip", code="invalid_json", kept=True),
    Bad(name="gzip-twice", body=nested_gzip(CALL, 2), encoding="gzip", code="invalid_json", kept=True),
    Bad(name="gzip-announced", body=CALL, encoding="gzip", code="bad_encoding", kept=True),
    Bad(name="gzip-cut", body=gzip.compress(CALL, mtime=0)[:-1], encoding="gzip", code="bad_encoding", kept=True),
    Bad(name="gzip-head", body=gzip.compress(CALL, mtime=0)[:10], encoding="gzip", code="bad_encoding", kept=True),
    Bad(name="gzip-nothing", encoding="gzip", code="bad_encoding"),
    Bad(name="gzip-garbage", body=gzip.compress(CALL, mtime=0) + b"more", encoding="gzip", code="bad_encoding", kept=True),
    Bad(name="gzip-checksum", body=gzip.compress(CALL, mtime=0)[:-8] + bytes(8), encoding="gzip", code="bad_encoding", kept=True),
    Bad(name="deflate", body=zlib.compress(CALL), encoding="deflate", code="bad_encoding", kept=True),
    Bad(name="brotli", body=CALL, encoding="br", code="bad_encoding", kept=True),
    Bad(name="two-encodings", body=nested_gzip(CALL, 2), encoding="gzip, gzip", code="bad_encoding", kept=True),
    Bad(name="odd-encoding", body=CALL, encoding="\t;=,", code="bad_encoding", kept=True),
    Bad(name="no-key", body=CALL, key="", status=401, code="no_write_key"),
    Bad(name="no-key-list", body=b"[]", key="", status=401, code="no_write_key"),
    Bad(name="key-object", body=b'{"writeKey":{}}', key="", status=401, code="no_write_key"),
    Bad(name="key-blank", body=b'{"writeKey":" "}', key="", status=401, code="no_write_key"),
    Bad(name="key-unknown", body=CALL, key="bad", status=401, code="unknown_write_key"),
    Bad(name="key-unknown-in-body", body=b'{"writeKey":"bad\\u0000"}', key="", status=401, code="unknown_write_key"),
    Bad(name="key-unknown-in-query", body=CALL, query="writeKey=%00%ff", key="", status=401, code="unknown_write_key"),
    Bad(name="key-many-fields", body=CALL, query="a=1&" * 200 + "writeKey=good", key="", status=401, code="no_write_key"),
    Bad(name="key-long", body=json.dumps({"writeKey": "k" * 90_000}).encode(), key="", status=401, code="unknown_write_key"),
    Bad(name="unreadable-without-key", body=b"{", key="", code="invalid_json"),
    Bad(name="get", method="GET", status=405, code="method_not_allowed"),
    Bad(name="put", body=CALL, method="PUT", status=405, code="method_not_allowed"),
    Bad(name="delete", method="DELETE", status=405, code="method_not_allowed"),
    Bad(name="odd-method", method="PROPFIND", status=405, code="method_not_allowed"),
    Bad(name="path", body=CALL, path="/v1/tracks", status=404, code="not_found"),
    Bad(name="path-capital", body=CALL, path="/V1/Track", status=404, code="not_found"),
    Bad(name="path-slashes", body=CALL, path="//v1//track", status=404, code="not_found"),
    Bad(name="path-dots", body=CALL, path="/v1/batch/../../../etc/passwd", status=404, code="not_found"),
    Bad(name="path-long", body=CALL, path="/" + "v1/" * 10_000, status=404, code="not_found"),
]  # fmt: skip
