import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contracts.model import REJECTION_REASONS
from exporters.commands.state import state
from tests.engine.support.commits import SHOP, Plant, shop_event
from tests.engine.support.harness import NOW
from tests.engine.support.stores import files_of, opened

EVENTS: list[dict[str, object]] = [
    {"kind": "sold", "run": 'a"b', "size": 9007199254740991, "at": NOW - 100},
    {"kind": "lost", "run": "c", "size": 0, "stage": "open", "id": "x", "at": NOW - 90},
    {"stage": "open", "id": "y", "at": NOW - 80},
    {"stage": "done", "id": "x", "at": NOW - 87.75},
    {"size": 0.5},
]


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path, SHOP.replace("run: {allow: a-z,", "run: {allow: 'a-z\"',"))
    plant.write("not json", *EVENTS)
    plant.begin()
    plant.step()
    yield plant
    plant.stop()


def run(plant: Plant, *given: str, answer: str = "", exporter: str = "sample", folder: str = "") -> Result:
    return CliRunner().invoke(
        state, [given[0], exporter, "--state-dir", folder or str(plant.state.parent), *given[1:]], input=answer
    )


def stamp(path: Path) -> None:
    """Have the last commit at a time the tests know."""
    for name in (path, Path(f"{path}-wal")):
        if name.exists():
            os.utime(name, (NOW, NOW))


def shown(plant: Plant) -> dict[str, object]:
    """Return the JSON of show, less the exporter's own series."""
    result = run(plant, "show", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    report: dict[str, object] = json.loads(result.stdout)
    series = report["series"]
    assert isinstance(series, list)
    report["series"] = [one for one in series if not one["metric"].startswith("peak_trade_exporter_")]
    return report


def only_file(plant: Plant) -> dict[str, object]:
    files = shown(plant)["files"]
    assert isinstance(files, list)
    assert len(files) == 1
    return dict(files[0])


def series(metric: str, value: float, buckets: list[int] | None = None, **labels: str) -> dict[str, object]:
    created = NOW if metric in ("kinds_total", "open_seconds", "size_total") else NOW + 0.2
    return {"metric": metric, "labels": labels, "value": value, "buckets": buckets, "created": created}


@pytest.mark.parametrize("ending", ["running", "stopped", "killed"])
def test_show_prints_every_fact_as_json_whatever_became_of_the_exporter(plant: Plant, ending: str) -> None:
    whole = plant.events.stat().st_size
    with plant.events.open("ab") as file:
        file.write(b'{"kind": "so')
    plant.step()
    {"running": lambda: None, "stopped": plant.stop, "killed": plant.kill}[ending]()
    stamp(plant.state)
    before = sorted(plant.state.parent.iterdir())
    inode = plant.events.stat().st_ino
    assert shown(plant) == {
        "state": str(plant.state),
        "last_commit": "2026-01-25T00:13:20.000+00:00",
        "files": [
            {"path": str(plant.events), "inode": inode, "offset": whole, "size": whole + 12, "lag_bytes": 12},
        ],
        "series": [
            series("kinds_total", 1, kind="lost"),
            series("kinds_total", 0, kind="other"),
            series("kinds_total", 1, kind="sold"),
            series("last_timestamp_seconds", NOW - 80),
            series("open_seconds", 2.25, [0, 1, 0], edge="open_to_done"),
            series("runs_total", 1, run='a"b'),
            series("runs_total", 1, run="c"),
            series("size_total", 9007199254740991),
        ],
        "lines": {**dict.fromkeys((*REJECTION_REASONS, "blank"), 0), "applied": 4, "ignored": 1, "bad_json": 1},
        "refused": [
            {
                "reason": "bad_json",
                "path": str(plant.events),
                "offset": 0,
                "at": "2026-01-25T00:13:20.200+00:00",
                "why": "JSON is malformed: invalid character (byte 1)",
            }
        ],
        "open_pairs": 2,
    }
    assert sorted(plant.state.parent.iterdir()) == before


def test_show_prints_tables_with_every_digit(plant: Plant) -> None:
    stamp(plant.state)
    result = run(plant, "show")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "peak_trade_exporter_" in line)
    offset, inode = plant.events.stat().st_size, plant.events.stat().st_ino
    values = [line for line in lines[at:] if "peak_trade_exporter_" not in line]
    assert [*lines[:at], *values] == [
        f"{plant.state}, last commit 2026-01-25T00:13:20.000+00:00, 2 open pairs",
        "",
        "        offset   lag bytes       inode  file",
        f"{offset:>14}           0{inode:>12}  {plant.events}",
        "",
        "         lines  outcome",
        "             4  applied",
        "             1  bad_json",
        "             1  ignored",
        *(f"             0  {name}" for name in ("blank", *sorted(REJECTION_REASONS)[1:])),
        f"last bad_json, 2026-01-25T00:13:20.200+00:00: {plant.events}@0: "
        "JSON is malformed: invalid character (byte 1)",
        "",
        "               value  series",
        '                   1  kinds_total{kind="lost"}',
        '                   0  kinds_total{kind="other"}',
        '                   1  kinds_total{kind="sold"}',
        "          1769299920  last_timestamp_seconds{}",
        '                   1  open_seconds_count{edge="open_to_done"}',
        '                2.25  open_seconds_sum{edge="open_to_done"}',
        '                   1  runs_total{run="a\\"b"}',
        '                   1  runs_total{run="c"}',
        "    9007199254740991  size_total{}",
    ]


def test_show_tells_the_lag_of_a_file_that_grew_moved_or_went_away(plant: Plant) -> None:
    offset = plant.events.stat().st_size
    plant.stop()
    plant.write({"kind": "sold"})
    grown = plant.events.stat().st_size
    for change, size in (
        (lambda: None, grown),
        (lambda: plant.events.rename(plant.folder / "moved"), offset),
        (lambda: plant.events.write_text("another file"), offset),
    ):
        change()
        file = only_file(plant)
        assert (file["offset"], file["size"], file["lag_bytes"]) == (offset, size, size - offset)


def test_show_prints_a_file_name_that_is_not_text(plant: Plant) -> None:
    plant.stop()
    plant.state.unlink()
    plant.events = Path(os.fsdecode(os.fsencode(plant.folder) + b"/\xff.jsonl"))
    plant.write(shop_event(0))
    plant.begin()
    plant.step()
    result = run(plant, "show")
    assert result.exit_code == 0
    assert f"  {plant.folder}/\\udcff.jsonl\n" in result.stdout
    file = only_file(plant)
    assert file["path"] == str(plant.events)


@pytest.mark.parametrize("command", ["show", "reset"])
def test_a_state_that_is_not_there_is_said(plant: Plant, command: str) -> None:
    result = run(plant, command, exporter="sampel")
    path = plant.state.with_name("sampel.db")
    said = f"{path}: no state here; give --state-dir the exporter's folder, or check its name\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", said)
    assert not path.with_suffix(".lock").exists()


@pytest.mark.parametrize("command", ["show", "reset"])
def test_a_state_kept_in_memory_is_said(plant: Plant, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEAK_TRADE_STATE_DIR", "none")
    result = CliRunner().invoke(state, [command, "sample"])
    said = "sample: with the state folder `none` everything is in memory; give --state-dir a folder\n"
    assert (result.exit_code, result.stderr) == (1, said)


def test_the_folder_comes_from_the_flag_then_the_variable_then_the_usual_place(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEAK_TRADE_STATE_DIR", str(tmp_path / "elsewhere"))
    assert run(plant, "show").exit_code == 0
    said = CliRunner().invoke(state, ["show", "sample"]).stderr
    assert said.startswith(f"{tmp_path}/elsewhere/sample.db: no state here; ")
    monkeypatch.delenv("PEAK_TRADE_STATE_DIR")
    assert (
        CliRunner().invoke(state, ["show", "sample"]).stderr.startswith(".ops_local/state/sample.db: no state here; ")
    )


def test_a_damaged_state_is_said_and_left_as_it_is(plant: Plant) -> None:
    plant.stop()
    plant.state.write_bytes(b"damaged")
    result = run(plant, "show")
    said = f"{plant.state}: the state is damaged (file is not a database); nothing was changed\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", said)
    assert plant.state.read_bytes() == b"damaged"
    plant.state.unlink()


def test_another_versions_state_is_said(plant: Plant) -> None:
    plant.stop()
    with opened(plant.state) as (store, _):
        store.write([("mark", "1", "new")])
    result = run(plant, "show")
    said = f"{plant.state}: the state is not one of this version (a row of kind 'mark'); nothing was changed\n"
    assert (result.exit_code, result.stderr) == (1, said)


@pytest.mark.parametrize("given", [("--yes",), ()])
def test_reset_sets_the_state_aside_and_the_exporter_begins_anew(
    plant: Plant, given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.kill()
    files = files_of(plant.state)
    result = run(plant, "reset", *given, answer="y\n")
    assert result.exit_code == 0
    (aside,) = plant.state.parent.glob("sample.db.reset-*Z")
    asked = "" if given else f"Set {plant.state} aside, so that sample begins anew? [y/N]: y\n"
    assert result.stdout == f"{asked}set aside as {aside}; delete it when it is no longer needed\n"
    assert files_of(aside) == files
    assert files_of(plant.state) == {}
    plant.begin()
    assert set(plant.shown().values()) >= {(0.0, ())}
    plant.step()
    assert plant.shown() == plant.truth()
    assert plant.own("state_resets_total", "corrupt") == 0


@pytest.mark.parametrize("answer", ["n\n", "", "\n"])
def test_reset_without_a_yes_changes_nothing(plant: Plant, answer: str) -> None:
    plant.kill()
    files = files_of(plant.state)
    result = run(plant, "reset", answer=answer)
    assert (result.exit_code, result.stderr.strip()) == (1, "Aborted!")
    assert files_of(plant.state) == files
    plant.begin()


def test_reset_of_a_running_exporter_is_refused_before_anything_is_asked(plant: Plant) -> None:
    files = files_of(plant.state)
    result = run(plant, "reset")
    said = f"{plant.state}: process {os.getpid()} has this state; stop the exporter first\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", said)
    assert files_of(plant.state) == files
    plant.step(1.5)
    assert plant.own("state_ok") == 1


def test_reset_takes_a_damaged_state_too(plant: Plant) -> None:
    plant.stop()
    plant.state.write_bytes(b"damaged")
    assert run(plant, "reset", "--yes").exit_code == 0
    plant.begin()
    assert plant.own("state_resets_total", "corrupt") == 0


def test_what_cannot_be_reset_is_said(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.stop()

    def rename(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr("os.rename", rename)
        result = run(plant, "reset", "--yes")
    said = f"{plant.state}: the state cannot be set aside (operation not permitted); nothing was changed\n"
    assert (result.exit_code, result.stderr) == (1, said)


def test_no_sum_goes_beyond_all_numbers(plant: Plant) -> None:
    plant.write({"kind": "sold", "size": 1.7e308}, {"kind": "sold", "size": 1.7e308})
    plant.step()
    shown = run(plant, "show").stdout
    assert "            1.7e+308  size_total{}\n" in shown
    assert '1  peak_trade_exporter_refused_values_total{exporter="sample",word="size",reason="out_of_range"}\n' in shown


def test_show_waits_for_nobody(plant: Plant) -> None:
    """Someone in the middle of a write does not keep it from the last commit."""
    with sqlite3.connect(plant.state, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert run(plant, "show").exit_code == 0
        other.execute("ROLLBACK")
    other.close()
