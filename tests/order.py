"""Which test files begin first: the longest, so that no worker is left alone with one in the end.

Workers side by side take files in this order. A file of stories on a running stack takes minutes and mostly waits; a file of pure
functions takes a second and no engine: those fill what is left.
"""

from pathlib import Path

ROOT = Path(__file__).parent
FILES = (
    "pipeline/test_running.py",
    "chaos/test_chaos.py",
    "pipeline/test_demo.py",
    "pipeline/test_example_visits.py",
    "sinks/test_process.py",
    "pipeline/test_up.py",
    "console/test_segments_against_oracle.py",
    "pipeline/test_compose.py",
    "clients/test_clients.py",
    "sinks/test_properties.py",
    "runtime/test_worker.py",
    "console/test_refresh_against_oracle.py",
    "runtime/test_part.py",
    "sinks/test_attribution.py",
    "mutants/test_mutants.py",
    "collector/test_outage.py",
    "pixel/automatic/test_actions.py",
)
FOLDERS = ("pipeline", "clients", "chaos", "pixel", "runtime", "sinks", "console", "deploy", "collector")


def place(path: Path) -> int:
    """Of a test file among all; those with one place stay in the order of their names."""
    name = path.relative_to(ROOT).as_posix()
    if name in FILES:
        return FILES.index(name)
    folder = name.partition("/")[0]
    return len(FILES) + (FOLDERS.index(folder) if folder in FOLDERS else len(FOLDERS))
