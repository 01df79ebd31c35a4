"""The plan of a demonstration: what is sent, by which client, in which order."""

from collections.abc import Sequence

import msgspec

from deploy.demo.call import Call

# The clients. What a browser does, the pixel tells, in a browser or in its wire format; the shop's own systems use libraries.
BROWSER, PIXEL = "browser", "pixel"
NODE, RUDDER, SEGMENT = "segment-node", "rudder-python", "segment-python"


class Sending(msgspec.Struct, frozen=True):
    """One event on its way; what is sent twice stands twice in the plan. A wrong clock is wrong in `sentAt` as well."""

    by: str
    call: Call
    clock_ahead_s: int = 0


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """`refused` must become dead letters; each is sent once, in a batch with the others."""

    calls: Sequence[Call]
    sendings: Sequence[Sending]
    refused: Sequence[dict[str, object]]
    visitors: int
    shown_user: str

    def sent_by(self, client: str) -> list[Sending]:
        return [sending for sending in self.sendings if sending.by == client]
