"""The consent step: what a visitor decided, by what the event says of it and by what the door saw. Pure.

`context.consent.categoryPreferences` is where Segment's libraries, and the pixel, write the answers, by category. What the door
knows of the source's rules counts more (collector/privacy.py): which category is needed, and that a decision was wanted.

Deliberately absent: configuration. What a source asks for is decided at the door, so that a replay decides the same.
"""

from functools import lru_cache

from processors.events.parsed import Object, object_of
from schemas.events.pack import Seen
from schemas.wire.stamps import NO_CONSENT, Consent

CONSENTS_REMEMBERED_MAX = 1_024
CATEGORIES_MAX = 32  # of more the first by name are told
NAME_CHARACTERS_MAX = 64


def consent_of(context: Object, seen: Seen | None) -> Consent:
    """The same object for the same answers."""
    said = context.get("consent")
    if said is None and seen is None:
        return NO_CONSENT
    preferences = object_of(object_of(said).get("categoryPreferences"))
    granted = sorted(name[:NAME_CHARACTERS_MAX] for name, answer in preferences.items() if answer is True)
    state = seen.state if seen is not None else ""
    if not state and preferences:
        state = "granted" if granted else "denied"
    return _consent(state, tuple(granted[:CATEGORIES_MAX]), seen.signals if seen is not None else ())


@lru_cache(CONSENTS_REMEMBERED_MAX)
def _consent(state: str, categories: tuple[str, ...], signals: tuple[str, ...]) -> Consent:
    found = Consent(state=state, categories=categories, signals=signals)
    return NO_CONSENT if found == NO_CONSENT else found
