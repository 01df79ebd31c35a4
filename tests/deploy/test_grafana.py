"""The dashboards of deploy/grafana: each query runs on migrated tables, each expression names metrics and labels that there are.

No Grafana and no Prometheus is run here: the macros are filled in as the documentation of the ClickHouse plugin (version 4) says.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from runtime import metrics
from runtime.tally import Spread, Tally
from schemas.wire.codec import RESOLVED_EVENT
from tests.deploy import images
from tests.sinks.stage import START_MS, Tables, event

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}
PLUGIN, PROMETHEUS = "grafana-clickhouse-datasource", "prometheus"
SINCE_S, UNTIL_S, STEP_S = START_MS // 1000 - 3600, START_MS // 1000 + 86_400, 600
WIDTH = 24


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def targets(kind: str) -> list[Any]:
    return [
        pytest.param(panel, target, id=f"{name}-{panel['title']}-{target['refId']}")
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel["targets"]
        if target["datasource"]["type"] == kind
    ]


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    values = [event(number, timestamp=START_MS + number * 60_000) for number in range(20)]
    tables.insert("events_in", RESOLVED_EVENT, values, "first")
    yield tables
    tables.client.close()


def filled(sql: str) -> str:
    """As the plugin fills in its macros, and Grafana the workspace."""
    since, until = f"toDateTime({SINCE_S})", f"toDateTime({UNTIL_S})"
    day_since, day_until = f"toDate({since}, 'UTC')", f"toDate({until}, 'UTC')"
    with_argument: dict[str, Callable[[str], str]] = {
        "timeFilter": lambda column: f"{column} >= {since} AND {column} <= {until}",
        "dateFilter": lambda column: f"{column} >= {day_since} AND {column} <= {day_until}",
        "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL {STEP_S} second)",
    }
    for name, expand in with_argument.items():
        while (at := sql.find(f"$__{name}(")) >= 0:
            begins = at + len(f"$__{name}(")
            ends = _closing(sql, begins)
            sql = sql[:at] + expand(sql[begins:ends]) + sql[ends + 1 :]
    sql = sql.replace("$__fromTime", since).replace("$__toTime", until)
    return sql.replace("${workspace:singlequote}", "'main'")


def _closing(sql: str, at: int) -> int:
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        at += 1
    return at - 1


def test_both_boards_are_there() -> None:
    assert set(BOARDS) == {"people", "pipeline"}


@pytest.mark.parametrize("name", list(BOARDS))
def test_a_board_has_ids_of_its_own_and_panels_side_by_side(name: str) -> None:
    board = BOARDS[name]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    titles = [panel["title"] for panel in panels(board)]
    assert all(titles)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= WIDTH, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


def test_boards_are_known_by_names_of_their_own() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("name", list(BOARDS))
def test_a_board_chooses_its_data_source_by_a_variable(name: str) -> None:
    board = BOARDS[name]
    chosen = {
        each["name"]: each["query"] for each in board["templating"]["list"] if each["type"] == "datasource"
    }
    used = {
        (target["datasource"]["uid"], target["datasource"]["type"])
        for panel in panels(board)
        for target in panel["targets"]
    }
    assert used == {(f"${{{variable}}}", kind) for variable, kind in chosen.items()}


@pytest.mark.parametrize(("panel", "target"), targets(PLUGIN))
def test_each_query_runs(tables: Tables, panel: dict[str, Any], target: dict[str, Any]) -> None:
    sql = filled(target["rawSql"])
    assert "$" not in sql
    tables.client.query(sql)
    is_over_time = panel["type"] == "timeseries"
    assert (target["queryType"], target["format"]) == (("timeseries", 0) if is_over_time else ("table", 1))
    if is_over_time:
        name, kind, *_ = tables.rows(f"DESCRIBE ({sql})")[0]
        assert (name, kind[:8]) == ("time", "DateTime")


def test_the_panels_show_what_is_there(tables: Tables) -> None:
    shown = {
        panel["title"]: tables.rows(filled(panel["targets"][0]["rawSql"]))
        for panel in panels(BOARDS["people"])
    }
    assert shown["Events"] == [(20,)]
    assert [row[1:] for row in shown["Events by call"]] == [("track", 7), ("track", 10), ("track", 3)]
    assert shown["Events by name"] == [("Product Viewed", 20, 20)]
    assert {row[0] for row in shown["Bytes on disk"]} >= {"events", "identifiers"}


def test_the_workspaces_to_choose_from_are_asked_for(tables: Tables) -> None:
    (variable,) = [each for each in BOARDS["people"]["templating"]["list"] if each["type"] == "query"]
    assert variable["definition"] == variable["query"]["rawSql"]
    tables.client.query(variable["definition"])


def known_metrics() -> dict[str, set[str]]:
    """Every name under which Prometheus knows a metric of ours, with its labels."""
    known: dict[str, set[str]] = {}
    for value in vars(metrics).values():
        for metric in value if isinstance(value, metrics.LagGauges) else [value]:
            known |= _names(metric)
    return known


def _names(metric: object) -> dict[str, set[str]]:
    match metric:
        case Tally():
            name, labels, ends = metric._described[0], set(metric._labels), ["_total"]
        case Spread():
            name, labels, ends = metric._described[0], set[str](), ["_bucket", "_sum", "_count"]
        case Counter():
            name, labels, ends = metric._name, set(metric._labelnames), ["_total"]
        case Histogram():
            name, labels, ends = metric._name, set(metric._labelnames), ["_bucket", "_sum", "_count"]
        case Gauge():
            name, labels, ends = metric._name, set(metric._labelnames), [""]
        case _:
            return {}
    return {name + end: labels | ({"le"} if end == "_bucket" else set()) for end in ends}


def parts(node: Any) -> Iterator[Any]:
    """An expression and all that is in it."""
    yield node
    below = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param", "vector_selector")]
    for each in [*below, *(getattr(node, "args", None) or [])]:
        if each is not None:
            yield from parts(each)


@pytest.mark.parametrize(("panel", "target"), targets(PROMETHEUS))
def test_each_expression_names_metrics_that_there_are(panel: dict[str, Any], target: dict[str, Any]) -> None:
    expression = target["expr"].replace("$__rate_interval", "1m")
    found = list(parts(promql_parser.parse(expression)))
    names = {str(part.name) for part in found if isinstance(part, promql_parser.VectorSelector)}
    known = known_metrics()
    assert names
    assert names <= set(known)
    labels = {
        label for part in found for label in getattr(getattr(part, "modifier", None), "labels", None) or []
    }
    labels |= set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    assert labels <= set.union(*(known[name] for name in names))


def test_prometheus_asks_every_process_that_stays() -> None:
    asked = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"][0]["static_configs"][0]
    port = images.pairs("ENV")["COLLECTOR_PORT"]
    assert sorted(asked["targets"]) == sorted(f"{name}:{port}" for name in images.stages()), "prometheus.yaml"


def test_the_provisioned_sources_are_of_the_kinds_that_the_boards_choose_from() -> None:
    sources = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "stitchline.yaml").read_text())[
        "datasources"
    ]
    assert {source["type"] for source in sources} == {PLUGIN, PROMETHEUS}
