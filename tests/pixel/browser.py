"""A real browser as Python objects: contexts (private windows of their own) and pages, driven through `driver.mjs`.

What a visitor does (click, type, wheel, press) is real input. Where a method takes a `selector`, it waits for that element.
Chromium blocks third-party cookies in private windows; `Browser.profile` is one on disk that may allow them, and that can be
closed and opened again.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from deploy.demo.javascript import CHECKOUT, node
from tests.pixel.blocklist import Rule

DRIVER = Path(__file__).parent / "driver.mjs"
STOP_S = 30

GPC, DNT = "gpc", "dnt"  # what a visitor wishes: the header, and what scripts see

# Everything that the page's origin has stored in the browser and that scripts can read.
STORAGE = """(async () => ({
  local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie,
  databases: (await indexedDB.databases()).map(({ name }) => name), caches: await caches.keys(),
}))()"""

# What the browser itself has noted since the page began; observers hear it in tasks of their own.
PERFORMANCE = """new Promise((done) => {
  const found = { "longtask": [], "layout-shift": [] };
  for (const type of Object.keys(found)) {
    new PerformanceObserver((list) => found[type].push(...list.getEntries().map((entry) => entry.toJSON())))
      .observe({ type, buffered: true });
  }
  setTimeout(() => done(found), 100);
})"""


class Request(msgspec.Struct):
    """As the page made it. `status` is 0 until it is answered; `failure` is the browser's own word for why it never was."""

    method: str
    url: str
    kind: str
    body: str
    headers: dict[str, str]
    status: int
    failure: str


class Browser:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._open: set[int] = set()

    def context(
        self,
        *,
        wishes: Sequence[str] = (),
        scripts: Sequence[str] = (),
        user_agent: str = "",
        viewport: tuple[int, int] | None = None,
        javascript: bool = True,
        profile: dict[str, Any] | None = None,
    ) -> "Context":
        """`wishes` are GPC and DNT; `scripts` run in every page before the page's own."""
        number = self.ask(
            "context",
            wishes=wishes,
            scripts=scripts,
            userAgent=user_agent,
            viewport=viewport,
            javaScript=javascript,
            profile=profile,
        )
        self._open.add(number)
        return Context(self, number)

    def end_context(self, number: int) -> None:
        self._open.discard(number)  # before it may fail: one fault is one test's
        self.ask("end", context=number)

    def end_contexts(self) -> None:
        """All that are open. A page that nobody looks at any more goes on with its timers, and keeps a process."""
        for number in sorted(self._open):
            self.end_context(number)

    def profile(self, folder: Path, *, third_party_cookies: bool) -> "Context":
        """What it stores is in the folder, after `end()` too."""
        return self.context(profile={"folder": str(folder), "thirdPartyCookies": third_party_cookies})

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
        return Page(self._browser, self._ask("page", url=url))

    def pages(self, urls: list[str]) -> list["Page"]:
        """Opened first, and then led to their addresses all at once."""
        return [Page(self._browser, number) for number in self._ask("pages", urls=urls)]

    def tabs(self) -> list["Page"]:
        """All that are open, those that pages opened too."""
        return [Page(self._browser, number) for number in self._ask("tabs")]

    def offline(self, is_offline: bool = True) -> None:
        self._ask("offline", isOffline=is_offline)

    def block(self, rules: Sequence[Rule]) -> None:
        """As an ad blocker does, from now on; pages themselves are never blocked."""
        self._ask("block", rules=[msgspec.to_builtins(rule) for rule in rules])

    def requests(self, part: str = "") -> list[Request]:
        """Those with this part in their address, in the order in which pages made them."""
        found = msgspec.convert(self._ask("requests"), list[Request])
        return [request for request in found if part in request.url]

    def cookies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("cookies")
        return found

    def set_cookie(self, url: str, name: str, value: str) -> None:
        self._ask("setCookies", cookies=[{"url": url, "name": name, "value": value}])

    def forget_cookies(self) -> None:
        self._ask("forget")

    def stop_clock(self) -> None:
        """In pages that are opened from now on time stands still: Date, timers and performance.now()."""
        self._ask("stopClock")

    def move_clock(self, ms: int) -> None:
        """As if so much time went by; timers that are due fire."""
        self._ask("moveClock", ms=ms)

    def end(self) -> None:
        self._browser.end_context(self._number)

    def _ask(self, command: str, **given: Any) -> Any:
        return self._browser.ask(command, context=self._number, **given)


class Page:
    """`frame` is a part of a frame's address, where something is to happen in that frame."""

    def __init__(self, browser: Browser, number: int) -> None:
        self._browser = browser
        self._number = number

    def goto(self, url: str, referer: str = "") -> None:
        self._ask("goto", url=url, referer=referer)

    def back(self) -> None:
        self._ask("history", direction="goBack")

    def forward(self) -> None:
        self._ask("history", direction="goForward")

    def reload(self) -> None:
        self._ask("history", direction="reload")

    def url(self) -> str:
        found: str = self._ask("url")
        return found

    def run(self, script: str, frame: str = "") -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        return self._ask("run", script=script, frame=frame)

    def click(
        self, selector: str, *, button: str = "left", modifiers: Sequence[str] = (), frame: str = ""
    ) -> None:
        self._ask("click", selector=selector, button=button, modifiers=modifiers, frame=frame)

    def type(self, selector: str, text: str, frame: str = "") -> None:
        """Key by key, behind what is there."""
        self._ask("type", selector=selector, text=text, frame=frame)

    def fill(self, selector: str, text: str) -> None:
        """In place of what is there, at once."""
        self._ask("fill", selector=selector, text=text)

    def choose(self, selector: str, value: str) -> None:
        """One of a <select>'s."""
        self._ask("choose", selector=selector, value=value)

    def press(self, key: str) -> None:
        """In what has the focus: "Enter", "Tab", "Control+A"."""
        self._ask("press", key=key)

    def wheel(self, down: int) -> None:
        """In pixels."""
        self._ask("wheel", down=down)

    def wait(self, selector: str, state: str = "visible") -> None:
        """`state` is attached, detached, visible or hidden."""
        self._ask("wait", selector=selector, state=state)

    def wait_url(self, part: str) -> None:
        self._ask("waitUrl", part=part)

    def storage(self) -> dict[str, Any]:
        """local, session, cookies, databases, caches."""
        found: dict[str, Any] = self.run(STORAGE)
        return found

    def performance(self) -> dict[str, list[dict[str, Any]]]:
        """`longtask` and `layout-shift` since the page began."""
        found: dict[str, list[dict[str, Any]]] = self.run(PERFORMANCE)
        return found

    def screenshot(self, path: Path, *, full: bool = False) -> None:
        self._ask("screenshot", path=str(path), full=full)

    def close(self) -> None:
        self._ask("close")

    def errors(self) -> list[str]:
        """What was thrown and nobody caught, and what the console has in red."""
        found: list[str] = self._ask("errors")
        return found

    def console(self) -> list[str]:
        """All that the console has, as "warning: text"."""
        found: list[str] = self._ask("console")
        return found

    def _ask(self, command: str, **given: Any) -> Any:
        return self._browser.ask(command, page=self._number, **given)


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
