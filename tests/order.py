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
    "sinks/test_process.py",
    "pipeline/test_example_visits.py",
    "pipeline/test_up.py",
    "runtime/test_worker.py",
    "clients/test_clients.py",
    "pipeline/test_compose.py",
    "sinks/test_properties.py",
    "processors/rules/test_rule_filters.py",
    "deploy/test_images.py",
    "deploy/test_cli.py",
    "console/test_segments_against_oracle.py",
    "deploy/rehearsals/test_rehearsal.py",
    "sinks/test_reports.py",
    "sinks/confirming/test_confirm.py",
    "sinks/test_attribution.py",
    "deploy/orders/test_deletion.py",
    "deploy/embedded/test_clickhouse_process.py",
    "collector/test_process.py",
    "runtime/test_kafka_access.py",
    "runtime/test_part.py",
    "console/test_refresh.py",
    "console/test_refresh_crashes.py",
    "console/test_refresh_against_oracle.py",
    "sinks/storing/test_tokens.py",
    "mutants/test_mutants.py",
    "collector/test_outage.py",
    "collector/test_hostile.py",
    "collector/test_server.py",
    "runtime/test_hangs.py",
    "chaos/test_firings.py",
    "pixel/automatic/test_actions.py",
    "processors/test_compiled_steps.py",
)
FOLDERS = ("pipeline", "clients", "chaos", "pixel", "runtime", "sinks", "console", "deploy", "collector")


def place(path: Path) -> int:
    """Of a test file among all; those with one place stay in the order of their names."""
    name = path.relative_to(ROOT).as_posix()
    if name in FILES:
        return FILES.index(name)
    folder = name.partition("/")[0]
    return len(FILES) + (FOLDERS.index(folder) if folder in FOLDERS else len(FOLDERS))
