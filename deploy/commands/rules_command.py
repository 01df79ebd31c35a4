"""The command `stitchline rules`: the process that runs them, and how they stand; and `stitchline firing`, what became of one."""

import os
from typing import Annotated

import msgspec
import typer


def rules(
    status: Annotated[bool, typer.Option("--status", help="Say how each rule stands, and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --status: JSON lines.")] = False,
) -> None:
    """Run one worker of the rules: what they match, what they wait for, what they send."""
    if status:
        _tell(is_json=json)
        return
    from processors.rules_worker import run

    run(os.environ)


def firing(
    firing_id: Annotated[str, typer.Argument(metavar="ID", help="As destinations get it: fire_...")],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what became of one firing of a rule: its states, its attempts, its dead letter."""
    from deploy.orders.tables import answered
    from deploy.rules.firings import told, told_text
    from runtime.clickhouse import connect
    from runtime.environment.settings import ClickHouseSettings, load

    with answered():
        found = told(connect(load(ClickHouseSettings, os.environ)), firing_id)
    typer.echo(msgspec.json.encode(found).decode() if json else told_text(found))


def _tell(*, is_json: bool) -> None:
    from deploy.orders.tables import answered
    from deploy.rules.firings import standing_text, standings
    from runtime.clickhouse import connect
    from runtime.control import read_control
    from runtime.environment.settings import ClickHouseSettings, KafkaSettings, load

    kafka = load(KafkaSettings, os.environ)
    state = read_control(kafka, kafka.answer_timeout_s)
    with answered():
        found = standings(connect(load(ClickHouseSettings, os.environ)), state)
    for each in found:
        typer.echo(msgspec.json.encode(each).decode() if is_json else standing_text(each))
