"""`stitchline profile ID`: one person by any identifier, as the console tells it to applications; the same core."""

import os
from typing import Annotated, Any

import msgspec
import typer

OTHERS = ("segments", "orders", "carts", "visits")
JOURNEY_EVENTS_MAX = 10_000  # of the whole answer; `--journey` goes page by page


def profile(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="user_id:42, email:ann@shop.example, anonymous_id:6f1c, contact_id:7, a profile id, or a bare value.",
        ),
    ],
    workspace: Annotated[str, typer.Option(help="The workspace to look in.")] = "main",
    journey: Annotated[bool, typer.Option("--journey", help="A page of the journey alone.")] = False,
    traits: Annotated[bool, typer.Option("--traits", help="The traits alone, with what set them.")] = False,
    only: Annotated[
        str, typer.Option(metavar="PART", help="Another part alone: segments, orders, carts or visits.")
    ] = "",
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME=VALUE", help="With --journey or --traits: limit=20, order=desc, ..."
        ),
    ] = None,
) -> None:
    """Print one person as JSON: identifiers, traits, devices and the whole journey over all of them."""
    parts = [name for name, wanted in (("journey", journey), ("traits", traits)) if wanted]
    if only:
        parts.append(only)
    if len(parts) > 1 or only not in ("", *OTHERS):
        raise typer.BadParameter(f"one of --journey, --traits, and --only with {', '.join(OTHERS)}")
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in given or [])]
    if traits and "verbose" not in dict(pairs):
        pairs.append(("verbose", "true"))
    found = _asked(workspace, identifier, parts[0] if parts else "", pairs)
    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _asked(workspace: str, identifier: str, part: str, pairs: list[tuple[str, str]]) -> Any:
    """Raises NoSuchProfile, NotAnIdentifier, BadWish, NoAnswer."""
    import time

    from console.api import Answers, Call
    from console.journey import Wish
    from console.profiles import Profiles
    from console.store import Store
    from runtime.environment.settings import ClickHouseSettings, QuestionSettings, load

    settings = load(QuestionSettings, os.environ)
    store = Store(load(ClickHouseSettings, os.environ), settings)
    try:
        now_ms = time.time_ns() // 1_000_000
        profiles = Profiles(store, workspace, now_ms=now_ms, nodes_max=settings.nodes_max)
        if part or pairs:
            return Answers(profiles, JOURNEY_EVENTS_MAX).asked(Call(identifier, part, pairs))
        person = profiles.person(identifier)
        whole = profiles.journey(person, Wish(limit=JOURNEY_EVENTS_MAX)).steps
        return msgspec.structs.asdict(profiles.profile(person)) | {"journey": whole}
    finally:
        store.close()
