"""Orders: what people decide about identifiers, as part of the input of the steps, so that a replay decides the same.

Nodes are named by their ids, keyed hashes: an order holds no personal datum, so it may be kept for ever. An order may come before
or after the facts that it speaks of, any number of times, and the result is the same.

`Unlink`, `Forget` and `Suppress` go to the node's partition of `identity.facts`; `Forget`, `Erase` and `Suppress` to
every partition of `events.raw`, since any of them may have sent the link or may receive the event.
"""

import msgspec

EVERY_TARGET = -1


class Unlink(msgspec.Struct, array_like=True, frozen=True, tag="unlink"):
    """Nothing ever links `node` to `target` again, whatever events state; `node` has less authority."""

    node: int
    target: int


class Forget(msgspec.Struct, array_like=True, frozen=True, tag="forget"):
    """Links of `node` with an event time up to `until` (ms, inclusive) never were: all, or those to one target."""

    node: int
    until: int
    target: int = EVERY_TARGET


class Erase(msgspec.Struct, array_like=True, frozen=True, tag="erase"):
    """Events that would be stored under `node` with a time from `since` to `until` (ms, both inclusive) are not stored."""

    node: int
    since: int
    until: int


class Suppress(msgspec.Struct, array_like=True, frozen=True, tag="suppress"):
    """`node` is no identifier any more: it is ignored like a blocked value."""

    node: int


Order = Unlink | Forget | Erase | Suppress
