"""Agents `triggers`, `memberships` and `rules`: which rules ask for an event, wait for what takes time, and would fire."""
