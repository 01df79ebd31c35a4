"""How many firings an event goes back to: what keeps rules that fire each other from going on for ever. Pure."""

from collections.abc import Mapping
from typing import Any


def hops_of(context: Mapping[str, Any]) -> int:
    """How many firings an event goes back to, as a rule's own action says. Who makes that up silences nobody but themselves."""
    ours = context.get("stitchline")
    hops = ours.get("hops") if isinstance(ours, dict) else None
    return hops if isinstance(hops, int) and not isinstance(hops, bool) and 0 <= hops < 1 << 31 else 0
