"""Touches, moments and calls that the tests of visits share."""

from processors.enrichment.visits import SessionRules, Visits
from schemas.wire.stamps import Touch, Visit

MINUTE = 60_000
START = 1_714_900_000_000
ME = 77
AD = Touch(channel="paid-search", source="google", medium="cpc", campaign="spring", referrer="google.com")
AD_AGAIN = Touch(channel="paid-search", source="google", medium="cpc", campaign="spring", click_id="c2")
FROM_GOOGLE = Touch(channel="organic", source="google", medium="organic", referrer="google.com")
FROM_GERMANY = Touch(channel="organic", source="google", medium="organic", referrer="google.de")
FROM_BING = Touch(channel="organic", source="bing", medium="organic", referrer="bing.com")
MAIL = Touch(channel="email", source="news", medium="email", campaign="may")
LONG = Touch(channel="x" * 90, source="s" * 90, medium="m" * 90, campaign="c" * 90, referrer="r" * 90)
TOUCHES = (AD, AD_AGAIN, FROM_GOOGLE, FROM_GERMANY, FROM_BING, MAIL, LONG)

Told = list[tuple[int, Touch]]  # ms after the start, and what the event says of its arrival


def stamped(
    events: list[tuple[int, Touch]], rules: SessionRules, state: dict[bytes, bytes]
) -> list[tuple[str, Visit]]:
    """Each event a chunk of its own."""
    found = []
    for time, touch in events:
        chunk = Visits(state, rules)
        found.append(chunk.at(ME, time, touch))
        chunk.save()
    return found


SERVER = {"library": {"name": "analytics-python", "version": "2.2"}, "ip": "203.0.113.7"}
