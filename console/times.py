"""Moments as answers show them, and as somebody types them. Pure."""

from datetime import UTC, datetime, timedelta


def iso(moment: datetime) -> str:
    """The client gives times of a UTC column without a zone."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds")


def epoch_ms(moment: datetime) -> int:
    """Of the same, exactly: a float of seconds would not be."""
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


def iso_ms(moment: int) -> str:
    """Of milliseconds since 1970."""
    return iso(datetime(1970, 1, 1) + timedelta(milliseconds=moment))  # noqa: DTZ001 - as the client gives them


def moment_ms(text: str) -> int:
    """Milliseconds since 1970 of a moment in ISO 8601; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return epoch_ms(aware.astimezone(UTC))
