"""How far a client's clock is ahead of the collector's, by what it says it was when it sent. Pure.

The way of the request is in it: a clock that is right seems to be behind by the time that sending took, and by all
that a client waited between writing `sentAt` and sending. Event times are corrected by the same difference already
(times.py), and the originals stand beside them. Both times lie between 1970 and 2200, and so the difference has a limit.

Deliberately absent: a judgement on it. A clock that is a year wrong is stamped as such.
"""

from processors.events.times import EventTimes


def clock_offset_ms(times: EventTimes, received_at: int) -> int:
    """Above 0 when the client's clock is ahead; 0 too when the client does not say when it sent."""
    sent = times.sent
    return sent - received_at if sent else 0
