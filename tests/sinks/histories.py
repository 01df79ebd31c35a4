"""Small groups of people with conflicts of every kind, by number: what tests of who is who store and ask for."""

from random import Random

from tests.processors.driver import RECEIVED
from tests.processors.oracle import Visit

KINDS = ("identify", "identify", "track", "page", "alias", "logout")


def history(number: int) -> list[Visit]:
    """Two dozen events of people of their own, with conflicts of every kind."""
    random = Random(number)  # noqa: S311 - the content of a test

    def one_of(*names: str) -> str:
        name = random.choice(names)
        return f"{name}{number}" if name else ""

    found = []
    for event in range(random.randint(4, 24)):
        kind = random.choice(KINDS)
        found.append(
            Visit(
                id=f"m{number}-{event}",
                kind=kind,
                time=RECEIVED - 1000 * random.randint(0, 9),
                user=one_of("", "", "ann", "bob", "carl"),
                email=one_of("", "", "a@x.io", "b@x.io") if kind != "alias" else "",
                external=(("contact_id", one_of("c")),) if random.random() < 0.1 else (),
                device=one_of("d1", "d2", "d3"),
                previous=one_of("ann", "bob", "d1") if kind == "alias" else "",
                params=(("email", one_of("a@x.io", "b@x.io")),) if kind == "page" else (),
            )
        )
    return found
