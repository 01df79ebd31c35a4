"""Commands around what is applied: `apply`, `plan`, `schema`, `token`, `history`."""

import os
import re
import secrets
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from deploy.applying.authority import Wish
    from deploy.identifiers.ids import Id as Identifier

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML: see docs/configuration.md")]
Data = Annotated[
    Path, typer.Option(help="Folder that keeps everything; a second start carries on where it stopped.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="Holds the token of whoever applies (or STITCHLINE_TOKEN)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")]
What = Annotated[
    str,
    typer.Argument(
        metavar="[WHAT]",
        help="A section of the file (rules, segments ..), or the kind of an action.",
    ),
]
RoleOption = Annotated[str, typer.Option(metavar="admin|editor|viewer", help="What the new token may do.")]
Id = Annotated[str, typer.Option("--id", metavar="NAME", help="Whose the new token is.")]
Expires = Annotated[
    str, typer.Option(metavar="DURATION", help="How long it is good for, such as 90d; default: for ever.")
]
Revoke = Annotated[str, typer.Option(metavar="NAME", help="End a token.")]
List = Annotated[bool, typer.Option("--list", help="Print all tokens.")]

_DURATION = re.compile(r"[1-9][0-9]{0,5}[smhdw]")


def add_to(app: typer.Typer) -> None:
    for command in (apply, plan, history, token, schema):
        app.command()(command)


def apply(file: File, data: Data = Path("data"), token_file: TokenFile = None) -> None:
    """Write a configuration file to the control topic; running processes take it over at once."""
    from deploy.applying.configuration import apply_file
    from deploy.orders.commands import block
    from runtime.environment.settings import KafkaSettings, load
    from schemas.configuration.roles import BLOCKED

    new, _ = _listed(file, data)
    wish = msgspec.structs.replace(_wish(token_file), besides=(BLOCKED,) if new else ())
    applied = apply_file(file, load(KafkaSettings, os.environ), wish)
    blocked = block(new)
    typer.echo(msgspec.json.encode(msgspec.structs.replace(applied, blocked=blocked)).decode())


def plan(file: File, json: Json = False, data: Data = Path("data")) -> None:
    """Say what `apply` would change, and which role it takes; nothing is written. Exit 0: it can be applied, 2: it is refused."""
    from deploy.applying.configuration import plan_file
    from deploy.applying.plan_text import blocking, lines
    from runtime.environment.settings import KafkaSettings, load

    found = [*plan_file(file, load(KafkaSettings, os.environ)), *blocking(*_listed(file, data))]
    typer.echo(msgspec.json.encode(found).decode() if json else "\n".join(lines(found)))


def history(json: Json = False) -> None:
    """List what was applied, when, by which token, and whether its signature is good; nothing is changed."""
    from deploy.applying.plan_text import history_lines
    from deploy.applying.tokens import history_of
    from runtime.environment.settings import KafkaSettings, load

    found = history_of(load(KafkaSettings, os.environ))
    typer.echo(msgspec.json.encode(found).decode() if json else "\n".join(history_lines(found)))


def token(  # noqa: PLR0913 - one option each
    role: RoleOption = "",
    id: Id = "",
    expires: Expires = "",
    revoke: Revoke = "",
    list: List = False,
    token_file: TokenFile = None,
) -> None:
    """Make a token for whoever applies configuration (it is shown once), end one, or list all."""
    from deploy.applying import tokens
    from runtime.environment.settings import KafkaSettings, load

    kafka = load(KafkaSettings, os.environ)
    if list:
        typer.echo("\n".join(tokens.lines_of(tokens.tokens_of(kafka))))
    elif revoke:
        tokens.revoke_token(kafka, revoke, _wish(token_file))
        typer.echo(f"token {revoke} is revoked", err=True)
    else:
        wish = _wish(token_file)
        wanted = tokens.wanted(id, role, _end(expires, wish.at))
        typer.echo(tokens.make_token(kafka, wanted, secrets.token_bytes(32), wish))
        typer.echo("keep it as a password: it is shown this once, and stored nowhere", err=True)


def schema(what: What = "rules") -> None:
    """Print the JSON Schema (2020-12) of what is written in configuration files, for editors and other programs."""
    from deploy.pages.schema_pages import schema_text

    typer.echo(schema_text(what), nl=False)


def _listed(file: Path, data: Path) -> "tuple[list[Identifier], list[Identifier]]":
    """Of its `blocked_ids` those that are not blocked yet, and those that are."""
    from deploy.applying.configuration import read_blocked, read_file
    from deploy.orders.commands import found_of

    read_file(file)  # what is wrong with it is told before anything is asked of ClickHouse
    return found_of(read_blocked(file), data)


def _wish(token_file: Path | None) -> "Wish":
    from deploy.applying.authority import Wish
    from runtime.environment.settings import ApplySettings, load

    text = token_file.read_text() if token_file else load(ApplySettings, os.environ).token
    now = datetime.now(UTC)  # noqa: TID251 - the root's clock
    return Wish(apply_id=str(uuid.uuid4()), token=text.strip(), at=int(now.timestamp() * 1_000))


def _end(expires: str, now: int) -> int:
    from schemas.segments.segments import duration_ms

    if expires and not _DURATION.fullmatch(expires):
        raise typer.BadParameter(f"{expires} is no duration: write 90d or 36h", param_hint="--expires")
    return now + duration_ms(expires) if expires else 0
