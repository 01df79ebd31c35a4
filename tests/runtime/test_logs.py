"""What a process logs, and what never stands there."""

import json
import socket
import subprocess
import sys

ASK = """
import sys
from runtime import logs
from urllib3 import PoolManager
from urllib3.exceptions import MaxRetryError

logs.configure("test")
import clickhouse_connect.driver.httputil  # a command imports it when it needs it, and it gives urllib3's logger a level

try:
    PoolManager().request("GET", f"http://127.0.0.1:{sys.argv[1]}/?param_who=ann", retries=1)
except MaxRetryError:
    print("refused")
"""


def test_a_query_that_found_nobody_leaves_its_parameters_in_no_log() -> None:
    """ClickHouse's client sends them in the address, which its connections would log with each retry."""
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        asked = [sys.executable, "-c", ASK, str(closed.getsockname()[1])]
        told = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert (told.stdout, told.stderr) == ("refused\n", "")


FAIL = """
import asyncio
from runtime import logs

def mistaken():
    payload = "secret"
    raise LookupError("a mistake")

async def scenario():
    asyncio.get_running_loop().call_soon(mistaken)
    await asyncio.sleep(0)

logs.configure("test")
asyncio.run(scenario())
"""


def test_what_fails_on_an_event_loop_is_told_with_where_and_without_what_it_worked_on() -> None:
    told = subprocess.run(
        [sys.executable, "-c", FAIL], capture_output=True, text=True, check=True, timeout=60
    )
    (line,) = told.stderr.splitlines()
    (error,) = json.loads(line)["exception"]
    assert (error["exc_type"], error["exc_value"]) == ("LookupError", "a mistake")
    assert "mistaken" in [frame["name"] for frame in error["frames"]]
    assert "secret" not in line
