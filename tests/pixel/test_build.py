"""What is served is what the sources say, and stays small."""

import gzip
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from collector.script import FILE
from deploy.demo.javascript import CHECKOUT, node
from tests.pixel.site import SNIPPETS, WRITE_KEY

GZIP_BYTES_MAX = 8_192
SOURCES = CHECKOUT / "collector" / "pixel"
LINES_MAX = 300


def npm(script: str) -> bytes:
    """The standard output of a script of package.json."""
    beside = Path(sys.executable).parent
    environ = os.environ | {"PATH": f"{beside}{os.pathsep}{node().parent}{os.pathsep}{os.environ['PATH']}"}
    program = shutil.which("npm", path=environ["PATH"])
    assert program
    argv = [program, "run", "--silent", script]
    done = subprocess.run(argv, cwd=CHECKOUT, env=environ, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout


def test_the_file_that_is_served_was_built_from_these_sources() -> None:
    """Mend it with: npm run pixel"""
    assert FILE.read_bytes() == npm("pixel:bundle")


def test_the_types_are_right() -> None:
    npm("pixel:types")


def test_it_is_small() -> None:
    assert len(gzip.compress(FILE.read_bytes(), mtime=0)) <= GZIP_BYTES_MAX


def test_nothing_in_it_makes_code_of_text() -> None:
    source = FILE.read_text()
    assert "eval(" not in source
    assert "Function(" not in source


def test_it_names_the_version_of_the_release() -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert f'"{version}"' in FILE.read_text()


def test_the_demonstrations_pages_have_the_snippet_of_the_docs() -> None:
    """But for the key and the address, and the page view, which the visits make themselves."""
    lines = [line for line in SNIPPETS[0].splitlines() if WRITE_KEY not in line and "page();" not in line]
    assert len(lines) == 5
    embedded = (CHECKOUT / "deploy" / "demo" / "browser.mjs").read_text().splitlines()
    assert [line for line in lines if not any(line in found for found in embedded)] == []


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.ts")), ids=lambda path: path.name)
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= LINES_MAX
