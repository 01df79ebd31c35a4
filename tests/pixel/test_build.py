"""What is served is what the sources say, and stays small."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from collector.pixel_parts import cut, parts_of
from collector.script import FILE, PARTS, version_of
from deploy.applying.configuration import read_file
from deploy.demo.javascript import CHECKOUT, node
from schemas.control import ControlState
from schemas.pixel.pixel_config import parts_config, parts_prelude, pixel_config, prelude
from tests.pixel.site import SNIPPETS, WRITE_KEY

GZIP_BYTES_MAX = 8_192  # of each script that a page loads, whatever its source is configured to
ON = ("page", "click", "submit", "scroll", "time", "media", "arrival")
DEFINITIONS: list[dict[str, Any]] = [
    *({"on": on} for on in ON),
    {"on": "scroll", "selector": "footer"},
    {"on": "click", "outbound": True},
    {"on": "page", "pages": ["/a"]},
    {"on": "page", "query": {"a": "b"}},
    *({"on": "page", "properties": {"a": said}} for said in (1, {"field": "a"}, {"meta": "a"})),
]
SAYINGS: list[dict[str, Any]] = [
    {"emails": "plain"},
    {"domains": ["a.example"]},
    *({"events": [definition]} for definition in DEFINITIONS),
]
# All that can be said in front of the first script, with long words.
TOLD: dict[str, Any] = {
    "key": "k" * 40,
    "paths": {name: f"/assets/of-the-shop/{name}" for name in ("batch", "visitor", "parts")},
    "parts": "0123456789abcdef",
    "pages": True,
    "domains": ["shop.example", "*.shop.example", "*.a-sister-of-the-shop.example"],
    "consent": {"categories": ["analytics", "marketing", "preferences"], "needed": "analytics"}
    | {"before": "cookieless", "denied": "cookieless"},
    "gpc": "cookieless",
    "dnt": "cookieless",
    "cookieless": True,
}
EXAMPLE = CHECKOUT / "deploy" / "examples" / "shop" / "shop.yaml"
NO_SUCH_NAME = re.compile(r".*error TS(?:2304|2552|2663|1\d{3}):.*")
MARK = re.compile(r"/\*! (if [a-z ]+|end) \*/")
EVERY_PART = frozenset(name for mark in MARK.findall(PARTS.read_text()) for name in mark.split()[1:])
PACKAGE = CHECKOUT / "collector" / "npm"
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


def test_the_files_that_are_served_were_built_from_these_sources() -> None:
    """Mend it with: npm run pixel"""
    assert FILE.read_bytes() == npm("pixel:bundle")
    assert PARTS.read_bytes() == npm("pixel:parts")
    assert (PACKAGE / "index.js").read_bytes() == npm("pixel:module")
    assert (PACKAGE / "parts.js").read_bytes() == npm("pixel:module-parts")


def compressed(content: bytes) -> int:
    return len(gzip.compress(content, mtime=0))


def test_the_types_are_right() -> None:
    npm("pixel:types")


def test_the_first_script_is_small_whatever_is_said_in_front_of_it() -> None:
    assert compressed(prelude(TOLD) + FILE.read_bytes()) <= GZIP_BYTES_MAX, npm("pixel:sizes").decode()


@pytest.mark.parametrize("said", [*SAYINGS, None], ids=str)
def test_the_second_script_is_small_whichever_parts_it_has(said: dict[str, Any] | None) -> None:
    """None: all of them."""
    parts = EVERY_PART if said is None else parts_of(said)
    assert compressed(cut(PARTS.read_bytes(), parts)) <= GZIP_BYTES_MAX, npm("pixel:sizes").decode()


def test_both_scripts_of_the_example_shop_are_small_with_all_that_it_defines() -> None:
    state = ControlState(read_file(EXAMPLE))
    (source,) = state.sources
    more = parts_config(source, state.pixel_events[source.id])
    second = parts_prelude(more) + cut(PARTS.read_bytes(), parts_of(more))
    first = prelude(pixel_config(source, "shop-page", version_of(second))) + FILE.read_bytes()
    assert max(compressed(first), compressed(second)) <= GZIP_BYTES_MAX


def test_the_package_is_two_small_files_too() -> None:
    assert (
        max(compressed((PACKAGE / name).read_bytes()) for name in ("index.js", "parts.js")) <= GZIP_BYTES_MAX
    )


def test_no_mark_is_served() -> None:
    assert "/*!" not in cut(PARTS.read_bytes(), EVERY_PART).decode()
    for file in (FILE, PACKAGE / "index.js", PACKAGE / "parts.js"):
        assert "/*!" not in file.read_text()


def test_no_cut_script_uses_a_name_that_was_cut_out(tmp_path: Path) -> None:
    """One script for each thing that a configuration can say: what is there for several is there for each of them."""
    for index, said in enumerate(SAYINGS):
        (tmp_path / f"{index}.js").write_bytes(cut(PARTS.read_bytes(), parts_of(said)))
    compiler = CHECKOUT / "node_modules" / "typescript" / "bin" / "tsc"
    options = (
        "--noEmit --allowJs --checkJs --moduleDetection force --target es2022 --lib es2022,dom,dom.iterable"
    )
    argv = [str(node()), str(compiler), *options.split(), *(path.name for path in tmp_path.glob("*.js"))]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert "error TS2339" in done.stdout, "it has looked: minified scripts are full of what has no type"
    assert NO_SUCH_NAME.findall(done.stdout) == []


def test_nothing_in_it_makes_code_of_text() -> None:
    for file in (FILE, PARTS):
        assert "eval(" not in file.read_text()
        assert "Function(" not in file.read_text()


def test_it_names_the_version_of_the_release() -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert f'"{version}"' in FILE.read_text()
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == version


def test_the_package_is_silent_on_a_server() -> None:
    """Whoever renders pages there imports it, too: nothing happens, and no call is an error."""
    calls = "page track identify group alias setAnonymousId reset ready consent"
    script = (
        "const { load } = await import(process.argv[1]); const pixel = load({ key: 'a', host: 'https://events.shop.example' });"
        "for (const call of process.argv[2].split(' ')) pixel[call]('x'); console.log(Object.keys(pixel).join(' '))"
    )
    argv = [str(node()), "--input-type=module", "--eval", script, (PACKAGE / "index.js").as_uri(), calls]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (calls, "")


def test_a_typescript_project_takes_the_package_as_it_is(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "node_modules" / "stitchline-pixel")
    good = "pixel.track('Bought', { total: 1 }, () => undefined); pixel.page(); pixel.consent(null);"
    head = "import { load } from 'stitchline-pixel'; const pixel = load({ key: 'a', host: 'b' });"
    (tmp_path / "good.ts").write_text(f"{head} {good}")
    (tmp_path / "bad.ts").write_text(f"{head} pixel.track();")
    compiler = CHECKOUT / "node_modules" / "typescript" / "bin" / "tsc"
    options = "--noEmit --strict --module esnext --moduleResolution bundler --lib es2018,dom good.ts bad.ts"
    argv = [str(node()), str(compiler), *options.split()]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert [line.partition("(")[0] for line in done.stdout.splitlines()] == ["bad.ts"], done.stdout


def test_the_demonstrations_pages_have_the_snippet_of_the_docs() -> None:
    """But for the key and the address, and the page view, which the visits make themselves."""
    lines = [line for line in SNIPPETS[0].splitlines() if WRITE_KEY not in line and "page();" not in line]
    assert len(lines) == 4
    embedded = (CHECKOUT / "deploy" / "demo" / "browser.mjs").read_text().splitlines()
    assert [line for line in lines if not any(line in found for found in embedded)] == []


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.ts")), ids=lambda path: path.name)
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= LINES_MAX
