"""A real browser as Python objects: contexts (profiles of their own) and pages, driven through `driver.mjs`."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.demo.javascript import CHECKOUT, node

DRIVER = Path(__file__).parent / "driver.mjs"
STOP_S = 30


class Browser:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def context(self) -> "Context":
        return Context(self, self.ask("context"))

    def ask(self, command: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"command": command, **given}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the browser's driver has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


class Context:
    """One visitor's browser: cookies and storage of its own."""

    def __init__(self, browser: Browser, number: int) -> None:
        self._browser = browser
        self._number = number

    def page(self, url: str = "") -> "Page":
        return Page(self._browser, self._browser.ask("page", context=self._number, url=url))

    def pages(self, urls: list[str]) -> list["Page"]:
        """Opened first, and then led to their addresses all at once."""
        numbers = self._browser.ask("pages", context=self._number, urls=urls)
        return [Page(self._browser, number) for number in numbers]

    def cookies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._browser.ask("cookies", context=self._number)
        return found


class Page:
    def __init__(self, browser: Browser, number: int) -> None:
        self._browser = browser
        self._number = number

    def goto(self, url: str) -> None:
        self._browser.ask("goto", page=self._number, url=url)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        return self._browser.ask("run", page=self._number, script=script)

    def close(self) -> None:
        self._browser.ask("close", page=self._number)

    def errors(self) -> list[str]:
        """What was thrown and nobody caught, and what the console has in red."""
        found: list[str] = self._browser.ask("errors", page=self._number)
        return found


@contextmanager
def browser(executable: Path, secure_origins: list[str]) -> Iterator[Browser]:
    argv = [str(node()), str(DRIVER), str(executable), *secure_origins]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, bufsize=1
    )
    try:
        yield Browser(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
