"""Each finding says what was seen and, when it is bad, how to mend it."""

import asyncio
import socket
from pathlib import Path

from deploy import doctor, ports
from deploy.stack.folder import DataFolder


def test_an_old_python_is_bad_and_a_new_one_is_well() -> None:
    assert doctor.python((3, 10)).is_bad
    assert "python3.12" in doctor.python((3, 10)).mend
    assert not doctor.python((3, 11)).is_bad


def test_the_engines_of_this_environment_are_found() -> None:
    assert not doctor.java().is_bad
    assert not doctor.clickhouse().is_bad


def test_little_disk_or_memory_is_told(tmp_path: Path) -> None:
    assert "--data" in doctor.disk(tmp_path, 1_000_000).mend
    assert not doctor.disk(tmp_path, 10**11).is_bad
    assert doctor.memory(10**8).is_bad
    assert not doctor.memory(10**10).is_bad


def test_a_folder_in_use_is_told_with_its_owner(tmp_path: Path) -> None:
    assert not doctor.folder(tmp_path / "new").is_bad
    owner = DataFolder(tmp_path)
    asyncio.run(owner.acquire(lambda _line: None))
    finding = doctor.folder(tmp_path)
    owner.release()
    assert "in use by process" in finding.seen
    assert not doctor.folder(tmp_path).is_bad


def test_a_taken_port_is_told_with_who_took_it_and_the_option() -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        finding = doctor.port("--kafka-port", taken.getsockname()[1], is_free=False)
    assert "process" in finding.seen
    assert "--kafka-port" in finding.mend


def test_an_engine_that_does_not_answer_is_told_with_its_variable() -> None:
    number = ports.free_ports(1)[0]
    finding = asyncio.run(
        doctor.external("CLICKHOUSE_URL", {"CLICKHOUSE_URL": f"http://{ports.HOST}:{number}"})
    )
    assert "CLICKHOUSE_URL" in finding.mend


def test_a_registry_that_cannot_be_reached_is_told_when_the_jars_are_missing(tmp_path: Path) -> None:
    registry = f"http://{ports.HOST}:{ports.free_ports(1)[0]}"
    finding = doctor.jars({"STITCHLINE_CACHE_DIR": str(tmp_path), "STITCHLINE_JAR_REGISTRY": registry})
    assert finding.is_bad
    assert "make setup" in finding.mend
