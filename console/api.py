"""The interface for applications: `GET /v1/profiles/...`, from a request that is let in to an answer. Blocking: for a thread.

What each path answers is in docs/profiles.md. Absent: who is let in, and HTTP itself (app.py).
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from console.identifiers import NotAnIdentifier
from console.people import Person
from console.profiles import NoSuchProfile, Profiles
from console.replies import Refused
from console.traits import plain
from console.wishes import BadWish, Pairs, is_true, journey_wish, known, limit_of

PREFIX = "/v1/profiles/"
TRAITS = 200  # of one page, unless it is said

Part = Callable[[str], Any]  # of an identifier


class Call(msgspec.Struct, frozen=True):
    """`identifier` and `part` are as they stood between the slashes, decoded."""

    identifier: str
    part: str
    pairs: Pairs


class Answers:
    """One call's answer: what is looked up, and in which form it is told."""

    def __init__(self, profiles: Profiles, limit_max: int) -> None:
        self._profiles = profiles
        self._limit_max = limit_max
        self._parts: Mapping[str, Callable[[Call], Part]] = {
            "": self._profile,
            "traits": self._traits,
            "journey": self._journey,
            "segments": self._listed("segments", self._profiles.segments),
            "carts": self._listed("carts", self._profiles.carts),
            "orders": self._orders,
            "visits": self._visits,
        }

    def answer(self, call: Call) -> Any:
        """What is to be written as JSON. Raises Refused, NoAnswer."""
        if call.part not in self._parts:
            paths = ", ".join(f"/{name}" for name in self._parts if name)
            raise Refused(404, f"no such path: after an identifier come {paths}, or nothing")
        try:
            return self.asked(call)
        except NoSuchProfile as error:
            raise Refused(404, str(error)) from error
        except (NotAnIdentifier, BadWish) as error:
            raise Refused(400, str(error)) from error

    def asked(self, call: Call) -> Any:
        """Of a part that there is. Raises NotAnIdentifier, BadWish, NoSuchProfile, NoAnswer."""
        part = self._parts[call.part](call)  # what is wrong with a parameter is told first
        return part(call.identifier)

    def _profile(self, call: Call) -> Part:
        known(call.pairs, ())
        return self._profiles.look_up

    def _traits(self, call: Call) -> Part:
        given = known(call.pairs, ("limit", "next", "verbose"))
        limit = limit_of(given, self._limit_max, TRAITS)
        is_verbose = is_true(given, "verbose")
        after = given.get("next", [""])[0]

        def answer(person: Person) -> Any:
            found = [trait for trait in self._profiles.traits(person) if trait.name > after]
            page = found[:limit]
            more = page[-1].name if len(found) > limit else ""
            return {"traits": page if is_verbose else plain(page), "cursor": _cursor(call, limit, more)}

        return self._of(answer)

    def _listed(self, name: str, ask: Callable[[Person], Any]) -> Callable[[Call], Part]:
        """A part without parameters that is one list."""

        def part(call: Call) -> Part:
            known(call.pairs, ())
            return self._of(lambda person: {name: ask(person)})

        return part

    def _orders(self, call: Call) -> Part:
        known(call.pairs, ())

        def answer(person: Person) -> Any:
            value, orders = self._profiles.orders(person)
            return {"value": value, "orders": orders}

        return self._of(answer)

    def _visits(self, call: Call) -> Part:
        known(call.pairs, ())
        return self._of(self._profiles.visits)

    def _journey(self, call: Call) -> Part:
        wish = journey_wish(call.pairs, self._limit_max)

        def answer(person: Person) -> Any:
            found = self._profiles.journey(person, wish)
            more = found.next.text() if found.next else ""
            return {"data": found.steps, "cursor": _cursor(call, wish.limit, more)}

        return self._of(answer)

    def _of(self, ask: Callable[[Person], Any]) -> Part:
        """What is asked of somebody who was found."""
        return lambda identifier: ask(self._profiles.person(identifier))


def call_of(raw_path: bytes, pairs: Pairs) -> Call | None:
    """Of the path as it came, in which an identifier may have an encoded slash; None for a path that is not of this interface."""
    path = raw_path.decode("ascii", "replace")
    if not path.startswith(PREFIX):
        return None
    identifier, _, part = path.removeprefix(PREFIX).partition("/")
    return Call(unquote(identifier), unquote(part.removesuffix("/")), pairs)


def _cursor(call: Call, limit: int, more: str) -> dict[str, Any]:
    """As Segment's: `next` is the parameter of the next page, and `url` its address with all other parameters."""
    kept = [(name, value) for name, value in call.pairs if name != "next"]
    query = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in [*kept, ("next", more)]
    )
    path = f"{PREFIX}{quote(call.identifier, safe=':@')}/{call.part}"
    return {"url": f"{path}?{query}" if more else "", "has_more": bool(more), "next": more, "limit": limit}
