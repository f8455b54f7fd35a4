"""`python -m grafana.build`: committed boards are current, and whatever does not exist ends the build with its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from contracts.model import Contract
from grafana.build.__main__ import main
from grafana.build.boards import boards_of, texts_of
from grafana.build.catalogue import Catalogue, DashboardError
from grafana.build.conditions import which
from grafana.build.layout import assemble, sketch
from grafana.build.notes import notes_for
from grafana.build.queries import age, quantile, rate, select, slower_than
from grafana.build.sdk import decode, encode
from grafana.build.tiles import Board, Row, places, plot
from grafana.build.variables import variables_of

ROOT = Path(__file__).parents[2]
OVERVIEW = "execution/peaktrade-execution-watch-overview.json"


@pytest.fixture(scope="module")
def catalogue(contracts: tuple[Contract, ...]) -> Catalogue:
    return Catalogue(contracts)


def test_committed_dashboards_are_what_the_contracts_say() -> None:
    done = CliRunner().invoke(main, ["--check"])
    assert (done.exit_code, done.output) == (0, "")


def test_check_names_edited_missing_and_foreign_files_and_the_remedy(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "grafana" / "dashboards", tmp_path, dirs_exist_ok=True)
    edited = tmp_path / OVERVIEW
    edited.write_text(edited.read_text().replace("10s", "30s"))
    (tmp_path / "ops" / "peaktrade-exporter-health.json").unlink()
    (tmp_path / "ops" / "mine.json").write_text("{}")
    done = CliRunner().invoke(main, ["--check", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{OVERVIEW}: is not what the contracts and boards say now; "
        "run `python -m grafana.build` and commit the result",
        "ops/mine.json: belongs to no board; delete it",
        "ops/peaktrade-exporter-health.json: is missing; run `python -m grafana.build` and commit the result",
    ]


def test_build_writes_exactly_what_check_accepts(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["--out", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(main, ["--check", "--out", str(tmp_path)]).exit_code == 0


def test_a_metric_renamed_in_a_contract_ends_the_build_with_the_board_and_the_nearest_name(tmp_path: Path) -> None:
    for path in (ROOT / "contracts").glob("*.yaml"):
        text = path.read_text().replace("peak_trade_pipeline_events_total:", "peak_trade_pipeline_incidents_total:")
        (tmp_path / path.name).write_text(text)
    done = CliRunner().invoke(main, ["--contracts", str(tmp_path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert done.output == (
        'Error: execution_watch_overview: the metric "peak_trade_pipeline_events_total" stands in no contract '
        '(contracts/*.yaml); did you mean "peak_trade_pipeline_incidents_total"?\n'
    )
    assert not (tmp_path / "out").exists()


def test_a_new_value_of_a_state_must_get_a_colour(tmp_path: Path) -> None:
    for path in (ROOT / "contracts").glob("*.yaml"):
        text = path.read_text().replace("[INIT, RUNNING, COMPLETED,", "[INIT, RUNNING, PAUSED, COMPLETED,")
        (tmp_path / path.name).write_text(text.replace("    budget: 5\n", "    budget: 6\n"))
    done = CliRunner().invoke(main, ["--contracts", str(tmp_path), "--check"])
    assert done.output == (
        "Error: execution_watch_overview: states and colours do not match: PAUSED; "
        "give every state of the contract one colour\n"
    )


@pytest.mark.parametrize(
    ("name", "matchers", "message"),
    [
        (
            "peak_trade_pipeline_events_total",
            {"stag": "error"},
            'peak_trade_pipeline_events_total has no label "stag"; it has mode, stage, exchange, job, instance',
        ),
        (
            "peak_trade_risk_blocks_total",
            {"mode": "paper"},
            'peak_trade_risk_blocks_total: mode is never "paper"; expected one of shadow, live',
        ),
        (
            "peak_trade_exporter_lines_total",
            {"outcome": "lost"},
            'peak_trade_exporter_lines_total: outcome is never "lost"; expected one of applied, ignored, blank, '
            "bad_json, invalid_utf8, not_object, too_long, unknown_schema, missing_fields, too_many_parts, "
            "internal_error",
        ),
        ("up", {"mode": "$mode"}, 'up has no label "mode"; it has job, instance'),
    ],
)
def test_a_matcher_that_matches_nothing_is_refused(
    catalogue: Catalogue, name: str, matchers: dict[str, str], message: str
) -> None:
    with pytest.raises(DashboardError) as caught:
        select(catalogue.family(name), **matchers)
    assert str(caught.value) == message


def test_a_form_that_does_not_fit_the_metric_is_refused(catalogue: Catalogue) -> None:
    events = select(catalogue.family("peak_trade_pipeline_events_total"))
    latency = select(catalogue.family("peaktrade_ai_decision_latency_seconds"))
    state = select(catalogue.family("peak_trade_run_state"))
    up = select(catalogue.family("up"))
    at = select(catalogue.family("peak_trade_pipeline_last_event_timestamp_seconds"))
    cases: dict[str, Callable[[], object]] = {
        "peak_trade_run_state is a gauge, and a counter is needed here": lambda: rate(state),
        "peak_trade_pipeline_events_total is a counter, and a histogram is needed here": lambda: quantile(0.9, events),
        "peak_trade_run_state holds no time; only a *_timestamp_seconds has an age": lambda: age(state),
        'peak_trade_pipeline_events_total has no label "reason"; it has mode, stage, exchange, job, instance': lambda: (
            rate(events, "reason")
        ),
        "peaktrade_ai_decision_latency_seconds has no bucket 0.4; it has 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, "
        "0.5, 1, 2.5, 5, 10": lambda: slower_than(0.4, latency),
        "peak_trade_run_state: the values of instance are not closed, so it has no places": lambda: which(
            state, "instance", at=at, fresh_s=15, up=up
        ),
        'peak_trade_pipeline_last_event_timestamp_seconds has no label "state"; it has mode, exchange, job, instance': (
            lambda: which(state, "state", "state", at=at, fresh_s=15, up=up)
        ),
        "peaktrade_ai_decisions_total: the values of run_id are not closed; ask Prometheus for them": lambda: (
            catalogue.values("peaktrade_ai_decisions_total", "run_id")
        ),
        'no contract is called "console"; there are ai_live, execution_watch, metricsd, shadow_mvs': lambda: (
            catalogue.job("console")
        ),
        "no variable is called symbol; there are mode, exchange, run_id, job": lambda: variables_of(
            ["symbol"], catalogue
        ),
        "states and colours do not match: odd; give every state of the contract one colour": lambda: places(
            ["even"], {"even": "green", "odd": "red"}
        ),
    }
    for message, form in cases.items():  # each asks for something that does not exist
        with pytest.raises(DashboardError) as caught:
            form()
        assert str(caught.value) == message


def _board(*tiles: object) -> Board:
    return Board("uid", "Title", "folder", "", (), (Row("Row", tiles),))  # type: ignore[arg-type]


def test_an_untidy_board_is_refused(catalogue: Catalogue) -> None:
    events = rate(select(catalogue.family("peak_trade_pipeline_events_total")))
    read = rate(select(catalogue.family("peak_trade_exporter_read_bytes_total")))
    cases = {
        'uid, row "Row": the last line is not 24 columns wide; fill it': _board(plot("a", events)),
        'uid, row "Row", tile "b": the line is 24 columns wide or uneven; make it 24 of one height': _board(
            plot("a", events, width=12), plot("b", events, width=12, height=7)
        ),
        'uid, row "Row", tile "far too long": the title has 12 characters, a screen of 1280 shows 0': _board(
            plot("far too long", events, width=1), plot("b", events, width=23)
        ),
        '"a" mixes the units binBps, cps': _board(plot("a", events, read, width=24)),
    }
    for message, board in cases.items():
        with pytest.raises(DashboardError) as caught:
            assemble(board, (), {"a": "", "b": "", "far too long": ""}, [], [])
        assert str(caught.value) == message


def test_every_panel_has_a_note_and_every_note_a_panel(contracts: tuple[Contract, ...], tmp_path: Path) -> None:
    boards = boards_of(contracts)
    file = tmp_path / "notes.toml"
    text = (ROOT / "grafana" / "notes.toml").read_text(encoding="utf-8")
    file.write_text(text.replace('"Orchestrator" =', '"Orchestra" ='), encoding="utf-8")
    with pytest.raises(DashboardError) as caught:
        notes_for(boards, file)
    assert str(caught.value) == (
        'notes.toml: "Orchestrator" has no note; write what it means and what to look at\n'
        'notes.toml: no panel is called "Orchestra"; delete the note'
    )


def test_dashboards_survive_the_sdk_without_loss(contracts: tuple[Contract, ...]) -> None:
    for name in texts_of(contracts):
        text = (ROOT / "grafana" / "dashboards" / name).read_text(encoding="utf-8")
        assert encode(decode(text)) == text


def test_the_sdk_would_lose_a_key_grafana_does_not_know(contracts: tuple[Contract, ...]) -> None:
    text = texts_of(contracts)[OVERVIEW].replace('"noValue"', '"novalue"', 1)
    assert encode(decode(text)) != text


def test_sketch_shows_every_panel_in_its_place() -> None:
    done = CliRunner().invoke(main, ["--sketch"])
    lines = done.output.splitlines()
    assert lines[0] == f"Peak_Trade — Execution Watch Overview  [{OVERVIEW}]"
    assert lines[1].startswith("== Health ====")
    assert lines[2].startswith("| AI Live Up (1/0)             || UP (job=shadow_mvs)          |")
    assert {len(line) for line in lines if line.startswith(("|", "=="))} == {192}


def test_a_title_is_as_long_as_a_screen_of_1280_shows(catalogue: Catalogue) -> None:
    events = rate(select(catalogue.family("peak_trade_pipeline_events_total")))
    drawn = sketch(_board(plot("short", events, width=20), plot("twenty characters it", events, width=4)))
    assert drawn.splitlines()[2].endswith("| twenty characters it         |")
