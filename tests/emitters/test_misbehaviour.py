from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from emitters.misbehaviour import KINDS, plan_faults
from emitters.pacing import Pace, write_events
from emitters.writer import Writer


def emit(directory: Path, kinds: Sequence[str], n: int, every: int, pace: Pace | None = None) -> int:
    pace = pace or Pace(timedelta(0), clock=lambda: 0.0, sleep=lambda seconds: None)
    with Writer(directory / "f") as writer:
        return write_events([{"i": i} for i in range(n)], writer, pace, plan_faults(kinds, every, 0.0))


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}


def lines(*numbers: int) -> str:
    return "".join(f'{{"i":{number}}}\n' for number in numbers)


def test_every_second_rotation_writes_one_more_line_to_the_renamed_file(tmp_path: Path) -> None:
    assert emit(tmp_path, ["rotate"], n=10, every=3) == 10
    assert contents(tmp_path) == {
        "f.3": lines(0, 1, 2),
        "f.2": lines(3, 4, 5, 6),
        "f.1": lines(7, 8),
        "f": lines(9),
    }


def test_truncation_leaves_only_what_came_after_it(tmp_path: Path) -> None:
    assert emit(tmp_path, ["truncate"], n=8, every=3) == 8
    assert contents(tmp_path) == {"f": lines(6, 7)}


def test_the_file_rests_before_it_is_truncated(tmp_path: Path) -> None:
    now, seen = [0.0], []

    def sleep(seconds: float) -> None:
        now[0] += seconds
        seen.append((round(now[0], 3), contents(tmp_path)["f"]))

    pace = Pace(timedelta(0), clock=lambda: now[0], sleep=sleep)
    with Writer(tmp_path / "f") as writer:
        write_events([{"i": 0}, {"i": 1}], writer, pace, plan_faults(["truncate"], 1, 0.12))
    assert seen == [(0.05, lines(0)), (0.1, lines(0)), (0.12, lines(0))]
    assert contents(tmp_path) == {"f": lines(1)}


def test_a_stop_while_the_file_rests_cuts_nothing_off(tmp_path: Path) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        pace.stop()

    pace = Pace(timedelta(0), clock=lambda: now[0], sleep=sleep)
    with Writer(tmp_path / "f") as writer:
        assert write_events([{"i": 0}, {"i": 1}], writer, pace, plan_faults(["truncate"], 1, 5.0)) == 1
    assert contents(tmp_path) == {"f": lines(0)}


def test_half_a_line_stands_alone_for_a_moment(tmp_path: Path) -> None:
    seen = []
    pace = Pace(
        timedelta(0),
        clock=lambda: 0.0,
        sleep=lambda seconds: seen.append((seconds, contents(tmp_path)["f"])),
    )
    assert emit(tmp_path, ["half-line"], n=3, every=2, pace=pace) == 3
    assert seen == [(0.03, lines(0, 1) + '{"i"')]
    assert contents(tmp_path) == {"f": lines(0, 1, 2)}


def test_kinds_take_turns_and_the_first_event_is_spared(tmp_path: Path) -> None:
    assert emit(tmp_path, ["half-line", "rotate"], n=7, every=2) == 7
    assert contents(tmp_path) == {"f.1": lines(0, 1, 2, 3), "f": lines(4, 5, 6)}


def test_no_kind_is_no_fault() -> None:
    pick = plan_faults([], 1, 0.0)
    assert [pick(number) for number in range(5)] == [None] * 5


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_plan_begins_its_turns_anew(tmp_path: Path, kind: str) -> None:
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        emit(tmp_path / run, [kind], n=20, every=3)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
