"""`stitchline unlink`, `suppress`, `forget` and `orders resend`, as the command line has them."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer

if TYPE_CHECKING:
    from deploy.identifiers.ids import Id
    from deploy.orders.forget import Tools
    from deploy.orders.receipt import Copies
    from runtime.environment.settings import KafkaSettings

STATEMENT_BYTES_MAX = 4_000_000

T = TypeVar("T")

_FORMS = "u:42, e:ann@example.org, a:6f1c, x:contact_id:7, or a bare value that is not ambiguous"
Identifier = Annotated[str, typer.Argument(metavar="ID", help=_FORMS)]
Workspace = Annotated[str, typer.Option(help="The workspace to look in.")]
Data = Annotated[
    Path, typer.Option(help="Folder of an embedded stack, whose hash.key serves without STITCHLINE_HASH_KEY.")
]

orders = typer.Typer(no_args_is_help=True, help="Orders that were given before.")


def unlink(
    one: Annotated[str, typer.Argument(metavar="A", help=_FORMS)],
    other: Annotated[str, typer.Argument(metavar="B", help=_FORMS)],
    workspace: Workspace = "main",
    data: Data = Path("data"),
) -> None:
    """Cut the link between two identifiers for ever; history follows."""
    with _tools(workspace) as tools:
        from deploy.orders.unlink import unlink as cut

        ids = [_find(tools, text, data) for text in (one, other)]
        _print(cut(tools.giver, tools.tables, *ids))


def suppress(identifier: Identifier, workspace: Workspace = "main", data: Data = Path("data")) -> None:
    """Block an identifier for ever: it names nobody any more."""
    with _tools(workspace) as tools:
        from deploy.orders.suppress import suppress as block

        _print(block(tools.giver, tools.tables, _find(tools, identifier, data), tools.nodes_max))


def forget(  # noqa: PLR0913 - one option each
    identifier: Identifier,
    workspace: Workspace = "main",
    data: Data = Path("data"),
    until: Annotated[
        str, typer.Option(help="Forget what happened up to this time (ISO 8601); empty: up to now.")
    ] = "",
    suppress: Annotated[bool, typer.Option(help="Block all of their identifiers for ever too.")] = False,
    yes: Annotated[bool, typer.Option(help="Do it; without this it only says what would be done.")] = False,
) -> None:
    """Erase one person up to now, from state and tables and from what may be sent again; prints a receipt."""
    from deploy.orders.forget import Wish
    from deploy.orders.forget import forget as erase
    from deploy.orders.residue import UNEXPLAINED

    with _tools(workspace) as tools:
        wish = Wish(_moment(until) if until else _now_ms(), suppress)
        receipt = erase(tools, _find(tools, identifier, data), wish, is_dry=not yes)
    _print(receipt)
    if not yes:
        typer.echo("nothing was done: run it again with --yes", err=True)
    if not any(receipt.deleted.values()):
        typer.echo(f"no stored row of workspace {workspace} is theirs up to then", err=True)
    sys.exit(1 if any(found.why == UNEXPLAINED for found in receipt.left) else 0)


@orders.command()
def resend() -> None:
    """Give the generation of now every order that was ever given; idempotent."""
    from deploy.orders.giving import Giver
    from runtime.environment.settings import KafkaSettings, OrderSettings, load

    giver = Giver(load(KafkaSettings, os.environ), load(OrderSettings, os.environ))
    typer.echo(msgspec.json.encode({"orders": giver.resend()}).decode())


def found_of(listed: Iterable[tuple[str, str]], data: Path) -> "tuple[list[Id], list[Id]]":
    """Of what a configuration file lists by workspace: those that are not blocked yet, and those that are."""
    from deploy.orders.suppress import missing

    new: list[Id] = []
    known: list[Id] = []
    for workspace, texts in _by_workspace(listed).items():
        with _tools(workspace) as tools:
            found = list(dict.fromkeys(_find(tools, text, data) for text in texts))
            wanted = missing(tools.giver.control(), found)
            new += wanted
            known += [each for each in found if each not in wanted]
    return new, known


def block(wanted: "Iterable[Id]") -> list[str]:
    """For ever; their nodes."""
    from deploy.orders.suppress import suppress as order

    blocked = []
    for workspace, ids in _by_workspace((each.workspace, each) for each in wanted).items():
        with _tools(workspace) as tools:
            blocked += [order(tools.giver, tools.tables, each, tools.nodes_max).node for each in ids]
    return blocked


def _by_workspace(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for workspace, each in pairs:
        found.setdefault(workspace, []).append(each)
    return found


@contextmanager
def _tools(workspace: str) -> "Iterator[Tools]":
    """Whatever ClickHouse or Kafka refuses in here is told plainly."""
    from deploy.orders.forget import Tools
    from deploy.orders.giving import Giver
    from deploy.orders.tables import Tables, answered
    from runtime.environment.settings import ClickHouseSettings, KafkaSettings, OrderSettings, load
    from sinks.storing.clickhouse import connect

    kafka, settings = load(KafkaSettings, os.environ), load(OrderSettings, os.environ)

    with answered(), _kafka_answers(kafka):
        client = connect(load(ClickHouseSettings, os.environ), timeout_s=settings.delete_timeout_s)
        client.set_client_setting("max_query_size", STATEMENT_BYTES_MAX)  # a person may have many nodes
        yield Tools(
            giver=Giver(kafka, settings),
            tables=Tables(client, workspace, delete_timeout_s=settings.delete_timeout_s),
            nodes_max=settings.nodes_max,
            copies=lambda: _copies(kafka),
        )


@contextmanager
def _kafka_answers(kafka: "KafkaSettings") -> Iterator[None]:
    from confluent_kafka import KafkaException

    from runtime.kafka import KafkaUnavailable

    try:
        yield
    except KafkaException as error:
        raise KafkaUnavailable(
            f"Kafka does not answer at {kafka.bootstrap_servers}: {error.args[0].str()}"
        ) from error


def _copies(kafka: "KafkaSettings") -> "list[Copies]":
    """Topics that hold what identifies people: events, links, and the state that was made of them."""
    from deploy.orders.receipt import copies
    from runtime.lookup import Lookup
    from schemas.topics import (
        CARTS,
        CARTS_CANDIDATES,
        COMMERCE_FACTS,
        EVENTS_DEAD,
        EVENTS_RAW,
        EVENTS_RESOLVED,
        IDENTITY_FACTS,
        changelog,
    )

    lookup, prefix = Lookup(kafka), kafka.topic_prefix
    # The resolvers' state holds hashes alone; of carts it is an id of their own that may name somebody.
    states = [changelog(kafka.generation, "identity"), changelog(kafka.generation, "commerce"), CARTS]
    expiring = {
        topic.name: lookup.retention_ms(topic.full_name(prefix))
        for topic in (
            *(EVENTS_RAW, EVENTS_RESOLVED, EVENTS_DEAD, IDENTITY_FACTS),
            *(COMMERCE_FACTS, CARTS_CANDIDATES),
        )
    }
    compacted = {topic.name: lookup.replaced_ms(topic.full_name(prefix)) for topic in states}
    return copies(expiring, compacted, _now_ms())


def _find(tools: "Tools", text: str, data: Path) -> "Id":
    from deploy.identifiers.ids import find, hash_key_at_hand

    return find(tools.tables.client, tools.tables.workspace, text, hash_key_at_hand(os.environ, data))


def _moment(text: str) -> int:
    from processors.events.times import parse_time

    found = parse_time(text)
    if found is None:
        raise typer.BadParameter(
            f"--until {text!r} is no time between 1970 and 2200, like 2026-11-22T12:00:00Z"
        )
    return found


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the root's clock


def _print(document: msgspec.Struct) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
