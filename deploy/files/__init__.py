"""Files that people bring and take: tables, YAML, exchange rates, extracts."""
