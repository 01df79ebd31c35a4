"""Stages of the sinks' process that are no sinks: each has a thread and work of its own."""
