"""The demonstration: made traffic of a shop with a known answer, sent by real clients, checked number by number."""
