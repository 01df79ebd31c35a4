"""Events, from what a client calls to what became of each: forms, names and notes."""
