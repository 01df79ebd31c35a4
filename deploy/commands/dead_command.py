"""The command `stitchline dead`: what was refused, by why it was, and sent again once that is mended."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from deploy.dead.letters import Kind, Letter, Meant
    from deploy.dead.resending import Outcome


def dead(
    reason: Annotated[str, typer.Option(help="Only letters of this reason, such as quota_exceeded.")] = "",
    source: Annotated[str, typer.Option(help="Only letters of this source.")] = "",
    stage: Annotated[str, typer.Option(help="Only letters of this stage: collector, resolve, ...")] = "",
    since: Annotated[
        str, typer.Option(help="Only what was received from this day or time on, UTC without a zone.")
    ] = "",
    workspace: Annotated[str, typer.Option(help="Of this workspace.")] = "main",
    show: Annotated[str, typer.Option(metavar="ID", help="One letter whole, as a JSON line.")] = "",
    resend: Annotated[
        bool, typer.Option("--resend", help="Send what is meant again, under its own message ids.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many kinds at most are listed.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> None:
    """List dead letters by why they were refused; show one; send them again. With --show ID, --resend sends that one."""
    from deploy.dead.letters import Meant
    from deploy.dead.resending import kinds, shown
    from deploy.files.extract_sql import moment
    from deploy.orders.tables import answered
    from runtime.clickhouse import connect
    from runtime.environment.settings import ClickHouseSettings, load

    begins = moment(since, "--since")
    meant = Meant(
        workspace=workspace,
        stage=stage,
        reason=reason,
        source=source,
        since=0 if begins is None else round(begins.timestamp() * 1000),
        id=show,
    )
    with answered():
        client = connect(load(ClickHouseSettings, os.environ), has_long_values=True)
    if resend:
        _tell_outcome(_resent(client, meant), json=json)
    elif show:
        for letter in shown(client, meant):
            typer.echo(_whole(letter))
    else:
        for kind in kinds(client, meant, limit):
            typer.echo(msgspec.json.encode(kind).decode() if json else _line(kind))


def _resent(client: "Client", meant: "Meant") -> "Outcome":
    """By the configuration of now."""
    from collector.limits import Limits
    from deploy.dead.again import Door
    from deploy.dead.resending import Target, resent
    from deploy.orders.giving import Giver
    from runtime.control import read_control
    from runtime.environment.settings import CollectorSettings, KafkaSettings, OrderSettings, load
    from runtime.streams.progress import Progress
    from schemas.events.reasons import Reason
    from schemas.topics import EVENTS_RAW

    kafka, settings = load(KafkaSettings, os.environ), load(CollectorSettings, os.environ)
    orders = load(OrderSettings, os.environ)
    limits = Limits(
        event_bytes_max=settings.event_bytes_max,
        body_bytes_max=settings.body_bytes_max,
        batch_events_max=settings.batch_events_max,
        shared_bytes_max=settings.shared_bytes_max,
    )
    ends = Progress(kafka, orders.ack_timeout_s).ends(EVENTS_RAW)
    target = Target(
        kafka=kafka,
        partitions=Giver(kafka, orders).partitions(),
        pack_bytes_max=settings.pack_bytes_max,
        ends={partition: end for (_, partition), end in ends.items()},
    )
    door = Door(
        state=read_control(kafka, kafka.answer_timeout_s),
        limits=limits,
        now=round(datetime.now(UTC).timestamp() * 1000),
        is_origin_meant=meant.reason == Reason.ORIGIN_NOT_ALLOWED or bool(meant.id),
    )
    return resent(client, meant, door, target)


def _line(kind: "Kind") -> str:
    from deploy.visible import visible

    first, last = _minute(kind.first), _minute(kind.last)
    where = f"{kind.stage} {kind.reason} {kind.source or '-'}"
    return visible(
        f"{kind.letters:>9} {where}  {first} to {last}\n          {kind.detail}\n          {kind.id}",
        kept="\n",
    )


def _minute(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M}"


def _whole(letter: "Letter") -> str:
    """The payload as text; what is no UTF-8 in Base64, under another name."""
    told = {
        name: getattr(letter, name) for name in letter.__struct_fields__ if name not in ("payload", "lineage")
    }
    told["received_at"] = datetime.fromtimestamp(letter.received_at / 1000, UTC)
    told["lineage"] = f"{letter.lineage.partition}:{letter.lineage.offset}:{letter.lineage.index}"
    try:
        told["payload"] = letter.payload.decode()
    except UnicodeDecodeError:
        told["payload_base64"] = letter.payload
    return msgspec.json.encode(told).decode()


def _tell_outcome(outcome: "Outcome", *, json: bool) -> None:
    from deploy.visible import visible

    if json:
        typer.echo(msgspec.json.encode(outcome).decode())
        return
    typer.echo(
        f"{outcome.letters} letters: {outcome.sent} events sent again, {outcome.stored} are stored already"
    )
    for why in outcome.cannot:
        typer.echo(visible(f"{why.times:>9} not sent: {why.why}\n          {why.id}", kept="\n"))
