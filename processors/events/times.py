"""Event time: when a thing happened, in ms since the epoch, with the error of the client's clock taken out.

A client that sends both `timestamp` and `originalTimestamp` has set the first by itself (RudderStack's libraries do when a
call names its time, and so does whoever forwards events that were corrected already): it stands. With one of the two
the event time is `receivedAt - (sentAt - that time)`, so a clock that is an hour wrong does no harm; without `sentAt` it
is that time as it stands; without any time it is the time of receipt. A text or number that is no time between 1970 and
2200 counts as absent. (Segment's spec, "timestamp overview": segmentio/segment-docs, src/connections/spec/common.md;
rudderlabs/rudder-server, processor/processor.go, enhanceWithTimeFields.)

Deliberately absent: a clock, and any judgement on times in the far past or future: between 1970 and 2200 what the client
says stands.
"""

from datetime import UTC, datetime, timedelta

from schemas.events.call import Call, Scalar
from schemas.identity.identifiers import text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
DAY_MS = 86_400_000
TIME_MAX = 7_258_118_400_000  # 2200-01-01: the end of time, exclusive
SECONDS_MAX = 100_000_000_000  # a smaller number counts seconds, a larger one milliseconds


class EventTimes:
    """All in ms since the epoch; `original` (the client's clock) and `sent` are 0 when the client gave none. Never changed."""

    __slots__ = ("happened", "original", "sent")

    def __init__(self, happened: int, original: int, sent: int) -> None:
        self.happened = happened
        self.original = original
        self.sent = sent


def event_times(call: Call, received_at: int, batch_sent_at: str) -> EventTimes:
    """The times of one event; `batch_sent_at` applies when the event has no `sentAt` of its own."""
    stamp = None if call.timestamp is None else parse_time(call.timestamp)
    original = None if call.original_timestamp is None else parse_time(call.original_timestamp)
    sent = None if call.sent_at is None else parse_time(call.sent_at)
    if sent is None and batch_sent_at:
        sent = parse_time(batch_sent_at)
    if stamp is not None and original is not None:
        return EventTimes(stamp, original, sent or 0)
    own = stamp if original is None else original
    return EventTimes(_corrected(own, sent, received_at), own or 0, sent or 0)


def has_unusable_time(call: Call, times: EventTimes) -> bool:
    """Whether the client gave a time, and none that can be used."""
    given = call.original_timestamp or call.timestamp
    return bool(given) and times.original == 0 and parse_time(given) is None


def _corrected(own: int | None, sent: int | None, received_at: int) -> int:
    if own is None:
        return received_at
    if sent is None:
        return own
    corrected = received_at - (sent - own)
    return corrected if 0 <= corrected < TIME_MAX else received_at


def parse_time(value: Scalar) -> int | None:
    """ISO 8601 in the forms that clients send, or a number of seconds or milliseconds; None when it is no usable time."""
    if isinstance(value, str):
        return _parse_text(value)
    return None if value is None or isinstance(value, bool) else _in_range(_from_number(value))


def clamp(milliseconds: int) -> int:
    """A time that can be stored, whatever number it was."""
    if 0 <= milliseconds < TIME_MAX:  # nearly always, and cheaper than min() and max()
        return milliseconds
    return 0 if milliseconds < 0 else TIME_MAX - 1


def _parse_text(value: str) -> int | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _parse_unusual(text(value))
    if moment.tzinfo is UTC:  # nearly always; a division of timedeltas would take twice as long
        since = moment - EPOCH
        milliseconds = since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000
        return milliseconds if 0 <= milliseconds < TIME_MAX else None
    return _in_range(_from_moment(moment))


def _parse_unusual(value: str) -> int | None:
    """What is left when the text is not ISO 8601 as it stands: spaces around it, small letters, a number as text."""
    try:
        if value.isascii() and value.isdecimal():
            return _in_range(_from_number(int(value[:20])))
        return _in_range(_from_moment(datetime.fromisoformat(value.upper())))
    except ValueError:
        return None


def _from_moment(moment: datetime) -> int | None:
    """Without an offset the time is UTC."""
    try:
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    except OverflowError:  # the first and the last day that datetime knows, moved by an offset
        return None
    return since // MILLISECOND


def _from_number(value: float) -> int | None:
    if not 0 <= value < TIME_MAX:
        return None
    return int(value * 1000) if value < SECONDS_MAX else int(value)


def _in_range(milliseconds: int | None) -> int | None:
    return milliseconds if milliseconds is not None and 0 <= milliseconds < TIME_MAX else None
