"""HTTP in, Kafka out. Knows no person; answers only when the broker has the event."""

from schemas.compiled import take_compiled

take_compiled()
