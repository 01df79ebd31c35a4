"""The command line: every command is there, and an error that a user can mend is one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app, say
from deploy.errors import told_plainly
from deploy.pages.schema_pages import NoSuchSchema, schema_text

COMMANDS = {
    "up", "demo", "collector", "console", "processor", "sink", "migrate", "topics", "apply", "profile", "query", "doctor", "dead",
    "settings", "fetch", "why", "export", "link", "unlink", "suppress", "forget", "rates", "extract", "list_people", "segment",
    "contacts", "deliver", "firing", "history", "plan", "rules", "schema", "token", "segments", "sources",
    "webhook", "rule",
}  # fmt: skip


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_command_is_there_and_says_what_it_is_for() -> None:
    assert {command.callback.__name__ for command in app.registered_commands if command.callback} == COMMANDS
    assert all(command.callback.__doc__ for command in app.registered_commands if command.callback)


@pytest.mark.parametrize(
    "option", ["--data", "--collector-port", "--console-port", "--kafka-port", "--clickhouse-port"]
)
def test_every_option_of_up_is_there(option: str) -> None:
    shown = CliRunner().invoke(app, ["up", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert option in shown.output


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (
            ["topics"],
            {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_ANSWER_TIMEOUT_S": "1"},
            "127.0.0.1:1",
        ),
        (["topics"], {"STITCHLINE_PARTITIONS": "many"}, "STITCHLINE_PARTITIONS"),
        (["migrate"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (["profile", "ann"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (["dead"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (["why", "ann"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (["export", "ann"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (["forget", "u:ann"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (["unlink", "u:a", "e:a@b.example"], {"CLICKHOUSE_URL": "http://127.0.0.1:1"}, "ClickHouse"),
        (
            ["orders", "resend"],
            {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_ANSWER_TIMEOUT_S": "1"},
            "127.0.0.1:1",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_sentence_without_a_stack(
    arguments: list[str],
    environ: dict[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, which saves starting one: what a process adds is shown below, with stages."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended, told_plainly(say):
        app(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert told in said
    assert said.startswith("stitchline: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (["processor"], {"STITCHLINE_HASH_KEY": "short"}, "STITCHLINE_HASH_KEY"),
        (["collector"], {"COLLECTOR_PORT": "99999999"}, "COLLECTOR_PORT"),
        (["sink", "nowhere"], {}, "nowhere"),
        (["up", "--data", "/proc/no-folder"], {}, "--data DIR"),
        (["up", "--data", __file__], {}, "--data DIR"),
        (["up", "--kafka-port", "99999"], {}, "--kafka-port"),
    ],
)
def test_what_a_user_can_mend_of_a_stage_or_the_stack_is_told_without_a_stack_trace(
    arguments: list[str], environ: dict[str, str], told: str
) -> None:
    ran = run(*arguments, **environ)
    assert ran.returncode == 2, ran.stderr
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [["history"], ["plan", "FILE"], ["apply", "FILE"], ["rule", "a"], ["contacts", "news", "--import", "FILE"], ["topics"]],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_without_kafka_a_command_says_one_line_and_its_client_none(
    arguments: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("{}")
    named = [str(file) if each == "FILE" else each for each in arguments]
    ran = run(*named, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", KAFKA_ANSWER_TIMEOUT_S="1")
    assert (ran.returncode, ran.stderr.count("\n"), ran.stdout) == (2, 1, "")
    assert ran.stderr.startswith("stitchline: ")
    assert "127.0.0.1:1" in ran.stderr


def test_a_wrong_configuration_file_is_told_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("sources: [{id: Shop}]")
    ran = run("apply", str(file))
    assert ran.returncode == 2
    assert "wrong.yaml" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "what", ["rules", "destinations", "segments", "contact_lists", "campaigns", "mailers", "webhook"]
)
def test_a_schema_is_printed_as_json(what: str) -> None:
    shown = CliRunner().invoke(app, ["schema", what])
    assert json.loads(shown.output)["$schema"].endswith("2020-12/schema")


def test_of_what_there_is_no_schema_is_told_with_what_there_is() -> None:
    with pytest.raises(
        NoSuchSchema, match=r"there is no schema of rule, but of campaigns, .*rules.* and of the actions"
    ):
        schema_text("rule")
