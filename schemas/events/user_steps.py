"""The seam between the resolver and a deployment's own steps: what they are shown of an event, and what they make of it.

They are shown JSON documents (docs/user_steps.md); `UserSteps` takes those of a whole chunk and answers each, in order.
"""

from collections.abc import Callable, Sequence

import msgspec

from schemas.events.reasons import Reason

STEP_GROUP = "stitchline.steps"  # the group of Python entry points that names steps
CHANGEABLE = ("properties", "traits", "context")


class Answer(msgspec.Struct, frozen=True):
    """`changes`: the JSON text of each object of the event that is another one now. `reason`: why it becomes a dead letter."""

    changes: dict[str, str] = {}
    is_dropped: bool = False
    reason: Reason | None = None
    detail: str = ""


UNCHANGED = Answer()
DROPPED = Answer(is_dropped=True)

UserSteps = Callable[[Sequence[bytes]], Sequence[Answer]]
