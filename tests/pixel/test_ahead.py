"""Pages that browsers make ready before anybody asks for them, as Chromium does it.

What drives the other tests forbids that, so Chromium runs by itself here, and its page goes on by a script of its own.
"""

import subprocess
from pathlib import Path

from tests.pixel.door import Door, until
from tests.pixel.site import Site, snippet

RULES = """<script type=speculationrules>{"prerender": [{"source": "list", "urls": ["NEXT"]}]}</script>"""
GO_ON_MS = 3_000


READY = """<script>
fetch(`/ready-${document.prerendering}`, {method: "POST", body: ""});
document.addEventListener("prerenderingchange", () => fetch("/seen", {method: "POST", body: new Date().toISOString()}));
</script>"""


def test_a_page_that_is_made_ready_ahead_tells_nothing_before_it_is_seen(
    chromium: Path, site: Site, door: Door, tmp_path: Path
) -> None:
    """Nor does it ask who somebody is; then its events have the time at which it was seen."""
    door.config = {"pages": True}
    own = snippet(0, "KEY", door.url).replace("stitchline.page();", "stitchline.track('Made');")
    ahead = site.show(own + READY)
    go_on = f"<script>setTimeout(() => {{ location.href = '{ahead}' }}, {GO_ON_MS})</script>"
    first = site.show(f"{RULES.replace('NEXT', ahead)}{go_on}")
    argv = [str(chromium), "--headless=new", "--no-sandbox", "--no-first-run", f"--user-data-dir={tmp_path}"]
    argv += ["--host-resolver-rules=MAP *.example 127.0.0.1", site.origin() + first]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    posted = site.posted
    try:
        until(lambda: ("/ready-true", "") in posted)
        assert (door.arrived, door.introductions) == ([], [])
        until(lambda: "Made" in door.names())
    finally:
        process.terminate()
        process.wait()
    assert sorted(door.names()) == ["Made", "page"]
    assert [path for path, _ in posted if path.startswith("/ready")] == ["/ready-true"], (
        "it was not loaded again"
    )
    ((_, seen),) = (said for said in posted if said[0] == "/seen")
    assert [event["timestamp"] < seen for event in door.taken()] == [False, False]
