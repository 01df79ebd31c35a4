"""What deploy/Dockerfile and deploy/compose.yaml say, for tests that run the same without a container."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
OURS = "stitchline:"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order: name and arguments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in whole.splitlines())]


def last_stage() -> list[tuple[str, str]]:
    """The instructions of the image that is kept."""
    every = instructions()
    start = max(number for number, (name, _) in enumerate(every) if name == "FROM")
    return every[start:]


def last(name: str) -> str:
    return [rest for found, rest in last_stage() if found == name][-1]


def pairs(name: str) -> dict[str, str]:
    """ENV or LABEL of the image."""
    words = [word for found, rest in last_stage() if found == name for word in shlex.split(rest)]
    return dict(word.partition("=")[::2] for word in words)


def healthcheck() -> list[str]:
    command: list[str] = yaml.safe_load(last("HEALTHCHECK").partition("CMD ")[2])
    return command


def services() -> dict[str, dict[str, Any]]:
    """Compose's, with what is shared put in its place."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def ours() -> dict[str, dict[str, Any]]:
    """Those that run our image."""
    return {name: service for name, service in services().items() if service["image"].startswith(OURS)}


def jobs(found: Mapping[str, dict[str, Any]]) -> list[str]:
    """Those that must have ended before others start."""
    return [
        other
        for other in found
        if any(
            service.get("depends_on", {}).get(other, {}).get("condition") == "service_completed_successfully"
            for service in found.values()
        )
    ]


def stages() -> dict[str, dict[str, Any]]:
    """Those of ours that stay."""
    return {name: service for name, service in ours().items() if service["restart"] == "unless-stopped"}


def volume(service: Mapping[str, Any]) -> str:
    """What is at /data; empty: nothing, and the root file system is read-only."""
    mounted = dict(entry.split(":", 1)[::-1] for entry in service.get("volumes", []))
    return str(mounted.get("/data", ""))


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration[:-1])
