"""The cache of jars: only what the list says gets in, and a cache that is whole asks nobody."""

import hashlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded import kafka
from deploy.embedded.jars import FetchFailed, Jar, fetch, missing, read_list
from runtime.environment.settings import EngineSettings, load

CONTENT = {"org.example:first:1.0": b"first jar", "org.example:second:2.1": b"second jar, a little longer"}
JARS = [Jar(name, hashlib.sha256(content).hexdigest(), len(content)) for name, content in CONTENT.items()]


class Registry:
    """Hands out CONTENT, or what it was told instead; counts."""

    def __init__(self, altered: dict[str, bytes] | None = None) -> None:
        self.content = CONTENT | (altered or {})
        self.asked: list[str] = []

    def download(self, name: str, folder: Path) -> Path:
        self.asked.append(name)
        path = folder / "fetched.jar"
        path.write_bytes(self.content[name])
        return path


def say(_text: str) -> None:
    pass


def test_fetched_jars_are_given_in_the_lists_order(tmp_path: Path) -> None:
    assert [path.read_bytes() for path in fetch(JARS, tmp_path, Registry().download, say)] == list(
        CONTENT.values()
    )


def test_a_whole_cache_asks_no_registry(tmp_path: Path) -> None:
    fetch(JARS, tmp_path, Registry().download, say)
    again = Registry()
    fetch(JARS, tmp_path, again.download, say)
    assert again.asked == []


@pytest.mark.parametrize("broken", [b"first", b"first jaR", b""], ids=["cut off", "altered", "empty"])
def test_a_broken_jar_is_fetched_anew(tmp_path: Path, broken: bytes) -> None:
    first, _ = fetch(JARS, tmp_path, Registry().download, say)
    first.write_bytes(broken)
    again = Registry()
    fetch(JARS, tmp_path, again.download, say)
    assert again.asked == ["org.example:first:1.0"]
    assert missing(JARS, tmp_path) == []


def test_a_jar_that_is_not_the_lists_is_refused_and_not_kept(tmp_path: Path) -> None:
    registry = Registry({"org.example:second:2.1": b"something else"})
    with pytest.raises(FetchFailed, match="second"):
        fetch(JARS, tmp_path, registry.download, say)
    assert [jar.name for jar in missing(JARS, tmp_path)] == ["org.example:second:2.1"]
    assert not list(tmp_path.glob(".fetching*"))


def test_a_failure_that_passes_is_tried_again(tmp_path: Path) -> None:
    registry = Registry()
    failures = iter([True])

    def download(name: str, folder: Path) -> Path:
        if next(failures, False):
            raise FetchFailed("the line is bad")
        return registry.download(name, folder)

    fetch(JARS, tmp_path, download, say)
    assert missing(JARS, tmp_path) == []


def test_of_two_that_fetch_at_once_one_does_the_work(tmp_path: Path) -> None:
    registry = Registry()
    together = [
        threading.Thread(target=fetch, args=(JARS, tmp_path, registry.download, say)) for _ in range(2)
    ]
    for each in together:
        each.start()
    for each in together:
        each.join()
    assert sorted(registry.asked) == sorted(CONTENT)


def test_what_is_awaited_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    fetch(JARS, tmp_path, Registry().download, told.append)
    assert "2 jars" in told[0]
    assert "2 of 2 jars" in told[-1]


def test_the_committed_list_names_each_jar_once() -> None:
    listed = read_list(kafka.LIST.read_text())
    assert len({jar.file_name for jar in listed}) == len(listed)
    assert f"org.apache.kafka:kafka_2.13:{kafka.VERSION}" in {jar.name for jar in listed}


def test_kafka_needs_no_network_once_it_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(EngineSettings, {})
    kafka.fetch(settings.cache_path, say)
    monkeypatch.setattr(socket, "getaddrinfo", _refused)
    monkeypatch.setattr(socket.socket, "connect", _refused)
    assert kafka.is_cached(settings.cache_path)
    assert all(path.exists() for path in kafka.fetch(settings.cache_path, say))


def _refused(*_arguments: object) -> Callable[[], None]:
    raise OSError("no network in this test")
