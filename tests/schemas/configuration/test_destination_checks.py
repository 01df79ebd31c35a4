"""What of a destination no attempt could use: it is refused when it is applied."""

import pytest
import yaml

from schemas.configuration.rule_reading import BadRule, read_destination

URL = "url: 'https://crm.example/'"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("http: {url: 'https://crm.example:99999/'}", "http.url: no address of a host"),
        ("http: {url: 'https://[::1'}", "http.url: no address of a host"),
        ("http: {url: 'https://crm..example/'}", "http.url: no address of a host"),
        ("http: {url: 'https://crm.example/', headers: {x-shop: \"a\\r\\nb: c\"}}", "http.headers.x-shop: a line break"),
        ("smtp: {host: mail.example, from: \"shop@shop.example\\r\\nBcc: x@shop.example\"}", "smtp.from: a line break"),
        (f"http: {{{URL}, headers: {{Host: b}}}}", "http.headers.Host: the sender says this one itself: take it out"),
        (f"http: {{{URL}, headers: {{content-Length: '5'}}}}", "http.headers.content-Length: the sender says"),
        (f"http: {{{URL}, secret_headers: {{Webhook-Id: env:A}}}}", "http.secret_headers.Webhook-Id: the sender says"),
        (f"http: {{{URL}, headers: {{X-A: a, x-a: b}}}}", "http.headers.x-a: the same header as X-A: leave one"),
        (f"http: {{{URL}, headers: {{X-A: a}}, secret_headers: {{x-a: env:A}}}}", "x-a: it stands under headers too"),
        (f"http: {{{URL}, timeout_s: 1.0e-9}}", "timeout_s: expected a number, at least 0.1, at most 120"),
        (f"http: {{{URL}}}, requests_per_s_max: 1.0e-9", "requests_per_s_max: expected a number, at least 0.001"),
        (f"http: {{{URL}}}, requests_per_s_max: 1.0e+300", "s_max: expected a number, at least 0.001, at most 100000"),
        (
            "kafka: {topic: a}, default_actions: true, actions: {A: {http: {headers: {Host: b}}}}",
            "actions.A.http.headers.Host: the sender says",
        ),
    ],
)  # fmt: skip
def test_what_no_attempt_could_use_is_refused_at_once(written: str, told: str) -> None:
    with pytest.raises(BadRule, match=told):
        read_destination(yaml.safe_load(f"{{destination: crm, {written}}}"))
