"""deploy/compose.yaml without containers: its commands in its order, with its environment and the image's, on real engines.

What only a container has is put in place: addresses of engines, ports (there every process has all of its own), folders of
volumes, the two secrets. What is installed is a server's installation.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.ports import free_ports
from tests.deploy import images
from tests.engines import wait_until

pytestmark = pytest.mark.timeout(300)

HASH_KEY = "00112233445566778899aabbccddeeff"
PORT = images.pairs("ENV")["COLLECTOR_PORT"]
READY_S = 60
JOB_S = 60
SOURCES = "sources: [{id: shop, write_keys: [shop-key]}]\nserver_keys: [{id: app, keys: [app-key-1]}]"
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")  # what a variable is when deploy/.env does not have it


class Machine:
    """Runs services of the Compose file as processes of this machine."""

    def __init__(self, folder: Path, engines: Mapping[str, str]) -> None:
        self._folder = folder
        self._engines = engines
        self.stages: dict[str, Stage] = {}

    def environ(self, service: Mapping[str, Any], port: int) -> dict[str, str]:
        """Nothing of the test's own environment but what a process needs to run."""
        bare = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        image = images.pairs("ENV") | {"PATH": bare["PATH"]}
        here = {PORT: str(port), "0.0.0.0": "127.0.0.1"}  # noqa: S104 - replaced
        local = {name: here.get(value, value) for name, value in image.items()}
        moved = {name: value.replace("/data/", f"{self.volume(service)}/") for name, value in local.items()}
        stated = {name: DEFAULT.sub(r"\1", str(value)) for name, value in service["environment"].items()}
        return {**bare, **moved, **stated, **self._of(service)}

    def _of(self, service: Mapping[str, Any]) -> dict[str, str]:
        """Engines and secrets, only where the Compose file names them; prefix and database are this test's own."""
        given = {name: value for name, value in self._engines.items() if name in service["environment"]}
        return given | {
            name: self._engines[name] for name in ("STITCHLINE_TOPIC_PREFIX", "STITCHLINE_DATABASE")
        }

    def volume(self, service: Mapping[str, Any]) -> Path:
        found = self._folder / "volumes" / (images.volume(service) or "none")
        if images.volume(service):
            found.mkdir(parents=True, exist_ok=True)
        return found

    def run(self, service: Mapping[str, Any], *command: str) -> str:
        """A job, to its end; what it printed."""
        argv = stitchline(*(command or service["command"]))
        environ = self.environ(service, 0)
        done = subprocess.run(
            argv, env=environ, cwd=self._folder, capture_output=True, text=True, timeout=JOB_S, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, service: Mapping[str, Any], port: int) -> None:
        log = (self._folder / f"{name}.log").open("wb")
        with log:
            process = subprocess.Popen(
                stitchline(*service["command"]),
                env=self.environ(service, port),
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self.stages[name] = Stage(process, port, Path(log.name), service)

    def end(self) -> None:
        """Whatever a failed test left."""
        for stage in self.stages.values():
            if stage.process.poll() is None:
                stage.process.kill()
                stage.process.wait()


class Stage:
    """A process that stays."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", port: int, log: Path, service: Mapping[str, Any]
    ) -> None:
        self.process = process
        self.service = service
        self._port = port
        self._log = log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def healthcheck(self) -> "subprocess.CompletedProcess[str]":
        """The image's, as Docker runs it."""
        argv = [argument.replace(PORT, str(self._port)) for argument in images.healthcheck()]
        argv[0] = sys.executable
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)

    def written(self) -> set[str]:
        """Regular files that the process has open for writing."""
        files = psutil.Process(self.process.pid).open_files()
        return {file.path for file in files if file.mode != "r"} - {str(self._log)}

    def said(self) -> str:
        return self._log.read_text()[-4000:]


def stitchline(*arguments: str) -> list[str]:
    return [sys.executable, str(images.ROOT / "tests" / "deploy" / "server_install.py"), *arguments]


@pytest.fixture
def machine(
    kafka: str, clickhouse: str, topic_prefix: str, database: str, tmp_path: Path
) -> Iterator[Machine]:
    engines = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "CLICKHOUSE_URL": clickhouse,
        "STITCHLINE_HASH_KEY": HASH_KEY,
        "STITCHLINE_TOPIC_PREFIX": topic_prefix,
        "STITCHLINE_DATABASE": database,
    }
    made = Machine(tmp_path, engines)
    yield made
    made.end()


def post(url: str, path: str, body: object) -> int:
    headers = {"Authorization": "Basic " + b64encode(b"shop-key:").decode()}
    request = urllib.request.Request(url + path, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def test_the_services_of_the_compose_file_bring_an_event_to_a_person_and_stop_in_time(
    machine: Machine,
) -> None:
    services, stages = images.ours(), images.stages()
    for name in images.jobs(services):
        machine.run(services[name])
    for (name, service), port in zip(stages.items(), free_ports(len(stages)), strict=True):
        machine.start(name, service, port)
    for name, stage in machine.stages.items():
        wait_until(stage.is_ready, READY_S, f"{name} is ready")
        asked = stage.healthcheck()
        assert asked.returncode == 0, asked.stderr

    sources = machine.volume(services["command"]).parent / "sources.yaml"
    sources.write_text(SOURCES)
    machine.run(services["command"], "apply", str(sources))
    collector = machine.stages["collector"]
    wait_until(lambda: is_accepted(collector.url), READY_S, "the collector knows the source")
    assert (
        post(collector.url, "/v1/identify", {"anonymousId": "d1", "userId": "ann", "messageId": "m2"}) == 200
    )
    wait_until(lambda: journey(machine) == ["page", "identify"], READY_S, "the person is there", every_s=0.3)

    wait_until(lambda: is_told(machine.stages["console"].url), READY_S, "an application is told who it is")

    for name, stage in machine.stages.items():
        folder = str(machine.volume(stage.service))
        assert all(path.startswith(folder) for path in stage.written()), name
    assert (machine.volume(collector.service) / "control.snapshot").is_file()
    assert all(machine.stages[name].written() for name in ("processor-1", "processor-2"))
    began = time.monotonic()
    for stage in machine.stages.values():
        stage.process.send_signal(signal.SIGTERM)
    for name, stage in machine.stages.items():
        left = began + images.seconds(stage.service["stop_grace_period"]) - time.monotonic()
        assert stage.process.wait(left) == 0, f"{name}: {stage.said()}"
        assert stage.healthcheck().returncode == 1, name


def is_accepted(url: str) -> bool:
    """The first event, again and again until the collector has read its key: unknown, or perhaps newer than what it has read."""
    try:
        return post(url, "/v1/page", {"anonymousId": "d1", "messageId": "m1"}) == 200
    except urllib.error.HTTPError as error:
        error.close()
        if error.code not in (401, 503):
            raise
        return False


def is_told(url: str) -> bool:
    """Not before the console has read the server key, either."""
    headers = {"Authorization": "Basic " + b64encode(b"app-key-1:").decode()}
    request = urllib.request.Request(f"{url}/v1/profiles/anonymous_id:d1", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(json.load(answer)["user_id"] == "ann")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code not in (401, 503):
            raise
        return False


def journey(machine: Machine) -> list[str]:
    argv = stitchline("profile", "ann")
    environ = machine.environ(images.ours()["command"], 0)
    found = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=JOB_S, check=False)
    return [event["type"] for event in json.loads(found.stdout)["journey"]] if found.returncode == 0 else []
