"""Every reply can be read by the pages that the source allows, and by no other."""

from collector.cors import preflight_headers, reply_headers

EXPOSED = ("access-control-expose-headers", "Retry-After")
SHOP = "https://shop.example"


def test_any_origin_is_echoed_by_default() -> None:
    headers = reply_headers(SHOP)
    assert ("access-control-allow-origin", SHOP) in headers
    assert ("vary", "Origin") in headers
    assert EXPOSED in headers


def test_a_reply_without_an_origin_allows_all() -> None:
    assert reply_headers("") == [("access-control-allow-origin", "*"), EXPOSED]


def test_an_origin_that_the_source_does_not_allow_cannot_read_the_reply() -> None:
    assert "access-control-allow-origin" not in dict(reply_headers("https://other.example", [SHOP]))
    assert dict(reply_headers(SHOP, [SHOP]))["access-control-allow-origin"] == SHOP


def test_a_preflight_echoes_the_asked_headers_within_reason() -> None:
    asked = "authorization,x-retry-count"
    assert ("access-control-allow-headers", asked) in preflight_headers(SHOP, asked)
    assert "access-control-allow-headers" not in dict(preflight_headers(SHOP, "x" * 1_001))
