"""From raw events to resolved events and to who is who: pure steps, and the thin agents around them."""

from schemas.compiled import take_compiled

take_compiled()
