"""Orders: what people decide about identifiers, as part of the input of the steps, so that a replay decides the same.

Nodes are named by their ids, keyed hashes: an order holds no personal datum, so it may be kept for ever. An order may come before
or after the facts that it speaks of, any number of times, and the result is the same.

`Unlink`, `Forget` and `Suppress` go to the node's partition of `identity.facts`; `Forget`, `Erase` and `Suppress` to
every partition of `events.raw`, since any of them may have sent the link or may receive the event.
"""

from typing import Annotated

import msgspec

EVERY_TARGET = -1

NodeId = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Target = Annotated[int, msgspec.Meta(ge=EVERY_TARGET, le=(1 << 63) - 1)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Unlink(msgspec.Struct, array_like=True, frozen=True, tag="unlink"):
    """Nothing ever links `node` to `target` again, whatever events state; `node` has less authority."""

    node: NodeId
    target: NodeId


class Forget(msgspec.Struct, array_like=True, frozen=True, tag="forget"):
    """Links of `node` with an event time up to `until` (ms, inclusive) never were: all, or those to one target."""

    node: NodeId
    until: Moment
    target: Target = EVERY_TARGET


class Erase(msgspec.Struct, array_like=True, frozen=True, tag="erase"):
    """Events that would be stored under `node` with a time from `since` to `until` (ms, both inclusive) are not stored."""

    node: NodeId
    since: Moment
    until: Moment


class Suppress(msgspec.Struct, array_like=True, frozen=True, tag="suppress"):
    """`node` is no identifier any more: it is ignored like a blocked value."""

    node: NodeId


Order = Unlink | Forget | Erase | Suppress
