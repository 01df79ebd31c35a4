"""What became of each odd event (tests/odd_events.py) on a running stack."""

from tests.odd_events import EITHER, ODD_EVENTS, STORED, Odd
from tests.pipeline.up import Up


def fates(up: Up) -> dict[str, list[str]]:
    """Of each odd event everything that became of it, which should be one thing."""
    rows = up.ask("SELECT message_id FROM events_resolved WHERE startsWith(message_id, 'odd-')")
    found = {message_id.removeprefix("odd-"): [STORED] for (message_id,) in rows}
    reasons: dict[str, list[str]] = {}
    for payload, reason in up.ask("SELECT hex(payload), reason FROM dead_letters"):
        reasons.setdefault(payload, []).append(reason)
    for odd in ODD_EVENTS:
        if letters := reasons.get(odd.payload.hex().upper()):
            found[odd.name] = found.get(odd.name, []) + letters
    assert len(rows) == len({message_id for (message_id,) in rows})
    return found


def is_right(odd: Odd, found: list[str]) -> bool:
    return found in ([[STORED], ["invalid_json"]] if odd.fate == EITHER else [[odd.fate]])
