"""One sink: from a topic's records to blocks in ClickHouse, each once."""
