"""When to load dictionaries anew: soon after an insert, never so often that loading is all that is done.

Pure; time is an argument.
"""

REST_PER_LOAD = 2  # a load that took a second is followed by two seconds without one


class ReloadTimer:
    """Due once at the start too: the process before may have ended between its last insert and the load."""

    def __init__(self, pause_s_min: float) -> None:
        self._pause_s_min = pause_s_min
        self._is_stale = True
        self._not_before = float("-inf")

    @property
    def is_stale(self) -> bool:
        """Something was inserted that no load has seen."""
        return self._is_stale

    def inserted(self) -> None:
        self._is_stale = True

    def is_due(self, now: float) -> bool:
        return self._is_stale and now >= self._not_before

    def loaded(self, started: float, now: float) -> None:
        """A load that began at `started` has ended; call `inserted` again if an insert ran meanwhile."""
        self._is_stale = False
        self.postponed(started, now)

    def postponed(self, started: float, now: float) -> None:
        """A load failed: still stale, tried again later."""
        self._not_before = now + max(self._pause_s_min, REST_PER_LOAD * (now - started))
