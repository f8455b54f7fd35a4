"""A state that an earlier version wrote is taken over exactly: files, names, pairs and values go on where they were.

`written_before/` holds what the version before the records were typed left behind: its state (format 3), the event file
and two backups, one read to its end and let go, one still open; the last line is half written.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.load import load_contract
from exporters.engine.run import Engine
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
from tests.engine.support.commits import StandingClock, shop_event
from tests.engine.support.harness import line_of

LEFT = Path(__file__).parent / "written_before"
Values = dict[tuple[str, ...], tuple[float, tuple[int, ...]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what was left behind, as the working directory: the state names its files relative to it."""
    shutil.copytree(LEFT, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values_of(folder: Path, files: str, store: Store | None) -> Values:
    """Return what an engine shows of the contract's own metrics, and of the lines it counted."""
    engine = Engine(load_contract(folder / "sample.yaml"), Tail([files]), {}, StandingClock(), store).start()
    engine.step()
    shown = {
        (metric.name, *sample.labels): (sample.value, sample.buckets)
        for metric, samples in engine.publish()[0]
        for sample in samples
        if not metric.name.startswith("peak_trade_exporter_") or metric.name.endswith("_lines_total")
    }
    engine.run(lambda: False)
    engine.tail.close()
    return shown


def finish(folder: Path) -> None:
    """Write the rest of the half line, and more."""
    rest = line_of(shop_event(202))[20:] + b"".join(line_of(shop_event(number)) for number in range(203, 230))
    with (folder / "sample.jsonl").open("ab") as out:
        out.write(rest)


def test_a_state_of_the_version_before_goes_on_as_if_one_exporter_had_read_everything(folder: Path) -> None:
    finish(folder)
    everything = b"".join((folder / f"sample.jsonl{ending}").read_bytes() for ending in (".2", ".1", ""))
    (folder / "whole").write_bytes(everything)
    expected = values_of(folder, "whole", None)
    assert expected["peak_trade_exporter_lines_total", "sample", "applied"][0] == 230
    state = folder / "format_3.db"
    expected["open_seconds", "open_to_done"] = (322.0, (0, 39, 1))  # as that version joined: orphans took no room
    assert values_of(folder, "sample.jsonl", Store(state, "sample")) == expected
    assert values_of(folder, "sample.jsonl", Store(state, "sample")) == expected, "and again, as we have stored it"


def test_without_the_files_that_were_read_everything_counted_is_still_there(folder: Path) -> None:
    for name in ("sample.jsonl", "sample.jsonl.1", "sample.jsonl.2"):
        (folder / name).unlink()
    found = values_of(folder, "sample.jsonl", Store(folder / "format_3.db", "sample"))
    assert found["peak_trade_exporter_lines_total", "sample", "applied"][0] == 202
    kinds = [value for (name, *_), (value, _) in found.items() if name == "kinds_total"]
    assert sum(kinds) == 202
