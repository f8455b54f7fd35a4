"""The committed dashboards as Grafana reads them: what seed 001 names is there, tidy, complete, honest about gaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from contracts.model import Contract
from contracts.self_metrics import FOLDER, LIVE, STORED
from tests.grafana.conftest import panels_of

Json = dict[str, Any]
Boards = Mapping[str, Json]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOKS = "https://runbooks.example.net"
CONSOLE = "http://127.0.0.1:8000"
OVERVIEW = "peaktrade-execution-watch-overview"
SHADOW = "peaktrade-shadow-pipeline-mvs"
EXPORTERS = "peaktrade-exporter-health"
ON_OVERVIEW = {  # title -> the word seed 001 expects in health, if it is a lamp
    "AI Live Up (1/0)": "UP",
    "UP (job=shadow_mvs)": "UP",
    "Exporter (shadow_mvs_up)": "UP",
    "Contract: pipeline events metric present": "PRESENT",
    "Contract: execution watch metrics present": "PRESENT",
    "AI Active (last 30s)": "ACTIVE",
    "Last decision age": None,
    "Decisions / min (1m) by decision": None,
    "Top reject reasons": None,
    "Pipeline events rate (by stage)": None,
    "Execution Watch: req/s by endpoint": None,
    "Execution Watch: latency p95 by endpoint": None,
    "Execution Watch: JSONL read errors": None,
}
OPPOSITE = {"UP": "DOWN", "PRESENT": "MISSING", "ACTIVE": "INACTIVE"}
OF_PROMETHEUS = {
    "up": set(),
    "scrape_duration_seconds": set(),
    "ALERTS": {"alertstate", "alertname", "severity"},
    "ALERTS_FOR_STATE": {"alertname", "severity"},
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
}
PROMQL_WORDS = {"by", "on", "ignoring", "group_left", "or", "and", "bool"}
HOST = 'instance=~"$instance(:.*)?"'


def _words_of(panel: Json) -> dict[str, tuple[str, str]]:
    """Return value -> (word, colour) of a panel's value mappings; `null` is no data."""
    words: dict[str, tuple[str, str]] = {}
    for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
        if mapping["type"] == "value":
            words |= {value: (shown["text"], shown["color"]) for value, shown in mapping["options"].items()}
        else:
            result = mapping["options"]["result"]
            words["null"] = (result["text"], result["color"])
    return words


def _queries(panels: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, panel in panels.items():
        for target in panel["targets"]:
            yield name, target["expr"]


def test_the_boards_have_their_titles_and_defaults(boards: Boards) -> None:
    assert {uid: board["title"] for uid, board in boards.items()} == {
        OVERVIEW: "Peak_Trade — Execution Watch Overview",
        SHADOW: "Peak_Trade / Ops / Shadow",
        "peaktrade-strategy-risk": "Peak_Trade — Strategy and Risk",
        EXPORTERS: "Peak_Trade — Exporter Health",
    }
    for uid, board in boards.items():
        assert (board["uid"], board["schemaVersion"], board["refresh"]) == (uid, 39, "10s")
        assert (board["time"], board["timezone"]) == ({"from": "now-30m", "to": "now"}, "browser")
        assert "id" not in board
        assert "__inputs" not in board


@pytest.mark.parametrize(("title", "word"), ON_OVERVIEW.items())
def test_overview_has_every_panel_seed_001_names_with_its_words(
    panels: dict[str, Json], title: str, word: str | None
) -> None:
    panel = panels[f"{OVERVIEW}: {title}"]
    if word is not None:
        words = _words_of(panel)
        assert words["1"] == (word, "green")
        assert words["0"][0] == OPPOSITE[word]
        assert words["0"][1] != "green"


def test_shadow_board_has_the_six_expressions_of_seed_000_while_the_exporter_is_up(panels: dict[str, Json]) -> None:
    up = " and on (job, instance) up == 1"
    events = 'peak_trade_pipeline_events_total{mode=~"$mode",exchange=~"$exchange"'
    latency = 'peak_trade_pipeline_latency_seconds_bucket{mode=~"$mode",exchange=~"$exchange",edge="intent_to_ack"'
    newest = f'peak_trade_pipeline_last_event_timestamp_seconds{{mode=~"$mode",exchange=~"$exchange",{HOST}}}'
    wanted = {
        "Event throughput by mode, stage": f"sum by (mode, stage) (rate({events},{HOST}}}[5m]){up})",
        "Error rate": f'sum by (mode) (rate({events},stage="error",{HOST}}}[5m]){up})'
        f" / (sum by (mode) (rate({events},{HOST}}}[5m]){up}) > 0)",
        "Risk blocks by reason": "sum by (mode, reason) "
        f'(rate(peak_trade_risk_blocks_total{{mode=~"$mode",{HOST}}}[5m]){up})',
        "Latency P95 (intent → ack)": "histogram_quantile(0.95, sum by (le, mode) "
        f"(rate({latency},{HOST}}}[5m]){up})) >= 0",
        "Feed gaps": f'60 * sum by (mode, feed) (rate(peak_trade_feed_gaps_total{{mode=~"$mode",{HOST}}}[15m]){up})',
        "Run state over time": f'max by (mode, state) (peak_trade_run_state{{mode=~"$mode",{HOST}}} '
        f"and on (job, instance) time() - max by (job, instance) ({newest}) <= 15)",
    }
    found = {title: [target["expr"] for target in panels[f"{SHADOW}: {title}"]["targets"]] for title in wanted}
    assert found == {title: [expr] for title, expr in wanted.items()}


def test_overview_is_small_enough_to_read(boards: Boards) -> None:
    rows = [panel for panel in boards[OVERVIEW]["panels"] if panel["type"] == "row"]
    assert [row["title"] for row in rows if not row["collapsed"]][:3] == ["Health", "Alerts", "AI Live"]
    assert len(rows) == 6
    assert len(panels_of(boards[OVERVIEW])) <= 40


def test_panels_have_unique_ids_and_titles_and_do_not_overlap(boards: Boards) -> None:
    for board in boards.values():
        inside = panels_of(board)
        panels = [*inside, *(panel for panel in board["panels"] if panel["type"] == "row")]
        assert len({panel["id"] for panel in panels}) == len(panels)
        titles = Counter(panel["title"] for panel in panels)
        assert [title for title, number in titles.items() if number > 1] == []
        for one, other in combinations([panel["gridPos"] for panel in board["panels"]], 2):
            apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            apart |= one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert apart, (board["title"], one, other)
        assert max(panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in panels) == 24


def test_every_panel_has_words_a_unit_thresholds_and_the_chosen_data_source(panels: dict[str, Json]) -> None:
    for name, panel in panels.items():
        defaults = panel["fieldConfig"]["defaults"]
        note, *helps = panel["description"].split("\n\n")
        assert len(note) > 40, name
        assert helps, name
        assert all(re.fullmatch(r"`\w+`: .+", text) for text in helps), name
        assert defaults["unit"], name
        values = [step["value"] for step in defaults["thresholds"]["steps"]]
        assert values[0] is None, name
        assert values[1:] == sorted(values[1:]), name
        assert panel["datasource"] == DATASOURCE, name
        assert [target["datasource"] for target in panel["targets"]] == [DATASOURCE] * len(panel["targets"]), name
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), name


def test_missing_data_never_looks_healthy(panels: dict[str, Json]) -> None:
    for name, panel in panels.items():
        if panel["type"] not in ("stat", "bargauge"):
            continue
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["thresholds"]["steps"][0]["color"] in ("red", "#808080"), name
        assert all(target["instant"] and not target["range"] for target in panel["targets"]), name
        if panel["type"] == "stat":
            assert _words_of(panel)["null"] == (defaults["noValue"], defaults["thresholds"]["steps"][0]["color"]), name
    for name, expr in _queries(panels):
        assert "vector(" not in expr, name


def test_lamps_without_data_are_red_and_say_so(panels: dict[str, Json]) -> None:
    lamps = [panel for panel in panels.values() if _words_of(panel).get("1", ("",))[0] in ("UP", "PRESENT")]
    assert len(lamps) >= 9
    assert {_words_of(panel)["null"] for panel in lamps} == {("NO DATA", "red")}


def test_red_is_for_what_went_wrong_and_never_for_what_was_sent(panels: dict[str, Json]) -> None:
    colors: dict[str, set[str]] = {}
    for panel in panels.values():
        for override in panel["fieldConfig"]["overrides"] if panel["type"] == "timeseries" else ():
            name = override["matcher"]["options"].strip("/$").rpartition(")")[2].lstrip("^")
            found = [item["value"]["fixedColor"] for item in override["properties"] if item["id"] == "color"]
            colors.setdefault(name, set()).update(found)
    wrong = {name for name, found in colors.items() if any("red" in color for color in found)}
    assert {"error", "reject", "REJECTED", "bad_json"} <= wrong
    assert not wrong & {
        "submit",
        "cancel",
        "intent",
        "fill",
        "accept",
        "noop",
        "buy",
        "sell",
        "place",
        "shadow",
        "orders blocked",
    }
    assert {"submit", "fill", "accept", "place"} <= set(colors)


def test_every_plot_has_a_table_for_a_legend_and_an_axis_that_does_not_magnify_nothing(panels: dict[str, Json]) -> None:
    plots = {name: panel for name, panel in panels.items() if panel["type"] == "timeseries"}
    assert len(plots) > 30
    for name, panel in plots.items():
        legend = panel["options"]["legend"]
        assert (legend["displayMode"], legend["calcs"]) == ("table", ["last", "max"]), name
        assert (
            panel["fieldConfig"]["defaults"]["custom"]["axisSoftMax"] > 0
            or panel["fieldConfig"]["defaults"]["unit"] == "bytes"
        ), name
        if any("[15m]" in target["expr"] or "[1h]" in target["expr"] for target in panel["targets"]):
            assert panel["interval"] in ("30s", "1m"), name


def test_a_bar_that_is_alone_shows_its_name(panels: dict[str, Json]) -> None:
    names = {
        panel["fieldConfig"]["defaults"].get("displayName") for panel in panels.values() if panel["type"] == "bargauge"
    }
    assert names == {"${__field.labels.reason}"}


def test_boards_mark_starts_and_firing_alerts(boards: Boards) -> None:
    for board in boards.values():
        started, firing = board["annotations"]["list"]
        assert started["expr"].endswith("< 30")
        assert firing["expr"].startswith('ALERTS{alertstate="firing",alertname!="PROMETHEUS_DeadMansSwitch"')
        assert {one["datasource"]["uid"] for one in (started, firing)} == {"${datasource}"}


def test_every_division_needs_traffic_and_every_quantile_drops_nan(panels: dict[str, Json]) -> None:
    divisions = [expr for _, expr in _queries(panels) if "/" in re.sub(r'"[^"]*"', "", expr)]
    assert len(divisions) >= 5
    for expr in divisions:
        assert re.search(r" / \(.+ > 0\)$", expr), expr
    quantiles = [expr for _, expr in _queries(panels) if expr.startswith("histogram_quantile")]
    assert len(quantiles) >= 8
    assert all(expr.endswith(" >= 0") and "(le" in expr for expr in quantiles)


def test_the_worst_event_age_is_that_of_the_oldest_source(panels: dict[str, Json]) -> None:
    (target,) = panels[f"{OVERVIEW}: Worst event age"]["targets"]
    at = f"peaktrade_ai_last_event_timestamp_seconds{{{HOST}}}"
    filed = "and on (job, instance) peak_trade_exporter_file_present == 1"
    assert target["expr"] == f"clamp_min(time() - min({at} {filed}), 0)"


def test_per_minute_titles_show_rates_per_minute_and_shares_are_not_percent(panels: dict[str, Json]) -> None:
    for name, panel in panels.items():
        units, exprs = panel["fieldConfig"]["defaults"]["unit"], [target["expr"] for target in panel["targets"]]
        assert ("/ min" in name or name.endswith(("Feed gaps", "read errors"))) == (units == "cpm"), name
        assert all(expr.startswith("60 * ") for expr in exprs) == (units == "cpm"), name
        assert not any("100 *" in expr or "* 100" in expr for expr in exprs), name


def test_every_metric_and_label_of_every_query_exists(panels: dict[str, Json], contracts: tuple[Contract, ...]) -> None:
    known = {metric.name: set(metric.labels) for contract in contracts for metric in contract.metrics}
    for contract in contracts:
        for metric in contract.metrics:
            if metric.type == "histogram":
                known |= {metric.name + end: {*metric.labels, "le"} for end in ("_bucket", "_count")}
    own = {metric.name: set(metric.labels) for metric in (*STORED.values(), *LIVE.values(), *FOLDER.values())}
    known = {**known, **own, **OF_PROMETHEUS}
    for name, expr in _queries(panels):
        bare = re.sub(r'"[^"]*"', "", expr)
        groups = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|on|ignoring|group_left) \(([^)]*)\)", bare))))
        bare = re.sub(r"(?:by|on|ignoring|group_left) \([^)]*\)", "", bare)
        metrics = re.findall(r"\b([A-Za-z_]\w*)\b(?!\s*\()(?:\{([^}]*)\})?", re.sub(r"\[[^\]]*\]", "", bare))
        metrics = [(metric, inside) for metric, inside in metrics if metric not in PROMQL_WORDS]
        assert metrics, name
        labels: set[str] = set()
        for metric, inside in metrics:
            assert metric in known, (name, metric)
            assert set(re.findall(r"(\w+)(?==|!)", inside)) <= known[metric] | {"job", "instance"}, (
                name,
                metric,
                inside,
            )
            labels |= known[metric] | {"job", "instance"}
        assert groups <= labels, (name, groups)


def test_used_variables_are_offered_and_offered_ones_used(boards: Boards) -> None:
    for board in boards.values():
        first, *others = board["templating"]["list"]
        assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
        assert first["current"]["value"] == "prometheus"
        exprs = " ".join(expr for _, expr in _queries({"": {"targets": _targets(board)}}))
        used = set(re.findall(r"\$(\w+)", exprs)) - {"__rate_interval"}
        *others, console, runbooks = others
        for hidden, name, query in ((console, "console", CONSOLE), (runbooks, "runbooks", RUNBOOKS)):
            assert (hidden["name"], hidden["type"], hidden["hide"], hidden["query"]) == (name, "constant", 2, query)
        assert used == {variable["name"] for variable in others}
        for variable in others:
            assert (variable["includeAll"], variable["allValue"], variable["multi"]) == (True, ".*", True)


def _section_exists(place: str) -> bool:
    """Whether a runbook has a section: a headline whose anchor is the part after the `#`."""
    page, _, anchor = place.partition("#")
    text = (Path(__file__).parents[2] / "docs" / "runbooks" / page).read_text(encoding="utf-8")
    return anchor in {line[3:].strip().lower() for line in text.splitlines() if line.startswith("## ")}


def _targets(board: Json) -> list[Json]:
    return [target for panel in panels_of(board) for target in panel["targets"]]


def test_closed_variables_offer_what_the_contracts_allow(boards: Boards, contracts: tuple[Contract, ...]) -> None:
    words = next(contract.words for contract in contracts if contract.name == "shadow_mvs")
    offered = {
        variable["name"]: variable["query"] for board in boards.values() for variable in board["templating"]["list"]
    }
    assert offered["mode"].split(",") == list(words["mode"].label_values)
    assert offered["exchange"].split(",") == list(words["exchange"].label_values)
    assert offered["job"].split(",") == [contract.job for contract in contracts]
    assert offered["instance"] == "label_values(up, instance)"
    assert offered["run_id"] == "label_values(peaktrade_ai_decisions_total, run_id)"


def test_links_resolve_and_keep_time_and_choices(boards: Boards) -> None:
    for uid, board in boards.items():
        *others, console = board["links"]
        assert sorted(link["url"] for link in others) == sorted(f"/d/{other}" for other in boards if other != uid)
        assert console["url"] == "${console:raw}/"
        assert all(link["keepTime"] and link["includeVars"] for link in others)
        assert not any("placement" in link for link in board["links"])  # in a menu nobody would see them
        inner = [link["url"] for panel in panels_of(board) for link in panel.get("links", [])]
        for url in (url for url in inner if not url.startswith("${console:raw}/")):  # tests/console has those
            if url.startswith("${runbooks:raw}/"):
                assert _section_exists(url.removeprefix("${runbooks:raw}/")), url
                continue
            path, _, rest = url.partition("?")
            assert path.removeprefix("/d/") in boards
            assert rest == "${__url_time_range}&${__all_variables}"
    assert any(panel.get("links") for panel in boards[OVERVIEW]["panels"])
