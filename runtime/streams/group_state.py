"""In which state a librdkafka client says that its consumer group is; it says so of itself, every few seconds."""

from typing import Any

import msgspec

INTERVAL_S = 5


class GroupState:
    """`config` makes the client tell; `unsettled` may be read by any thread: why the group is not at rest, "" when it is."""

    def __init__(self) -> None:
        self.unsettled = "its client has not spoken yet"

    @property
    def config(self) -> dict[str, Any]:
        return {"statistics.interval.ms": INTERVAL_S * 1000, "stats_cb": self.heard}

    def heard(self, statistics: str) -> None:
        """Called when the client is polled."""
        group = _decode(statistics).cgrp
        rests = (group.state, group.join_state) == ("up", "steady")
        self.unsettled = "" if rests else f"its client is in state {group.state}, {group.join_state}"


class _Group(msgspec.Struct):
    """As librdkafka's STATISTICS.md has it: `state` is of the coordinator, `join_state` of the membership."""

    state: str
    join_state: str


class _Statistics(msgspec.Struct):
    cgrp: _Group


_decode = msgspec.json.Decoder(_Statistics).decode
