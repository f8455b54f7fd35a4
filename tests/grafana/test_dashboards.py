"""The committed dashboards as Grafana reads them: what seed 001 names is there, tidy, complete, honest about gaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import pytest

from contracts.model import Contract
from contracts.self_metrics import FOLDER, LIVE, STORED

Json = dict[str, Any]
Boards = Mapping[str, Json]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
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
    "ALERTS": {"alertstate", "alertname"},
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
}
PROMQL_WORDS = {"by", "on", "group_left", "or", "and", "bool"}


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
    latency = 'peak_trade_pipeline_latency_seconds_bucket{mode=~"$mode",exchange=~"$exchange",edge="intent_to_ack"}'
    wanted = {
        "Event throughput by mode, stage": f"sum by (mode, stage) (rate({events}}}[5m]){up})",
        "Error rate": f'sum by (mode) (rate({events},stage="error"}}[5m]){up})'
        f" / (sum by (mode) (rate({events}}}[5m]){up}) > 0)",
        "Risk blocks by reason": f'sum by (mode, reason) (rate(peak_trade_risk_blocks_total{{mode=~"$mode"}}[5m]){up})',
        "Latency P95 (intent → ack)": f"histogram_quantile(0.95, sum by (le, mode) (rate({latency}[5m]){up})) >= 0",
        "Feed gaps": f'60 * sum by (mode, feed) (rate(peak_trade_feed_gaps_total{{mode=~"$mode"}}[15m]){up})',
        "Run state over time": 'sum by (mode, state) (peak_trade_run_state{mode=~"$mode"})',
    }
    found = {title: [target["expr"] for target in panels[f"{SHADOW}: {title}"]["targets"]] for title in wanted}
    assert found == {title: [expr] for title, expr in wanted.items()}


def test_overview_is_small_enough_to_read(boards: Boards) -> None:
    kinds = Counter(panel["type"] for panel in boards[OVERVIEW]["panels"])
    assert kinds["row"] == 5
    assert kinds.total() - kinds["row"] <= 36


def test_panels_have_unique_ids_and_titles_and_do_not_overlap(boards: Boards) -> None:
    for board in boards.values():
        panels = board["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        titles = Counter(panel["title"] for panel in panels)
        assert [title for title, number in titles.items() if number > 1] == []
        for one, other in combinations([panel["gridPos"] for panel in panels], 2):
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
    assert target["expr"] == "clamp_min(time() - min(peaktrade_ai_last_event_timestamp_seconds), 0)"


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
        groups = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|on|group_left) \(([^)]*)\)", bare))))
        bare = re.sub(r"(?:by|on|group_left) \([^)]*\)", "", bare)
        metrics = re.findall(r"\b([A-Za-z_]\w*)\b(?!\s*\()(?:\{([^}]*)\})?", re.sub(r"\[[^\]]*\]", "", bare))
        metrics = [(metric, inside) for metric, inside in metrics if metric not in PROMQL_WORDS]
        assert metrics, name
        labels: set[str] = set()
        for metric, inside in metrics:
            assert metric in known, (name, metric)
            assert set(re.findall(r"(\w+)(?==|!)", inside)) <= known[metric] | {"job"}, (name, metric, inside)
            labels |= known[metric] | {"job", "instance"}
        assert groups <= labels, (name, groups)


def test_used_variables_are_offered_and_offered_ones_used(boards: Boards) -> None:
    for board in boards.values():
        first, *others = board["templating"]["list"]
        assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
        assert first["current"]["value"] == "prometheus"
        exprs = " ".join(expr for _, expr in _queries({"": {"targets": _targets(board)}}))
        used = set(re.findall(r"\$(\w+)", exprs)) - {"__rate_interval"}
        *others, console = others
        assert (console["name"], console["type"], console["hide"], console["query"]) == (
            "console",
            "constant",
            2,
            CONSOLE,
        )
        assert used == {variable["name"] for variable in others}
        for variable in others:
            assert (variable["includeAll"], variable["allValue"], variable["multi"]) == (True, ".*", True)


def _targets(board: Json) -> list[Json]:
    return [target for panel in board["panels"] for target in panel.get("targets", [])]


def test_closed_variables_offer_what_the_contracts_allow(boards: Boards, contracts: tuple[Contract, ...]) -> None:
    words = next(contract.words for contract in contracts if contract.name == "shadow_mvs")
    offered = {
        variable["name"]: variable["query"] for board in boards.values() for variable in board["templating"]["list"]
    }
    assert offered["mode"].split(",") == list(words["mode"].label_values)
    assert offered["exchange"].split(",") == list(words["exchange"].label_values)
    assert offered["job"].split(",") == [contract.job for contract in contracts]
    assert offered["run_id"] == "label_values(peaktrade_ai_decisions_total, run_id)"


def test_links_resolve_and_keep_time_and_choices(boards: Boards) -> None:
    for uid, board in boards.items():
        *others, console = board["links"]
        assert sorted(link["url"] for link in others) == sorted(f"/d/{other}" for other in boards if other != uid)
        assert console["url"] == "${console:raw}/"
        assert all(link["keepTime"] and link["includeVars"] for link in others)
        assert not any("placement" in link for link in board["links"])  # in a menu nobody would see them
        inner = [link["url"] for panel in board["panels"] for link in panel.get("links", [])]
        for url in (url for url in inner if not url.startswith("${console:raw}/")):  # tests/console has those
            path, _, rest = url.partition("?")
            assert path.removeprefix("/d/") in boards
            assert rest == "${__url_time_range}&${__all_variables}"
    assert any(panel.get("links") for panel in boards[OVERVIEW]["panels"])
