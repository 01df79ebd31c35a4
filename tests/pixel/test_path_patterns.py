"""Path patterns mean the same here, by regular expressions, as in the pixel, which has none."""

import json
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo.javascript import node

HERE = Path(__file__).parent
TABLE = json.loads((HERE / "path_patterns.json").read_text())["cases"]
FEW = "ab/*%2é."
CASES_MAX = 2_000


def readable(text: str) -> str:
    """As decodeURIComponent: all of it or nothing."""
    if not re.search(r"%(?![0-9A-Fa-f]{2})", text):
        with suppress(UnicodeDecodeError):
            text = unquote_to_bytes(text).decode()
    return text[0] + text[1:].rstrip("/") if text else text


def counts(pattern: str, path: str) -> bool:
    parts = map(re.escape, readable(pattern).split("*"))
    return re.fullmatch(".*".join(parts), readable(path), re.DOTALL) is not None


def test_the_table_is_true_by_regular_expressions() -> None:
    assert [(pattern, path) for pattern, path, wanted in TABLE if counts(pattern, path) is not wanted] == []


def test_whatever_pattern_and_path_both_say_the_same() -> None:
    """Many small ones: few letters, so that about half of them fit."""
    found: list[tuple[str, str, bool]] = []

    @settings(max_examples=CASES_MAX, database=None)
    @given(st.text(FEW, max_size=8), st.text(FEW.replace("*", ""), max_size=8))
    def collect(pattern: str, path: str) -> None:
        found.append(("/" + pattern, "/" + path, counts("/" + pattern, "/" + path)))

    collect()
    assert len({wanted for *_, wanted in found}) == 2
    argv = [str(node()), "--test", "--test-name-pattern=a path counts", str(HERE / "conditions.test.ts")]
    environ = os.environ | {"PATH_PATTERNS": json.dumps(found)}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
