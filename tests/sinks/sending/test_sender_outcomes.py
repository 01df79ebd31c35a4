"""What each answer of a destination means for a firing."""

import pytest

from sinks.sending.sender_outcomes import RETRY_AFTER_MS_MAX, of_http, of_smtp, retry_after_ms, shown

NOW_MS = 1_700_000_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("status", "webhook", "http"),
    [
        (200, "delivered", "delivered"),
        (204, "delivered", "delivered"),
        (299, "delivered", "delivered"),
        (300, "retry", "failed"),
        (302, "retry", "failed"),  # without an address
        (304, "retry", "failed"),
        (400, "retry", "failed"),
        (401, "retry", "failed"),
        (404, "retry", "failed"),
        (408, "retry", "retry"),
        (410, "gone", "gone"),
        (422, "retry", "failed"),
        (425, "retry", "retry"),
        (429, "retry", "retry"),
        (500, "retry", "retry"),
        (503, "retry", "retry"),
        (599, "retry", "retry"),
    ],
)
def test_a_status_means_this(status: int, webhook: str, http: str) -> None:
    assert of_http("webhook", status, "", "", NOW_MS).outcome == webhook
    assert of_http("http", status, "", "", NOW_MS).outcome == http


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", 120_000),
        (" 0 ", 0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60_000),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("Tue, 14 Nov 2083 22:00:00 GMT", RETRY_AFTER_MS_MAX),
        ("9" * 400, RETRY_AFTER_MS_MAX),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        ("Tue, 99 Nov 2023 22:00:00 GMT", 0),
        ("\u0665", 0),
    ],
)
def test_a_wish_to_be_left_alone_is_heard_within_bounds(text: str, expected: int) -> None:
    assert retry_after_ms(text, NOW_MS) == expected


def test_a_wish_counts_with_429_and_503_alone() -> None:
    assert of_http("webhook", 429, "", "7", NOW_MS).retry_after_ms == 7_000
    assert of_http("http", 503, "", "7", NOW_MS).retry_after_ms == 7_000
    assert of_http("webhook", 500, "", "7", NOW_MS).retry_after_ms == 0


@pytest.mark.parametrize(
    ("status", "wish", "health"),
    [
        (200, "", "well"),
        (404, "", "well"),
        (410, "", "well"),
        (500, "", "ill"),
        (429, "", "ill"),
        (429, "9", "busy"),
    ],
)
def test_an_answer_says_something_about_the_destination(status: int, wish: str, health: str) -> None:
    assert of_http("webhook", status, "", wish, NOW_MS).health == health


@pytest.mark.parametrize(
    ("code", "outcome", "health"),
    [
        (421, "retry", "ill"),
        (450, "retry", "well"),
        (452, "retry", "well"),
        (550, "failed", "well"),
        (554, "failed", "well"),
    ],
)
def test_a_mail_servers_code_means_this(code: int, outcome: str, health: str) -> None:
    answer = of_smtp(code, "")
    assert (answer.outcome, answer.status, answer.health) == (outcome, code, health)


def test_an_answer_is_kept_as_text_that_any_table_takes() -> None:
    assert shown(b"a\x00b") == "a\ufffdb"
    assert len(shown(b"x" * 10_000)) == 500
    assert shown("\u00fc".encode() * 300)[:3] == "\u00fc\u00fc\u00fc"
