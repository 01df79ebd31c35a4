"""What of a destination no attempt could use: it is refused when it is applied."""

import pytest
import yaml

from schemas.rule_reading import BadRule, read_destination


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("http: {url: 'https://crm.example:99999/'}", "http.url: no address of a host"),
        ("http: {url: 'https://[::1'}", "http.url: no address of a host"),
        ("http: {url: 'https://crm..example/'}", "http.url: no address of a host"),
        ("http: {url: 'https://crm.example/', headers: {x-shop: \"a\\r\\nb: c\"}}", "http.headers.x-shop: a line break"),
        ("smtp: {host: mail.example, from: \"shop@shop.example\\r\\nBcc: x@shop.example\"}", "smtp.from: a line break"),
    ],
)  # fmt: skip
def test_what_no_attempt_could_use_is_refused_at_once(written: str, told: str) -> None:
    with pytest.raises(BadRule, match=told):
        read_destination(yaml.safe_load(f"{{destination: crm, {written}}}"))
