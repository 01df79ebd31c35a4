"""Agent `resolve`: packs of raw events in; resolved events and what the other agents need of them out."""
