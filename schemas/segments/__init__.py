"""Segments: definitions as people write them, read and checked, and the SQL of which their queries are made."""
