"""HTTP in, Kafka out. Knows no person; answers only when the broker has the event."""
