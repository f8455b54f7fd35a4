"""Every query of every panel, asked of a real Prometheus fed by the emitters; the lamps in health and after a loss.

One stack for the module: first everything runs, then the shadow exporter is stopped and the AI emitter falls silent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.end_to_end.patience import wait_until
from tests.end_to_end.stack import Stack, running_stack

pytestmark = pytest.mark.slow

Json = dict[str, Any]

OVERVIEW = "peaktrade-execution-watch-overview"
SHADOW = "peaktrade-shadow-pipeline-mvs"
EXPORTERS = "peaktrade-exporter-health"
STRATEGY = "peaktrade-strategy-risk"
MAY_BE_EMPTY = {
    f"{OVERVIEW}: Alerts firing": "here there are no rules, so the dead man's switch does not fire either",
    f"{EXPORTERS}: Label values folded (1h)": "the series appear with the first label value beyond its cap",
    f"{OVERVIEW}: What fires, and for how long": "here there are no rules",
    f"{EXPORTERS}: Values refused / min": "the series appear with the first value that is refused",
}
HEALTHY = {
    "AI Live Up (1/0)": ("UP", "green"),
    "UP (job=shadow_mvs)": ("UP", "green"),
    "UP (job=execution_watch)": ("UP", "green"),
    "Exporter (shadow_mvs_up)": ("UP", "green"),
    "Contract: pipeline events metric present": ("PRESENT", "green"),
    "Contract: execution watch metrics present": ("PRESENT", "green"),
    "AI Active (last 30s)": ("ACTIVE", "green"),
}
LOST = {
    **HEALTHY,
    "UP (job=shadow_mvs)": ("DOWN", "red"),
    "Exporter (shadow_mvs_up)": ("DOWN", "red"),
    "Contract: pipeline events metric present": ("MISSING", "red"),
    "AI Active (last 30s)": ("INACTIVE", "yellow"),
    "Run state": ("DOWN", "red"),
    "Ledger event age": ("DOWN", "red"),
}
Answer = list[tuple[dict[str, str], float]]


@dataclass
class Asked:
    """What Prometheus answered: (panel, refId) -> series, once in health, once after the loss; and to annotations."""

    healthy: dict[tuple[str, str], Answer] = field(default_factory=dict)
    lost: dict[tuple[str, str], Answer] = field(default_factory=dict)
    begun: list[Answer] = field(default_factory=list)


def _filled(expr: str) -> str:
    """Return the expression as Grafana would send it: every choice at All, the window some scrapes of 1 s long."""
    return re.sub(r"\$(?!__)\w+", ".*", expr.replace("$__rate_interval", "10s"))


def _ask(stack: Stack, expr: str) -> Answer:
    found = stack.read_json("/api/v1/query", query=_filled(expr))
    assert found["resultType"] == "vector", expr
    return [(item["metric"], float(item["value"][1])) for item in found["result"]]


def _ask_all(stack: Stack, panels: Mapping[str, Json]) -> dict[tuple[str, str], Answer]:
    return {
        (name, target["refId"]): _ask(stack, target["expr"])
        for name, panel in panels.items()
        for target in panel["targets"]
    }


def _empty(answers: Mapping[tuple[str, str], Answer]) -> set[str]:
    """Return the panels with a query that answered nothing, or NaN only."""
    return {
        name for (name, _), answer in answers.items() if all(math.isnan(value) for _, value in answer)
    }  # all() of nothing is true


def _read(panel: Json, answer: Answer) -> tuple[str, str]:
    """Return the word and colour a stat panel shows: its mapping of the value, or of no data."""
    words: dict[str, tuple[str, str]] = {}
    for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
        shown = mapping["options"] if mapping["type"] == "value" else {"null": mapping["options"]["result"]}
        words |= {value: (result["text"], result["color"]) for value, result in shown.items()}
    return words[f"{answer[0][1]:g}" if answer else "null"]


@pytest.fixture(scope="module")
def asked(
    boards: Mapping[str, Json], panels: dict[str, Json], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    found = Asked()
    inactive = panels[f"{OVERVIEW}: AI Active (last 30s)"]["targets"][0]["expr"]
    present = panels[f"{OVERVIEW}: Contract: pipeline events metric present"]["targets"][0]["expr"]

    def is_filled() -> bool:
        found.healthy = _ask_all(stack, panels)
        return _empty(found.healthy) <= set(MAY_BE_EMPTY)

    no_rules = tmp_path_factory.mktemp("rules")  # the panels need none
    with running_stack(tmp_path_factory.mktemp("stack"), no_rules) as stack:
        for board in boards.values():
            started, firing = (annotation["expr"] for annotation in board["annotations"]["list"])
            started = started.replace("< 30", "< 3000")  # a busy machine may take longer for all four
            wait_until(lambda expr=started: len(_ask(stack, expr)) == 4, "all starts are marked")  # type: ignore[misc]
            found.begun += [_ask(stack, started), _ask(stack, firing)]
        with suppress(AssertionError):  # a test below names the empty ones
            wait_until(is_filled, "every query has data")
        stack.stop("exporter_shadow_mvs")
        stack.stop("emitter_ai_live")
        wait_until(lambda: _ask(stack, present) == [({}, 0.0)], "the loss of the shadow exporter is seen")
        shorter = inactive.replace("[30s]", "[5s]").replace(
            "[15s]", "[5s]"
        )  # the panel's own window would need half a minute
        wait_until(lambda: _ask(stack, shorter) == [({}, 0.0)], "the silence of the AI emitter is seen")
        found.lost = _ask_all(stack, panels)
        found.lost[f"{OVERVIEW}: AI Active (last 30s)", "A"] = _ask(stack, shorter)
        yield found


def test_every_query_of_every_panel_returns_data_while_events_flow(asked: Asked) -> None:
    assert len(asked.healthy) > 90
    assert _empty(asked.healthy) - set(MAY_BE_EMPTY) == set()


def test_annotations_mark_every_exporter_that_has_just_begun(asked: Asked) -> None:
    jobs = [{labels["job"] for labels, _ in answer} for answer in asked.begun]
    assert jobs == [{"ai_live", "execution_watch", "peak_trade_metricsd", "shadow_mvs"}, set()] * 4


def test_every_excused_panel_exists(panels: dict[str, Json]) -> None:
    assert set(MAY_BE_EMPTY) - set(panels) == set()


def test_no_query_answers_nan_or_a_share_beyond_one(asked: Asked, panels: dict[str, Json]) -> None:
    for (name, _), answer in asked.healthy.items():
        assert not [labels for labels, value in answer if math.isnan(value)], name
        if panels[name]["fieldConfig"]["defaults"]["unit"] == "percentunit" and "Processor" not in name:
            assert all(0 <= value <= 1 for _, value in answer), (name, answer)


def test_every_legend_label_is_in_the_answer(asked: Asked, panels: dict[str, Json]) -> None:
    for name, panel in panels.items():
        for target in panel["targets"]:
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            for labels, _ in asked.healthy[name, target["refId"]]:
                assert wanted <= set(labels), (name, labels)


def test_series_of_one_panel_can_be_told_apart(asked: Asked, panels: dict[str, Json]) -> None:
    for name, panel in panels.items():
        shown = [
            re.sub(r"\{\{(\w+)\}\}", lambda match, own=labels: own[match[1]], target["legendFormat"])  # type: ignore[misc]
            for target in panel["targets"]
            for labels, _ in asked.healthy[name, target["refId"]]
        ]
        assert len(shown) == len(set(shown)) or panel["type"] == "table", (name, shown)


@pytest.mark.parametrize(("title", "reading"), HEALTHY.items())
def test_in_health_the_overview_reads_as_seed_001_says(
    asked: Asked, panels: dict[str, Json], title: str, reading: tuple[str, str]
) -> None:
    name = f"{OVERVIEW}: {title}"
    assert _read(panels[name], asked.healthy[name, "A"]) == reading


def test_in_health_states_are_words_of_the_contract(asked: Asked, panels: dict[str, Json]) -> None:
    for title, known in (("Run state", {"RUNNING", "DEGRADED", "IDLE"}), ("Orchestrator", {"INIT", "RUNNING"})):
        name = f"{OVERVIEW}: {title}"
        assert _read(panels[name], asked.healthy[name, "A"])[0] in known


@pytest.mark.parametrize(("title", "reading"), LOST.items())
def test_after_a_loss_the_lamps_of_what_is_gone_and_no_others_change(
    asked: Asked, panels: dict[str, Json], title: str, reading: tuple[str, str]
) -> None:
    name = f"{OVERVIEW}: {title}"
    assert _read(panels[name], asked.lost[name, "A"]) == reading


def test_after_a_loss_no_window_figure_of_the_lost_exporter_is_left(asked: Asked, panels: dict[str, Json]) -> None:
    """A window looks back for minutes; what it held of an exporter that is down is no longer true."""
    of_shadow = [
        (name, target["refId"])
        for name, panel in panels.items()
        for target in panel["targets"]
        if "[" in target["expr"] and re.search(r"peak_trade_(pipeline|risk|feed)\w*", target["expr"])
    ]
    assert len(of_shadow) >= 5
    assert {key for key in of_shadow if asked.lost[key]} == set()


def test_after_a_loss_the_exporter_board_says_which_one_is_down(asked: Asked, panels: dict[str, Json]) -> None:
    name = f"{EXPORTERS}: Exporters up"
    readings = {}
    for target in panels[name]["targets"]:
        answer = asked.lost[name, target["refId"]]
        readings[answer[0][0]["job"]] = _read(panels[name], answer)
    alive = dict.fromkeys(("ai_live", "execution_watch", "peak_trade_metricsd"), ("UP", "green"))
    assert readings == {**alive, "shadow_mvs": ("DOWN", "red")}


def test_after_a_loss_gauges_of_the_lost_exporter_vanish_instead_of_freezing(asked: Asked) -> None:
    for title in ("Run state over time", "Intents waiting"):
        assert asked.healthy[f"{SHADOW}: {title}", "A"]
        assert asked.lost[f"{SHADOW}: {title}", "A"] == []
