"""An explanation of `stitchline segment NAME --why PERSON` as text. Pure.

A line for each node of the tree, what is true with a +, what decides with a *.
"""

from collections.abc import Iterator

import msgspec

from console.segments.segment_explain import Explanation
from console.segments.segment_why import Verdict
from deploy.visible import visible
from schemas.segments.segment_windows import moment_text

MESSAGES_SHOWN_MAX = 5  # of a leaf; --json has up to 20
LEGEND = "+ true, - false, * decides"


def text(found: Explanation) -> str:
    """The whole answer."""
    is_in = "is" if found.is_member else "is not"
    head = f"profile {found.profile:016x} {is_in} in {found.why.asked} as of {moment_text(found.at_ms)} UTC ({LEGEND})"
    return "\n".join([head, *_lines(found.why, 1), _next(found)])


def _lines(node: Verdict, depth: int) -> Iterator[str]:
    marks = ("+" if node.is_met else "-") + ("*" if node.decides else " ")
    said = "" if node.asked is None else " " + _short(node.asked)
    value = f"  found: {visible(node.value)}" if node.value else ""
    yield f"{'  ' * depth}{marks} {node.kind}{said}{value}"
    if node.messages:
        shown = node.messages[:MESSAGES_SHOWN_MAX]
        more = f" and {len(node.messages) - len(shown)} more" if len(node.messages) > len(shown) else ""
        yield f"{'  ' * depth}     messages: {visible(', '.join(shown))}{more}"
    for part in node.parts:
        yield from _lines(part, depth + 1)


def _short(asked: object) -> str:
    return asked if isinstance(asked, str) else visible(msgspec.json.encode(asked).decode())


def _next(found: Explanation) -> str:
    if found.next_change is None:
        return "nothing that time alone brings is known to change this"
    becomes = "enters" if found.next_change.is_member else "leaves"
    return f"{becomes} at {moment_text(found.next_change.at_ms)} UTC if nothing happens"
