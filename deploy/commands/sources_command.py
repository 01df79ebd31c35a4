"""The command `stitchline sources`: how sources stand (sources.py), and what belongs into their pages (install.py)."""

import os
from typing import Annotated

import msgspec
import typer

_HELP_FORM = (
    "html, script, module, gtm, image, python, node or curl: what to put into the site's pages or program."
)


def sources(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One source; without it, all of them.")] = "",
    install: Annotated[str, typer.Option(metavar="FORM", help=_HELP_FORM)] = "",
    key: Annotated[
        str,
        typer.Option(help="With --install: one of the source's keys, as it is sent; only hashes are stored."),
    ] = "",
    url: Annotated[
        str,
        typer.Option(
            help="With --install: where the collector is reached; without it, COLLECTOR_PUBLIC_URL."
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON line for each source.")] = False,
) -> None:
    """Say how sources stand: keys, origins, rates, quotas, what they sent; or print what belongs into a site's pages."""
    from deploy.sources.sources import NoSuchSource, chosen
    from runtime.control import read_control
    from runtime.environment.settings import KafkaSettings, load

    if install and not name:
        raise NoSuchSource("install code is of one source: stitchline sources NAME --install html")
    kafka = load(KafkaSettings, os.environ)
    state = read_control(kafka, kafka.answer_timeout_s)
    found = chosen(state, name)
    if install:
        from deploy.sources.install import PLACEHOLDER, install_code
        from runtime.environment.settings import CollectorSettings

        address = url or load(CollectorSettings, os.environ).public_url or "https://events.shop.example"
        typer.echo(install_code(install, found[0], address, key, state.pixel_events.get(name, ())), nl=False)
        if not key:
            typer.echo(
                f"put one of the source's keys in place of {PLACEHOLDER}, or give it by --key", err=True
            )
        return
    from deploy.orders.tables import answered
    from deploy.sources.sources import standings, text_of
    from runtime.clickhouse import connect
    from runtime.environment.settings import ClickHouseSettings

    with answered():
        client = connect(load(ClickHouseSettings, os.environ))
        told = standings(client, state, found, counted=bool(name))
    for standing in told:
        typer.echo(msgspec.json.encode(standing).decode() if json else text_of(standing))
