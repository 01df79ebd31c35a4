"""From raw events to resolved events and to who is who: pure steps, in the order an event takes them, and the thin agents around them."""
