"""The benchmark in small: its inputs, its contestants' agreement, and what it says when they disagree."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporters.cli import main as peaktrade
from tests.bench import __main__ as bench
from tests.bench import live, matrix
from tests.bench.bars import throughput_readings
from tests.bench.contestants import CONTESTANTS, DECODE_ONLY, MTAIL, OURS, PER_EVENT, Contestant
from tests.bench.inputs import LEDGER_BYTES, SCENARIOS, write_scenario
from tests.bench.live import Effort, freshness_readings
from tests.bench.measure import QUICK_TIMES, Run, Scenario, race
from tests.bench.memory import memory_readings
from tests.bench.reading import Reading
from tests.bench.reconcile import measure as measure_reconciliation
from tests.bench.reconcile import write_pair
from tests.bench.report import Report, renew
from tests.bench.series import series_readings
from tests.bench.shapes import SHAPES, write_shape
from tests.bench.telemetry import telemetry_readings
from tests.budget import amount

EVENTS = 2000
KEYS = amount(("a", "e", "g"), tuple(SCENARIOS))
"""The scenarios that are run: one file, many files, pairs; the others differ by their lines alone."""

NAMES = [one.name for one in CONTESTANTS]


def digest(folder: Path, key: str, **seed: int) -> str:
    """Write a scenario and return the digest of its files."""
    folder.mkdir()
    write_scenario(key, folder, EVENTS, **seed)
    return sha256(b"".join(path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()


def run_bench(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(
        bench.main,
        ["--rounds", "1", "--events", str(EVENTS), "--no-live", "--no-matrix", "--console-events", "0", *arguments],
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Result, dict[str, Any]]]:
    """One run of every scenario: what it printed, and its JSON."""
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    result = run_bench("--json", str(path), "--scenario", ",".join(KEYS))
    yield result, json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.slow
@pytest.mark.parametrize("key", SCENARIOS)
def test_the_inputs_are_the_same_bytes_by_seed(key: str, tmp_path: Path) -> None:
    first = digest(tmp_path / "first", key)
    assert digest(tmp_path / "again", key) == first
    assert digest(tmp_path / "other", key, seed=1) != first


def test_a_ledger_line_has_309_bytes_on_average(tmp_path: Path) -> None:
    path = Path(write_scenario("a", tmp_path, EVENTS))
    assert path.stat().st_size / EVENTS == pytest.approx(LEDGER_BYTES, abs=0.5)


@pytest.mark.parametrize(("key", "share"), [("a", 0.0), ("c", 0.01), ("d", 0.5)])
def test_as_many_lines_are_malformed_as_the_scenario_says(key: str, share: float, tmp_path: Path) -> None:
    lines = Path(write_scenario(key, tmp_path, EVENTS)).read_text().splitlines()
    assert sum(not line.endswith("}") for line in lines) / EVENTS == pytest.approx(share, abs=0.05 * share**0.5)


@pytest.mark.slow
def test_all_contestants_agree_on_every_total(small: tuple[Result, dict[str, Any]]) -> None:
    result, found = small
    assert result.exit_code == 0, result.output
    assert found["faults"] == []


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_everybody_counts_in_every_scenario_or_says_why_not(key: str, small: tuple[Result, dict[str, Any]]) -> None:
    scenario = small[1]["scenarios"][key]
    assert {*scenario["contestants"], *scenario["skipped"]} == set(NAMES)
    assert OURS.name in scenario["contestants"] and PER_EVENT.name in scenario["contestants"]
    for name, one in scenario["contestants"].items():
        assert all(one["totals"].values()) and one["totals"], f"{name} counted nothing"


@pytest.mark.slow
@pytest.mark.parametrize(("key", "events"), [(key, EVENTS) for key in ("a", "e", "f", "g") if key in KEYS])
def test_every_whole_line_is_counted(key: str, events: int, small: tuple[Result, dict[str, Any]]) -> None:
    for one in small[1]["scenarios"][key]["contestants"].values():
        assert one["totals"]["events_total"] == events


@pytest.mark.slow
def test_every_event_of_g_finds_its_pair(small: tuple[Result, dict[str, Any]]) -> None:
    assert small[1]["scenarios"]["g"]["contestants"][OURS.name]["totals"]["latency_seconds_count"] == EVENTS / 2


@pytest.mark.slow
@pytest.mark.needs("mtail")
def test_mtail_counts_wherever_nothing_is_joined(small: tuple[Result, dict[str, Any]]) -> None:
    skipped = {key for key, one in small[1]["scenarios"].items() if MTAIL.name in one["skipped"]}
    assert skipped == {"g"}


@pytest.mark.slow
def test_every_bar_of_throughput_has_a_verdict(small: tuple[Result, dict[str, Any]]) -> None:
    verdicts = {one["key"]: one["verdict"] for one in small[1]["readings"]}
    assert set(verdicts) == {"a_mtail", "a_per_event", "a_limit", "c_a", "d_per_event", "e_a", "f_a", "g_a"}
    needs = {
        "a_mtail": shutil.which("mtail") is not None,
        **dict.fromkeys(("c_a", "d_per_event", "f_a"), "f" in KEYS),
        "e_a": False,
    }  # 2,000 lines are read faster than files opened
    assert [key for key, verdict in verdicts.items() if verdict == "not measured" and needs.get(key, True)] == []


@pytest.mark.slow
def test_a_contestant_that_counts_otherwise_is_named_with_its_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"print('events_total {EVENTS - 1}')"
    liar = Contestant("liar", "a liar", lambda key, pattern: [sys.executable, "-c", page], counts_all=False)
    monkeypatch.setattr(bench, "CONTESTANTS", (OURS, liar))
    result = run_bench("--scenario", "a")
    assert result.exit_code == 1
    assert f"totals of events_total differ: ours {EVENTS}; liar {EVENTS - 1}" in result.output


@pytest.mark.slow
def test_a_metric_that_is_not_printed_counts_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"print('events_total {EVENTS}')"
    mute = Contestant("mute", "says little", lambda key, pattern: [sys.executable, "-c", page])
    monkeypatch.setattr(bench, "CONTESTANTS", (PER_EVENT, mute))
    result = run_bench("--scenario", "a")
    assert result.exit_code == 1
    assert "totals of orders_total differ" in result.output


@pytest.mark.slow
def test_a_contestant_that_fails_ends_the_benchmark_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Contestant("broken", "fails", lambda key, pattern: [sys.executable, "-c", "raise SystemExit('no luck')"])
    monkeypatch.setattr(bench, "CONTESTANTS", (broken,))
    result = run_bench("--scenario", "a")
    assert result.exit_code == 1
    assert "no luck" in result.output


@pytest.mark.parametrize("arguments", [["--scenario", "z"], ["--events", "1500"]])
def test_what_cannot_be_run_is_refused(arguments: list[str]) -> None:
    assert run_bench(*arguments).exit_code == 2


def scenario_of(key: str, lines: int, **seconds: float | Sequence[float]) -> Scenario:
    """Return a scenario that was run once, or as often as there are seconds."""
    rounds = {name.replace("_", " "): [one] if isinstance(one, float) else one for name, one in seconds.items()}
    runs = {name: [Run(taken, 0.1, 20.0, {}) for taken in each] for name, each in rounds.items()}
    return Scenario(key, key, lines, "", runs)


def test_a_percentage_is_that_of_neighbouring_runs_however_fast_the_machine_was_then() -> None:
    scenarios = {
        "a": scenario_of("a", 1000, ours=(1.0, 4.0, 2.0), decode_only=(0.6, 1.8, 1.0)),
        "g": scenario_of("g", 2000, ours=(5.0, 16.0, 4.0)),
    }
    nothing = scenario_of("e", 0)
    values = {reading.key: reading.value for reading in throughput_readings(scenarios, nothing, nothing)}
    assert values["g_a"] == 50.0  # of 40, 50 and 100; the medians alone would give 80
    assert values["a_limit"] == 50.0


def test_scenarios_follow_each_other_the_quick_ones_run_more_often_and_rounds_begin_elsewhere(tmp_path: Path) -> None:
    said: list[str] = []
    scenarios = [Scenario(key, key, 1, str(tmp_path / "events.jsonl")) for key in ("a", "c")]
    nothing = [sys.executable, "-c", ""]
    one, two, slow = (
        Contestant(name, name, lambda key, pattern: nothing, is_quick=name != "slow") for name in ("one", "two", "slow")
    )
    race(scenarios, [one, slow, two], (), 2, said.append)
    order = [f"{line.split()[2]} {line.split()[4]}" for line in said]
    quick = ["(a) one", "(a) two", "(c) one", "(c) two"] * QUICK_TIMES
    assert order == [*quick, "(a) slow", "(c) slow", "(a) slow", "(c) slow", *quick]


def test_a_bar_leaves_out_what_opening_files_costs() -> None:
    scenarios = {
        "a": scenario_of("a", 1000, ours=1.0, per_event=5.0, decode_only=0.5),
        "e": scenario_of("e", 1000, ours=4.0),
    }
    many, one = scenario_of("e", 0, ours=3.0), scenario_of("e", 0, ours=1.0)
    values = {reading.key: reading.value for reading in throughput_readings(scenarios, many, one)}
    assert values["a_per_event"] == 5.0
    assert values["a_limit"] == 50.0
    assert values["e_a"] == 50.0
    assert values["a_mtail"] is None and values["g_a"] is None


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        (Reading("k", "k", 2, "s", at_most=2), "met"),
        (Reading("k", "k", 2.1, "s", at_most=2), "missed"),
        (Reading("k", "k", 1.9, "x", at_least=2), "missed"),
        (Reading("k", "k", None, "x", at_least=2), "not measured"),
        (Reading("k", "k", 1.9, "x"), ""),
    ],
)
def test_a_reading_is_held_against_its_bar(reading: Reading, verdict: str) -> None:
    assert reading.verdict == verdict


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_a_missed_bar_is_an_error_only_if_asked_for(strict: bool, code: int) -> None:
    missed = Reading("k", "what", 3, "s", at_most=2)
    where = {"cpu": "", "cores": 1, "kernel": "", "python": "", "load": 0}
    report = Report(where, datetime.now(UTC), 1, (), (missed,), ())
    assert bench._exit_code(report, strict) == code
    assert "at most 2 s" in report.text() and "missed" in report.text()


def test_the_readmes_tables_are_renewed_between_their_marks_only(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    shutil.copy(Path(bench.__file__).with_name("README.md"), page)
    head = page.read_text().partition("<!-- results")[0]
    renew(page, "new\n")
    renew(page, "newer\n")
    assert page.read_text().startswith(head)
    assert page.read_text().count("new") == head.count("new") + 1
    page.write_text("no marks")
    with pytest.raises(ValueError, match="results"):
        renew(page, "new")


@pytest.mark.slow
def test_a_line_appended_before_a_scrape_is_in_it(tmp_path: Path) -> None:
    readings = {one.key: one.value for one in freshness_readings(Effort(trials=40, repeats=2), tmp_path)}
    assert readings["missed"] == 0
    assert None not in readings.values()


def test_a_measurement_that_fails_is_said_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[Reading]:
        raise OSError("no luck")

    for name in ("start", "freshness", "idle", "sustained", "series", "telemetry"):
        monkeypatch.setattr(live, f"{name}_readings", lambda *_: [Reading("k", "k", 1, "s")])
    monkeypatch.setattr(live, "memory_readings", fail)
    readings, faults = live.live_readings(Effort(), tmp_path, lambda text: None)
    assert len(readings) == 6
    assert faults == ["live: memory could not be measured: no luck"]


@pytest.mark.slow
def test_a_call_of_the_telemetry_is_measured_in_both_modes_and_leaves_nothing(tmp_path: Path) -> None:
    readings = {one.key: one for one in telemetry_readings(2000, tmp_path)}
    kinds = ("counter", "gauge", "refused", "beyond_the_cap", "new_names", "left")
    assert set(readings) == {f"telemetry_{mode}_{kind}" for mode in ("a", "b") for kind in kinds}
    assert all(readings[f"telemetry_{mode}_{kind}"].value for mode in ("a", "b") for kind in kinds[:-1])
    assert [readings[f"telemetry_{mode}_left"].verdict for mode in ("a", "b")] == ["met", "met"]


def test_a_rate_the_writer_did_not_reach_judges_nobody() -> None:
    slow = {one.key: one.verdict for one in live._judge_sustained(20, 40_000, 10, 0.1)}
    full = {one.key: one.verdict for one in live._judge_sustained(20, 49_900, 10, 0.3)}
    assert slow == {"sustained": "", "sustained_cpu": "not measured", "sustained_lag": "not measured"}
    assert full == {"sustained": "", "sustained_cpu": "met", "sustained_lag": "missed"}


@pytest.mark.slow
def test_series_and_memory_are_measured(tmp_path: Path) -> None:
    for name in ("series", "memory"):
        (tmp_path / name).mkdir()
    found = [*series_readings((10,), 2, tmp_path / "series"), *memory_readings(1, 2, 3, tmp_path / "memory")]
    assert all(one.value is not None for one in found)
    assert (tmp_path / "memory/events.jsonl").stat().st_size == pytest.approx(3e6, abs=400)


@pytest.mark.slow
def test_the_limit_only_says_how_many_events_there_are(small: tuple[Result, dict[str, Any]]) -> None:
    told = {key: one["contestants"][DECODE_ONLY.name]["totals"] for key, one in small[1]["scenarios"].items()}
    assert {key: set(totals) for key, totals in told.items()} == {key: {"events_total"} for key in KEYS}


@pytest.mark.slow
def test_the_pair_of_the_reconciliation_agrees_and_is_measured(tmp_path: Path) -> None:
    found = measure_reconciliation(*write_pair(tmp_path, 500))
    assert found["exit"] == 0
    assert found["s"] > 0 and found["cpu_s"] > 0 and found["mib"] > 10


def page_of(command: Sequence[str]) -> str:
    """Return what a command prints, run in this process."""
    done = CliRunner().invoke(peaktrade, command[1:])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("key", SHAPES)
def test_a_shape_is_the_same_bytes_by_seed_and_our_page_is_what_it_says_event_by_event(
    key: str, tmp_path: Path
) -> None:
    for name in ("first", "again"):
        write_shape(key, tmp_path / name, 300)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    assert matrix.disagreement(key, tmp_path, 300, page_of) == ""


def test_a_page_that_says_otherwise_is_named_with_its_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = """print('events_total{mode="shadow",stage="ack",symbol="btc/eur"} 7')"""
    monkeypatch.setattr(matrix, "_commands", lambda key, file: {"ours": [sys.executable, "-c", page]})
    found = matrix.disagreement("deep", tmp_path, 100)
    assert found.startswith("deep: events_total{'mode': 'shadow', 'stage': 'ack', 'symbol': 'btc/eur'} is 7, but ")


def test_what_a_shape_costs_is_held_against_the_plain_one() -> None:
    costs = {
        "plain": matrix.Cost(2.0, 1.0, 30.0, 1.0),
        "free_text": matrix.Cost(3.3, 1.0, 65.0, 1.65),
        "wide": matrix.Cost(4.9, 1.0, 31.0, 2.45),
    }
    readings = {one.key: (one.value, one.verdict) for one in matrix.matrix_readings(costs)}
    assert readings == {
        "shape_plain": (1.0, ""),
        "shape_free_text": (1.65, "missed"),
        "shape_wide": (2.45, "met"),
        "shape_rss": (65.0, "missed"),
    }


def test_a_shape_is_held_against_the_plain_one_that_ran_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However fast the machine was then: here it is half as fast from time to time."""
    speeds = iter([1.0, 2.0, 2.0] * 9)
    seconds = {"plain": 1.0, "deep": 1.5}

    def run(command: Sequence[str], folder: Path) -> Run:
        if "empty" in command[-1] or "decode_only" in command[1]:
            return Run(0.1, 0.1, 20.0, {})
        taken = 0.1 + seconds[folder.name] * slow[0]
        return Run(taken, taken, 20.0, {})

    slow = [1.0]
    monkeypatch.setattr(matrix, "run_once", run)
    costs = matrix.shape_costs(["deep"], 1000, 3, tmp_path, lambda text: slow.__setitem__(0, next(speeds)))
    assert costs["deep"].in_plain == pytest.approx(1.5)
    assert costs["deep"].line_us / costs["plain"].line_us == pytest.approx(3), "what medians alone would say"
    assert costs["plain"].in_plain == pytest.approx(1.0)


@pytest.mark.slow
def test_shapes_are_measured_without_what_a_start_costs(tmp_path: Path) -> None:
    costs = matrix.shape_costs(["deep"], 3000, 1, tmp_path, lambda text: None)
    assert costs.keys() == {"plain", "deep"}
    assert all(cost.rss_mib > 10 for cost in costs.values())
