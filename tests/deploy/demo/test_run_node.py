"""A program of Node's that fails or does not end: what is told of it, and nothing stays open."""

import asyncio
import gc
from pathlib import Path

import pytest

from deploy.demo.libraries import NotAccepted, run_node

WAITS = (
    "process.stdin.on('end', () => 0).resume(); setInterval(() => 0, 1000); process.stdout.write('begun');"
)
# As one that starts a browser does: told to end, it ends that first.
ENDS_IN_ORDER = f"process.on('SIGTERM', () => setTimeout(() => process.exit(3), 50)); {WAITS}"


def program(folder: Path, text: str) -> Path:
    made = folder / "program.mjs"
    made.write_text(text)
    return made


@pytest.mark.parametrize("text", [WAITS, ENDS_IN_ORDER])
@pytest.mark.filterwarnings("error")  # of pipes that are left open
def test_one_that_does_not_end_is_ended_with_its_pipes(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotAccepted, match=r"program.mjs did not end within 0.5 s"):
        asyncio.run(run_node(program(tmp_path, text), b"{}" * 100_000, patience_s=0.5))
    gc.collect()


def test_what_a_program_writes_comes_back_and_its_error_is_told(tmp_path: Path) -> None:
    echo = "import { text } from 'node:stream/consumers'; process.stdout.write(await text(process.stdin) + process.argv[2]);"
    assert asyncio.run(run_node(program(tmp_path, echo), b"a", "b")) == b"ab"
    with pytest.raises(NotAccepted, match=r"program.mjs failed: (?s:.*)Error: no such thing"):
        asyncio.run(run_node(program(tmp_path, "throw new Error('no such thing');"), b""))
