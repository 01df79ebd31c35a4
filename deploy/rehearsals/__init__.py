"""Dry runs: what a rule would have done with what happened."""
