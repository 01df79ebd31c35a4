"""What `up` prints for people can be typed as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from deploy.queries import names
from deploy.stack.stack import Addresses
from deploy.stack.welcome import welcome
from schemas.events.call import CALL_TYPES

ROOT = Path(__file__).parents[3]
ADDRESSES = Addresses(
    collector="http://127.0.0.1:18080",
    console="http://127.0.0.1:18081",
    clickhouse="http://127.0.0.1:18123",
    kafka="127.0.0.1:19092",
    write_key="dev",
    server_key="dev-server",
    data="/somewhere/data",
)


@pytest.fixture(params=[ROOT, Path("/")], ids=["in the checkout", "elsewhere"])
def commands(request: pytest.FixtureRequest) -> list[list[str]]:
    """Those that begin with curl, as a shell takes them apart."""
    lines = welcome(ADDRESSES, request.param, "stitchline")
    found = [line[line.index("curl ") :] for line in lines if "curl " in line]
    return [
        [str(request.param / part[1:]) if part.startswith("@") else part for part in shlex.split(command)]
        for command in found
    ]


def test_every_query_that_is_named_is_there(commands: list[list[str]]) -> None:
    files = [Path(command[-1]) for command in commands if "--data-binary" in command]
    assert len(files) == 3
    assert all(path.is_file() and path.stem in names() for path in files)


def test_the_first_event_is_a_call_of_the_tracking_api(commands: list[list[str]]) -> None:
    first, second = [command for command in commands if "-u" in command]
    assert first[:3] == ["curl", "-u", "dev:"]
    path = re.fullmatch(r"http://127\.0\.0\.1:18080/v1/(\w+)", first[3])
    assert path
    assert path[1] in CALL_TYPES
    assert second[1:] == ["-u", "dev-server:", "http://127.0.0.1:18081/v1/profiles/user_id:ann/journey"]


def test_every_address_is_told() -> None:
    text = "\n".join(welcome(ADDRESSES, ROOT, "stitchline"))
    for address in (
        ADDRESSES.collector,
        ADDRESSES.console,
        ADDRESSES.clickhouse,
        ADDRESSES.kafka,
        ADDRESSES.data,
    ):
        assert address in text
    assert text.endswith("ready; Ctrl-C stops")


def test_the_line_for_a_page_sends_something() -> None:
    [tag] = [line for line in welcome(ADDRESSES, ROOT, "stitchline") if "<script" in line]
    assert f'src="{ADDRESSES.collector}/pixel.js" data-write-key="{ADDRESSES.write_key}"' in tag
    assert 'onload="stitchline.page()"' in tag
