"""The scripts that the pixel is measured beside: from their makers' own packages, pinned by version and checksum.

Segment's is among the packages of this checkout. The others are fetched into the engines' cache when the benchmark first runs:
nobody else needs them, and one of them has 9 MB. Each is embedded as its maker says; what a page has to say, it says.
"""

import base64
import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from collector.pixel_parts import cut, parts_of
from collector.script import FILE, PARTS, version_of
from deploy.applying.configuration import read_file
from deploy.demo.javascript import CHECKOUT, MODULES, node
from runtime.environment.settings import EngineSettings, load
from schemas.control import ControlState
from schemas.pixel.pixel_config import parts_config, parts_prelude, pixel_config, prelude

SEGMENT, POSTHOG, PLAUSIBLE = "analytics-next", "PostHog", "Plausible"
OURS, NOTHING = "ours", "no script"
FETCH_S_MAX = 300
EXAMPLE = CHECKOUT / "deploy" / "examples" / "shop" / "shop.yaml"
KEY = "shop-page"


class Package(msgspec.Struct, frozen=True):
    name: str
    version: str
    sha512: str  # base64, as the registry has it

    @property
    def file(self) -> str:
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


PACKAGES = {
    POSTHOG: Package(
        "posthog-js",
        "1.449.2",
        "vji+h92IHaLlFSEnRH1hwe8uLWGOdDUImmPXexj/+V7Xm7HTxIQisYE/Kom7Aaw4DRpzfdhQxiyAN1YVYR4G8Q==",
    ),
    PLAUSIBLE: Package(
        "@plausible-analytics/tracker",
        "0.4.6",
        "nbu6xGgSP6jeYuoVklZBzucUnIpo75tVu3Kr+R0EDycVKaMC/jF5Q/YCaM/8gR4fPZ1IDcXt6FdBJFZ1uZwEPA==",
    ),
}


class Contender(msgspec.Struct, frozen=True):
    """`main` is the script in `folder` that the page names, `later` are others of known size that it loads; `event` matches the
    path of an event's request."""

    folder: str
    head: str
    event: str
    main: str = ""
    later: tuple[str, ...] = ()


def contenders(folder: Path, say: Callable[[str], None]) -> dict[str, Contender]:
    """Written into `folder`, ready to be served."""
    makers = {OURS: _ours, SEGMENT: _segment, POSTHOG: _posthog, PLAUSIBLE: _plausible}
    found = {NOTHING: Contender(str(folder), "", "")}
    for name, make in makers.items():
        own = folder / name
        own.mkdir()
        found[name] = make(own, say)
    return found


def _ours(folder: Path, _say: Callable[[str], None]) -> Contender:
    """As the collector serves them to the example shop: with its configuration and its definitions, nobody asked."""
    state = ControlState(read_file(EXAMPLE))
    (source,) = state.sources
    asked = msgspec.structs.replace(source, consent=None)
    more = parts_config(asked, state.pixel_events.get(source.id, ()))
    second = parts_prelude(more) + cut(PARTS.read_bytes(), parts_of(more))
    config = pixel_config(asked, KEY, version_of(second)) | {"paths": {"parts": "/scripts/ours/"}}
    (folder / "shop.js").write_bytes(prelude(config) + FILE.read_bytes())
    (folder / f"{KEY}.js").write_bytes(second)
    head = (
        '<script>window.stitchline={host:"ORIGIN"}</script>'
        '<script async src="ORIGIN/scripts/ours/shop.js"></script>'
    )
    return Contender(str(folder), head, "/batch$", "shop.js", (f"{KEY}.js",))


def _segment(folder: Path, _say: Callable[[str], None]) -> Contender:
    umd = MODULES / "@segment" / "analytics-next" / "dist" / "umd"
    for file in umd.glob("*.js"):
        (folder / file.name).write_bytes(file.read_bytes())
    head = (
        "<script>var i='analytics',analytics=window[i]=window[i]||[];analytics.invoked=true;analytics._writeKey='key';"
        "analytics._cdn='ORIGIN/scripts/analytics-next';analytics._loadOptions={cdnSettings:undefined};"
        "analytics.page=function(){var a=[].slice.call(arguments);a.unshift('page');analytics.push(a);return analytics};"
        "analytics.page()</script>"
        '<script async data-global-segment-analytics-key="analytics" src="ORIGIN/scripts/analytics-next/standalone.js"></script>'
    )
    return Contender(str(folder), head, "/segment/", "standalone.js")


def _posthog(folder: Path, say: Callable[[str], None]) -> Contender:
    """The loader's stub without the copy of its method names: one call is enough for a page view."""
    _unpack(PACKAGES[POSTHOG], folder, "package/dist/", say)
    head = (
        "<script>var p=window.posthog=window.posthog||[];p._i=[];p.__SV=1;"
        "p._i.push(['key',{api_host:'ORIGIN/posthog',defaults:'2025-05-24'},'posthog'])</script>"
        '<script async src="ORIGIN/scripts/PostHog/array.js"></script>'
    )
    return Contender(str(folder), head, "/posthog/(e|i/v0/e)/?$", "array.js")


def _plausible(folder: Path, say: Callable[[str], None]) -> Contender:
    """A module: bundled as its users do."""
    _unpack(PACKAGES[PLAUSIBLE], folder, "package/", say)
    entry = folder / "entry.mjs"
    entry.write_text(
        "import { init } from './plausible.js';"
        "init({ domain: 'shop.example', endpoint: new URL('/plausible/event', document.currentScript.src).href,"
        " captureOnLocalhost: true })"
    )
    argv = [str(node()), str(MODULES / "esbuild" / "bin" / "esbuild"), str(entry)]
    argv += ["--bundle", "--minify", "--target=es2018", "--format=iife", f"--outfile={folder / 'shop.js'}"]
    subprocess.run(argv, check=True, capture_output=True, timeout=FETCH_S_MAX)
    return Contender(
        str(folder),
        '<script async src="ORIGIN/scripts/Plausible/shop.js"></script>',
        "/plausible/event$",
        "shop.js",
    )


def _unpack(package: Package, folder: Path, prefix: str, say: Callable[[str], None]) -> None:
    """Its scripts beneath `prefix`, flat."""
    with tarfile.open(fileobj=io.BytesIO(_fetched(package, say))) as archive:
        for member in archive.getmembers():
            name = member.name.removeprefix(prefix)
            content = archive.extractfile(member) if member.isfile() and "/" not in name else None
            if content and member.name.startswith(prefix) and name.endswith(".js"):
                (folder / name).write_bytes(content.read())


def _fetched(package: Package, say: Callable[[str], None]) -> bytes:
    kept = load(EngineSettings, os.environ).cache_path / "bench" / package.file
    if not kept.exists():
        say(f"fetching {package.name} {package.version}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            npm = Path(node()).with_name("npm")
            argv = [str(npm), "pack", "--silent", f"{package.name}@{package.version}"]
            environ = os.environ | {"PATH": f"{npm.parent}{os.pathsep}{os.environ['PATH']}"}
            subprocess.run(
                argv, cwd=folder, env=environ, check=True, capture_output=True, timeout=FETCH_S_MAX
            )
            (Path(folder) / package.file).rename(kept)
    content = kept.read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    assert digest == package.sha512, f"{kept} is not what {package.name} {package.version} must be: remove it"
    return content
