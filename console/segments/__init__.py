"""A segment as one query: compiled by pure modules, with values as parameters."""
