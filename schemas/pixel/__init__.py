"""The pixel: what it is told about its source, and the events that it makes by itself."""
