"""The recipes of docs/clients.md in Go, Java, PHP and Ruby, made ready to run where their toolchains are.

`python -m tests.clients.servers` builds what has to be built, into a folder that git does not know, and is the only thing here
that needs the network: Go's modules are pinned by go.sum, Java's jars by their SHA-256. The tests run what is there, and say what
is missing. Absent: what must come of it (test_servers.py).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from deploy.demo.javascript import CHECKOUT
from deploy.embedded.jars import FetchFailed, by_jgo, fetch, read_list
from tests.clients.snippets import ADDRESS, PAGE, WRITE_KEY

FOLDER = Path(__file__).parent
BUILT = CHECKOUT / ".clients"
BUILD_S, RUN_S = 600, 90
ENVIRONMENT = ("COLLECTOR", "WRITE_KEY")  # a program that was built is told where to send by these
HINT = "run `make clients`, which fetches and builds it"


class NotHere(Exception):
    """A recipe cannot be run on this machine; the text says why."""


class Recipe(msgspec.Struct, frozen=True):
    """`place`: which of the language's code blocks on the page."""

    language: str
    tool: str
    place: int = 0

    @property
    def code(self) -> str:
        blocks = re.findall(rf"^```{self.language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
        code = str(blocks[self.place])
        assert ADDRESS in code
        assert WRITE_KEY in code
        return code

    @property
    def built(self) -> Path:
        """Of exactly this code with exactly these packages."""
        parts = [
            self.code.encode(),
            *(path.read_bytes() for path in sorted((FOLDER / self.language).iterdir())),
        ]
        return BUILT / f"{self.language}-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:16]}"


GO, JAVA = Recipe("go", "go"), Recipe("java", "javac")
PHP, RUBY = Recipe("php", "php", 1), Recipe("ruby", "ruby", 1)
RECIPES = (GO, JAVA, PHP, RUBY)


def run(recipe: Recipe, address: str, key: str) -> None:
    """Returns when the program has ended. Raises NotHere."""
    if not shutil.which(recipe.tool):
        raise NotHere(f"there is no {recipe.tool} on this machine")
    if recipe is PHP and not _has_curl():
        raise NotHere("this machine's PHP has no curl (Debian's php-curl)")
    if recipe in (PHP, RUBY):
        code = recipe.code.replace(ADDRESS, address).replace(WRITE_KEY, f'"{key}"')
        _run([recipe.tool], code, RUN_S)
        return
    if not recipe.built.is_dir():
        raise NotHere(f"its program is not built: {HINT}")
    own = dict(zip(ENVIRONMENT, (address, key), strict=True))
    _run(_command(recipe), "", RUN_S, own)


def _has_curl() -> bool:
    argv = ["php", "-r", 'exit(function_exists("curl_init") ? 0 : 1);']
    return subprocess.run(argv, capture_output=True, timeout=RUN_S, check=False).returncode == 0


def build(recipe: Recipe) -> None:
    """Of those in Go and Java, if it is not there. Raises NotHere."""
    if not shutil.which(recipe.tool):
        raise NotHere(f"there is no {recipe.tool} on this machine")
    if recipe not in (GO, JAVA) or recipe.built.is_dir():
        return
    work = BUILT / f"{recipe.language}-work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(FOLDER / recipe.language, work)
    try:
        (_build_go if recipe is GO else _build_java)(recipe, work)
    except (subprocess.TimeoutExpired, FetchFailed, AssertionError) as error:
        raise NotHere(f"it cannot be built: {error}") from error
    work.rename(recipe.built)  # all or nothing


def _build_go(recipe: Recipe, work: Path) -> None:
    code = _told(recipe, 'os.Getenv("%s")').replace("import ", 'import "os"\nimport ', 1)
    (work / "main.go").write_text(code)
    _run(["go", "build", "-mod=readonly", "-o", "recipe", "."], "", BUILD_S, cwd=work)


def _build_java(recipe: Recipe, work: Path) -> None:
    fetch(read_list((work / "jars.txt").read_text()), work / "jars", by_jgo(), lambda line: None)
    (work / "Recipe.java").write_text(_told(recipe, 'System.getenv("%s")'))
    _run(["javac", "-cp", "jars/*", "Recipe.java"], "", BUILD_S, cwd=work)


def _told(recipe: Recipe, variable: str) -> str:
    address, key = (variable % name for name in ENVIRONMENT)
    return recipe.code.replace(f'"{ADDRESS}"', address).replace(WRITE_KEY, key)


def _command(recipe: Recipe) -> list[str]:
    if recipe is GO:
        return [str(recipe.built / "recipe")]
    return ["java", "-cp", f"{recipe.built}{os.pathsep}{recipe.built / 'jars' / '*'}", "Recipe"]


def _run(
    argv: list[str], text: str, timeout_s: float, own: dict[str, str] | None = None, cwd: Path = CHECKOUT
) -> None:
    done = subprocess.run(
        argv, input=text, cwd=cwd, env=os.environ | (own or {}), capture_output=True, text=True, timeout=timeout_s,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr or done.stdout)[-3000:]


def main() -> None:
    """What cannot be built is said, and is no error: its test is skipped."""
    BUILT.mkdir(exist_ok=True)
    for recipe in RECIPES:
        try:
            build(recipe)
            said = "ready"
        except NotHere as why:
            said = str(why)
        sys.stdout.write(f"{recipe.language}: {said}\n")


if __name__ == "__main__":
    main()
