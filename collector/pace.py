"""When what has gathered is sent: at once, unless packs have just left and events keep coming. Pure; time is an argument.

Larger packs cost Kafka and the processors less. A lone event must not wait for others, and a few clients that wait for their
answers send nothing meanwhile: a silence ends the gathering, and what ended in silence is tried again less and less often.
"""

QUIET_S = 0.002  # nothing came for so long: nobody is likely to come soon
SKIPS_MAX = (
    512  # a try costs few clients some 4 ms, and 512 sendings without one last a quarter of a second or more
)


class Pace:
    """Ask `wait_s` with the number of events that wait; 0 says: send now, and tell `sent`."""

    def __init__(self, gap_s: float) -> None:
        self._gap_s = gap_s
        self._sent_at = float("-inf")
        self._seen = 0  # waiting events when last asked
        self._skips = 0  # so many times more nothing is gathered
        self._penalty = 0

    def sent(self, now: float) -> None:
        self._sent_at = now
        self._seen = 0

    def wait_s(self, now: float, waiting: int) -> float:
        """Seconds after which to ask again; 0 when the gap is over, or it does not pay to wait."""
        left_s = self._sent_at + self._gap_s - now
        if left_s <= 0:
            if self._seen:
                self._penalty = 0
            return 0.0
        if self._skips:
            self._skips -= 1
            return 0.0
        if waiting == self._seen:
            self._penalty = self._skips = min(2 * self._penalty or 1, SKIPS_MAX)
            return 0.0
        self._seen = waiting
        return min(left_s, QUIET_S)
