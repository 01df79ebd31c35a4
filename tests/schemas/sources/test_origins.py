"""Which pages a source takes events from."""

import pytest

from schemas.sources.origins import is_allowed, origin_of, refuse_bad_origins


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", ["*"]),
        ("null", ["*"]),
        ("https://shop.example", ["https://shop.example"]),
        ("https://shop.example", ["https://other.example", "shop.example"]),
        ("http://shop.example:8080", ["http://shop.example:8080"]),
        ("https://www.shop.example", ["https://*.shop.example"]),
        ("http://a.b.shop.example", ["*.shop.example"]),
        ("capacitor://localhost", ["capacitor://localhost"]),
        ("null", ["null"]),
    ],
)
def test_a_page_of_the_source_may_send(origin: str, allowed: list[str]) -> None:
    assert is_allowed(origin, allowed)
    refuse_bad_origins("shop", allowed)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", []),
        ("http://shop.example", ["https://shop.example"]),
        ("https://shop.example:8443", ["https://shop.example"]),
        ("https://shop.example", ["https://*.shop.example"]),
        ("https://evilshop.example", ["https://*.shop.example"]),
        ("https://evilshop.example", ["shop.example"]),
        ("https://shop.example.evil.example", ["https://shop.example", "*.shop.example"]),
        ("http://www.shop.example", ["https://*.shop.example"]),
        ("https://www.shop.example:1", ["https://*.shop.example"]),
        ("null", ["https://shop.example"]),
        ("", ["https://shop.example"]),
        ("https://", ["*.shop.example"]),
    ],
)
def test_another_page_may_not(origin: str, allowed: list[str]) -> None:
    assert not is_allowed(origin, allowed)


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "",
            "https://",
            "https://shop.example/",
            "https://Shop.example",
            "shop.*",
            "https://*",
            "**.a",
            "a b",
        ),
        *("https://shop.example:443", "https://*.shop.example:443", "http://shop.example:80"),
    ],
)
def test_what_no_browser_would_name_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="allowed_origins of source shop"):
        refuse_bad_origins("shop", ["https://shop.example", origin])


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://shop.example/a?b#c", "https://shop.example"),
        ("https://Shop.example", "https://shop.example"),
        ("http://shop.example:81/", "http://shop.example:81"),
        ("https://user@evil.example/", ""),
        ("about:blank", ""),
        ("", ""),
    ],
)
def test_the_origin_of_a_page_is_the_beginning_of_its_address(address: str, origin: str) -> None:
    assert origin_of(address) == origin
