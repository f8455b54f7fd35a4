"""The folder as one set of values: the living, the dead, and whatever else stands in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from contracts.load import load_contract
from exporters.multiprocess.claims import FolderError, is_alive, stake
from exporters.multiprocess.folded import FILE
from tests.conftest import FakeClock
from tests.multiprocess.folders import BLOCKS, DECISIONS, InnerSession, open_collector, the_contract, total

EXPOSURE = "peaktrade_strategy_position_gross_exposure"


def names(folder: Path) -> set[str]:
    """Return the kinds of files in a folder, tokens left out."""
    return {path.name.split("_")[0] for path in folder.iterdir()}


def write_shard(path: Path, sample: str, labels: dict[str, str], value: float) -> None:
    """Write one value as a program does that uses the client library by itself."""
    shard = MmapedDict(str(path))  # type: ignore[no-untyped-call]
    key = mmap_key(sample.removesuffix("_total"), sample, list(labels), list(labels.values()), "Help.")
    shard.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    shard.close()  # type: ignore[no-untyped-call]


def dead_pid() -> int:
    """Return the pid of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_counters_of_all_sessions_add_up_and_the_greatest_gauge_of_the_living_shows(tmp_path: Path) -> None:
    one, two = InnerSession(tmp_path), InnerSession(tmp_path)
    one.block(3)
    two.block(4)
    for session, exposure in ((one, 10.0), (two, 7.0)):
        session.recorder.show(EXPOSURE, abs, exposure, ("ma", "EUR"))
    values = open_collector(tmp_path).collect()
    assert values[BLOCKS, ("runtime:halt",)] == 7
    assert values[EXPOSURE, ("ma", "EUR")] == 10


def test_w39_files_of_living_sessions_are_untouched_by_a_start_and_go_on_counting(tmp_path: Path) -> None:
    session = InnerSession(tmp_path)
    session.block(2)
    before = {path.name: path.stat().st_ino for path in tmp_path.glob("*.db")}
    for _ in range(3):
        collector = open_collector(tmp_path)
        assert total(collector) == 2
        collector.close()
    assert {path.name: path.stat().st_ino for path in tmp_path.glob("*.db")} == before
    session.block(5)
    assert total(open_collector(tmp_path)) == 7


def test_w41_the_dead_leave_their_counters_in_one_file_and_their_gauges_nowhere(tmp_path: Path) -> None:
    collector = open_collector(tmp_path)
    for number in range(20):
        session = InnerSession(tmp_path)
        session.block(number)
        session.recorder.show(EXPOSURE, abs, 5.0, ("ma", "EUR"))
        assert collector.collect()[EXPOSURE, ("ma", "EUR")] == 5.0
        session.die()
    values = collector.collect()
    assert values[BLOCKS, ("runtime:halt",)] == sum(range(20))
    assert (EXPOSURE, ("ma", "EUR")) not in values
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "owner"}
    assert collector.recorders == 0


def test_what_was_folded_is_there_after_a_restart_and_counting_goes_on_since_then(tmp_path: Path) -> None:
    clock = FakeClock()
    session = InnerSession(tmp_path)
    session.block(4)
    session.die()
    first = open_collector(tmp_path, clock=clock)
    assert total(first) == 4
    first.close()
    clock.advance(1000)
    second = open_collector(tmp_path, clock=clock)
    assert (total(second), second.since) == (4, clock.now() - 1000)


def test_values_the_contract_does_not_allow_are_left_out_and_counted(tmp_path: Path) -> None:
    collector = open_collector(tmp_path)
    own = os.getpid()
    write_shard(tmp_path / f"counter_{own}.db", BLOCKS, {"reason": "runtime:halt"}, 2.0)
    write_shard(tmp_path / f"counter_{own}.db", BLOCKS, {"reason": "because"}, 2.0)
    write_shard(tmp_path / f"counter_{own}.db", BLOCKS, {"reason": "runtime:halt", "symbol": "btc/eur"}, 2.0)
    write_shard(tmp_path / f"counter_{own}.db", "orders_total", {"order_id": "17"}, 2.0)
    write_shard(tmp_path / f"counter_{own}.db", BLOCKS, {"reason": "runtime:pause"}, float("nan"))
    write_shard(tmp_path / f"counter_{own}.db", BLOCKS, {"reason": "runtime:reject"}, -1.0)
    write_shard(tmp_path / f"gauge_livemax_{own}.db", "peaktrade_risk_limit_utilization", {"limit_id": "x"}, 0.5)
    known = {"limit_id": "max_open_positions"}
    write_shard(tmp_path / f"gauge_livemax_{own}.db", "peaktrade_risk_limit_utilization", known, 1.5)
    assert collector.collect() == {(BLOCKS, ("runtime:halt",)): 2.0}
    assert collector.refused == 7


def test_names_beyond_the_cap_are_one_over_all_sessions_and_stay_so(tmp_path: Path) -> None:
    collector = open_collector(tmp_path)
    for number in range(30):
        session = InnerSession(tmp_path)
        session.recorder.count(DECISIONS, (f"s{number:02}", "entry_long"))
        collector.collect()
        session.die()

    def shown(values: dict[tuple[str, tuple[str, ...]], float]) -> dict[str, float]:
        return {
            labels[0]: value for (name, labels), value in values.items() if name == DECISIONS and "entry_long" in labels
        }

    found = shown(collector.collect())
    assert found == {"na": 0, **{f"s{number:02}": 1 for number in range(19)}, "other": 11}
    collector.close()
    assert shown(open_collector(tmp_path).collect()) == found


def test_a_session_of_another_program_lives_as_long_as_its_pid(tmp_path: Path) -> None:
    collector = open_collector(tmp_path)
    alive, dead = os.getpid(), dead_pid()
    for pid in (alive, dead):
        write_shard(tmp_path / f"counter_{pid}.db", BLOCKS, {"reason": "runtime:halt"}, 2.0)
    assert total(collector) == 4
    assert [path.name for path in tmp_path.glob("*.db")] == [f"counter_{alive}.db"]


def test_a_pid_that_is_used_again_does_not_hide_that_a_session_of_ours_has_ended(tmp_path: Path) -> None:
    session = InnerSession(tmp_path)  # its token begins with the pid of this process, which goes on living
    session.block()
    session.die()
    assert total(open_collector(tmp_path)) == 1
    assert list(tmp_path.glob("*.db")) == []


def test_a_pid_given_away_while_its_file_is_set_aside_keeps_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = open_collector(tmp_path)
    path = tmp_path / f"counter_{dead_pid()}.db"
    write_shard(path, BLOCKS, {"reason": "runtime:halt"}, 2.0)
    answers = iter([False, True])
    monkeypatch.setattr("exporters.multiprocess.collector.is_alive", lambda *_: next(answers, True))
    assert total(collector) == 2
    write_shard(path, BLOCKS, {"reason": "runtime:halt"}, 3.0)
    assert total(collector) == 3
    monkeypatch.setattr("exporters.multiprocess.collector.is_alive", is_alive)
    assert (total(collector), path.exists()) == (3, False)


def test_a_name_that_is_no_pid_lives_for_ever(tmp_path: Path) -> None:
    write_shard(tmp_path / "counter_worker1.db", BLOCKS, {"reason": "runtime:halt"}, 2.0)
    assert total(open_collector(tmp_path)) == 2
    assert (tmp_path / "counter_worker1.db").exists()


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "bad_length", "no_json"])
def test_a_damaged_file_hides_no_other_and_takes_back_nothing_that_was_shown(tmp_path: Path, damage: str) -> None:
    session, other = InnerSession(tmp_path), InnerSession(tmp_path)
    session.block(3)
    other.block(1)
    (path,) = tmp_path.glob(f"counter_*{_token_of(session, tmp_path)}.db")
    collector = open_collector(tmp_path)
    assert total(collector) == 4
    data = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[:100],
            "noise": b"\xff" * 4096,
            "bad_length": data[:8] + b"\xff\xff\xff\x0f" + data[12:],
            "no_json": data.replace(b"[", b"x"),
        }[damage]
    )
    assert total(collector) == 4
    session.die()
    assert total(collector) == 4
    assert not path.exists()


def _token_of(session: InnerSession, folder: Path) -> str:
    """Return the token of the session that wrote first."""
    ranked = sorted(folder.glob("counter_*.db"), key=lambda path: path.stat().st_ctime_ns)
    return ranked[0].stem.removeprefix("counter_")


def test_counters_of_a_file_somebody_removed_are_kept_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = InnerSession(tmp_path)
    session.block(3)
    collector = open_collector(tmp_path)
    assert total(collector) == 3
    (path,) = tmp_path.glob("counter_*.db")
    path.unlink()
    assert total(collector) == 3
    assert [record.message for record in caplog.records] == [f"{path}: removed while in use; its counters are kept"]
    collector.close()
    assert total(open_collector(tmp_path)) == 3


def test_a_folder_somebody_removed_is_made_again_with_what_was_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "shards"
    session = InnerSession(folder)
    session.block(3)
    collector = open_collector(folder)
    assert total(collector) == 3
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert total(collector) == 3
    assert caplog.records[0].message == f"{folder}: removed while in use; made again, and its counters are kept"
    later = InnerSession(folder)
    later.block(2)
    assert total(collector) == 5
    collector.close()
    assert total(open_collector(folder)) == 5


def test_a_folder_has_one_process_that_folds(tmp_path: Path) -> None:
    first = open_collector(tmp_path)
    with pytest.raises(FolderError) as caught:
        open_collector(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: another process serves this folder; stop it, or give this one another folder"
    )
    first.close()
    open_collector(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError) as caught:
        open_collector(tmp_path / "file" / "shards")
    assert str(caught.value) == (
        f"{tmp_path}/file/shards: metricsd cannot use this folder: not a directory; give another one"
    )


def test_a_folded_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"since": "yesterday"}')
    with pytest.raises(FolderError) as caught:
        open_collector(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/{FILE}: cannot be read: expected `float`, got `str` - at `$.since`; move it away to begin anew"
    )
    assert (tmp_path / FILE).read_text() == '{"since": "yesterday"}'


def test_folded_series_a_new_contract_does_not_know_are_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "shards"
    session = InnerSession(folder)
    session.block(3)
    session.block(2, "runtime:pause")
    session.die()
    first = open_collector(folder)
    assert total(first) == 5
    first.close()
    text = (
        Path(the_contract().path)
        .read_text()
        .replace("      - runtime:pause\n", "")
        .replace("budget: 10\n  peak_", "budget: 9\n  peak_")
    )
    (tmp_path / "metricsd.yaml").write_text(text)
    smaller = load_contract(tmp_path / "metricsd.yaml")
    assert total(open_collector(folder, smaller)) == 3
    assert [record.message for record in caplog.records] == [
        f"{folder}: {BLOCKS} of ended processes is not in {smaller.path}; left out"
    ]


def test_a_disk_that_takes_nothing_hides_nothing_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    collector = open_collector(tmp_path)
    session = InnerSession(tmp_path)
    session.block(3)
    assert total(collector) == 3
    session.die()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("exporters.multiprocess.collector.write_folded", full)
        assert [total(collector) for _ in range(3)] == [3, 3, 3]
        assert (collector.is_ok, collector.errors) == (False, 3)
    assert caplog.records[0].message == (
        f"{tmp_path}: cannot be written to (no space left on device); nothing is folded, values stay visible"
    )
    assert (total(collector), collector.is_ok) == (3, True)
    assert sum(one[2] for one in json.loads((tmp_path / FILE).read_text())["counters"]) == 3


def test_a_claim_without_files_goes_when_its_process_has(tmp_path: Path) -> None:
    collector = open_collector(tmp_path)
    claim = stake(tmp_path)
    collector.collect()
    assert (tmp_path / f"{claim.token}.lock").exists()
    claim.let_go()
    collector.collect()
    assert names(tmp_path) == {FILE, "owner"}
