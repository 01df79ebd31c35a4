"""What a request's line and headers say."""

import pytest

from collector.http.head import Head, header_name, header_value, target

TARGETS = {
    # as it stands in the line -> path, query, host
    b"/": ("/", "", ""),
    b"/v1/track": ("/v1/track", "", ""),
    b"/v1/%74?a=%20b&c": ("/v1/t", "a=%20b&c", ""),
    b"/a?b?c": ("/a", "b?c", ""),
    b"/a?b#c": ("/a", "b", ""),
    b"/%ff%fe": ("/\ufffd\ufffd", "", ""),
    b"/%00": ("/\x00", "", ""),
    b"*": ("*", "", ""),
    b"http://shop.example/v1/t?x": ("/v1/t", "x", "shop.example"),
    b"http://shop.example:81": ("/", "", "shop.example:81"),
    b"http://shop.example?x": ("/", "x", "shop.example"),
    b"shop.example:443": ("", "", "shop.example:443"),
}


@pytest.mark.parametrize("raw", TARGETS, ids=bytes.decode)
def test_a_target_is_taken_apart(raw: bytes) -> None:
    assert target(raw) == TARGETS[raw]
    assert target(raw) == TARGETS[raw], "from memory"


@pytest.mark.parametrize("raw", [b"/\xff", b"http:///path", b"/?\xc3\xa9"])
def test_what_is_no_target_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"host|ascii"):
        target(raw)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("x", b"a b", "a b"),
        ("x", b"a \t", "a"),
        ("x", b"", ""),
        ("x", b" ", ""),
        ("origin", b"caf\xc3\xa9", None),
        ("user-agent", "caf\u00e9".encode(), "caf\u00e9"),
        ("cookie", b"a=\xff; b=c", "a=\ufffd; b=c"),
    ],
)
def test_a_value_is_ascii_but_for_what_people_write(name: str, raw: bytes, value: str | None) -> None:
    assert header_value(name, raw) == value


def test_names_are_compared_in_lower_case() -> None:
    assert [header_name(raw) for raw in (b"X-Forwarded-For", b"x-forwarded-for")] == ["x-forwarded-for"] * 2


def test_a_header_that_comes_twice_is_read_twice_by_whoever_wants_all() -> None:
    head = Head("GET", "/", "", {"a": "1", "b": "2"}, again=[("a", "3"), ("c", "4"), ("a", "5")])
    assert head.every("a") == ["1", "3", "5"]
    assert head.every("b") == ["2"]
    assert head.every("none") == []
    assert head.asked_at("/other").every("a") == ["1", "3", "5"]
