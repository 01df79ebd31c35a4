"""Sources: what may send, from where, as what, and how much."""
