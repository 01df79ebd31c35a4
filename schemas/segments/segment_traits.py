"""Leaves about what is told of people and groups: each a verdict over a profile's rows of `traits` or `group_traits`.

Of a trait the value of the greatest (time, message id) counts, whichever device it came by. Operators are kept in their
positive form, so that a profile without rows has the right verdict by default.
"""

from collections.abc import Sequence

from schemas.segments.segment_operators import Asked, positive, test
from schemas.segments.segment_paths import Value, inner
from schemas.segments.segment_sql import Parameters
from schemas.segments.segments import Group, Trait


class Told:
    """Where a leaf about traits is asked: its instant, its zone, and where values go."""

    def __init__(self, at_ms: int, zone: str, parameters: Parameters) -> None:
        self.at_ms = at_ms
        self.zone = zone
        self.parameters = parameters

    def trait(self, trait: Trait) -> tuple[str, bool]:
        """SQL over the latest value of each name, as `name` and `latest`, and whether it is to be turned."""
        op, is_turned = positive(trait.op)
        name, *keys = trait.name.split(".")
        asked = Asked(op, trait.value, trait.name, self.at_ms, self.zone)
        placed = self.parameters.place(f"trait_{name}", "String", name)
        return f"max(name = {placed} AND {test(_value(keys), asked, self.parameters)})", is_turned

    def group(self, group: Group) -> str:
        """What the latest values of a group pass, in the same form."""
        tests = [
            f"NOT {sql}" if is_turned else sql
            for sql, is_turned in (self.trait(each) for each in group.where)
        ]
        return " AND ".join(tests)


def names(traits: Sequence[Trait]) -> list[str]:
    """The names of the rows that hold them."""
    return sorted({trait.name.partition(".")[0] for trait in traits})


def _value(keys: Sequence[str]) -> Value:
    return Value("json", inner("latest", keys))
