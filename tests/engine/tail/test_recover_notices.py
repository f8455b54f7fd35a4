"""What is said at a start of every file that was being read, and what is measured as lost (B4, B5, B6, B8, B16)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from exporters.engine.values import Notice
from tests.conftest import LogFile
from tests.engine.support.restart_harness import copytruncate, lines, pack
from tests.engine.support.tailing import Follower

READ = lines(range(100), 81)
HALF = b"half a line that was seen"

Said = list[tuple[str, str, int]]
"""Kind, outcome and lost bytes of each notice."""


def as_it_was(log_file: LogFile) -> None:
    pass


def appended(log_file: LogFile) -> None:
    log_file.append(b"\n" + lines([200]))


def nowhere(log_file: LogFile) -> None:
    log_file.path.unlink()


def replaced(log_file: LogFile) -> None:
    log_file.replace(lines([200]))


def rewritten(log_file: LogFile) -> None:
    log_file.replace(READ + HALF + b"\n")


def rotated(log_file: LogFile) -> None:
    log_file.rotate("events.jsonl.1")
    log_file.append(lines([200]))


def rotated_twice(log_file: LogFile) -> None:
    log_file.rotate("events.jsonl.2")
    log_file.append(lines([199]))
    rotated(log_file)


def packed(log_file: LogFile) -> None:
    pack(log_file.rotate("events.jsonl.1"))
    log_file.append(lines([200]))


def replaced_with_one_before(log_file: LogFile) -> None:
    log_file.path.with_name("events.jsonl.1").write_bytes(lines([199]))
    log_file.replace(lines([200]))


def emptied(log_file: LogFile) -> None:
    log_file.truncate(0)


def written_over(log_file: LogFile) -> None:
    log_file.truncate(0)
    log_file.append(lines(range(200, 400), 81))


def copied_and_emptied(log_file: LogFile) -> None:
    copytruncate(log_file.path)


def cut(log_file: LogFile) -> None:
    log_file.truncate(81 * 60 + 7)


def moved_to_nowhere(log_file: LogFile) -> None:
    log_file.rotate("elsewhere")


SCENES: list[tuple[Callable[[LogFile], None], Said]] = [
    (as_it_was, [("recovered", "resumed", 0)]),
    (appended, [("recovered", "resumed", 0)]),
    (nowhere, [("absent", "", 0)]),
    (moved_to_nowhere, [("recovered", "moved", 0)]),
    (replaced, [("recovered", "missing", 0), ("lost", "", len(HALF))]),
    (rewritten, [("recovered", "copied", 0)]),
    (rotated, [("recovered", "moved", 0)]),
    (rotated_twice, [("recovered", "moved", 0), ("recovered", "unseen", 0)]),
    (packed, [("recovered", "unpacked", 0)]),
    (replaced_with_one_before, [("recovered", "missing", 0), ("lost", "", len(HALF)), ("recovered", "unseen", 0)]),
    (emptied, [("recovered", "missing", 0), ("truncated", "", len(HALF))]),
    (written_over, [("recovered", "missing", 0), ("truncated", "", len(HALF))]),
    (copied_and_emptied, [("recovered", "copied", 0)]),
    (cut, [("recovered", "resumed", 0), ("truncated", "", len(HALF))]),
]


def said_at_a_start(log_file: LogFile, change: Callable[[LogFile], None]) -> Said:
    """Read a file, have it changed, and return what a second life says of it."""
    first, second = Follower(log_file), Follower(log_file)
    first.tail.recover([], frozenset(), 0.0)
    first.poll()
    checkpoints, known = first.tail.checkpoints(), first.tail.known
    first.tail.close()
    change(log_file)
    notices = second.tail.recover(checkpoints, known, 0.0)
    second.tail.close()
    assert {notice.path for notice in notices} == {str(log_file)}
    return [(notice.kind, notice.outcome, notice.lost_bytes) for notice in notices]


@pytest.mark.parametrize(("change", "said"), SCENES, ids=[change.__name__ for change, _ in SCENES])
def test_it_is_said_what_became_of_a_file_and_what_of_it_is_lost(
    log_file: LogFile, change: Callable[[LogFile], None], said: Said
) -> None:
    log_file.append(READ + HALF)
    assert said_at_a_start(log_file, change) == said


@pytest.mark.parametrize(
    ("text", "change", "lost"),
    [
        (b"half", replaced, [("lost", "", 4)]),
        (b"half", replaced_with_one_before, []),
        (b"1\nhalf", replaced_with_one_before, []),
        (b"123456789012345\nhalf", replaced_with_one_before, [("lost", "", 4)]),
        (b"half", emptied, []),
        (READ, replaced, []),
        (READ, emptied, [("truncated", "", 0)]),
    ],
)
def test_what_may_be_in_a_file_that_nobody_has_read_is_not_called_lost(
    log_file: LogFile, text: bytes, change: Callable[[LogFile], None], lost: Said
) -> None:
    log_file.append(text)
    said = said_at_a_start(log_file, change)
    assert [one for one in said if one[0] != "recovered"] == lost
    assert [outcome for _, outcome, _ in said if outcome == "unseen"] == ["unseen"] * (
        change is replaced_with_one_before
    )


def test_what_is_read_after_a_start_comes_in_the_order_in_which_it_was_written(log_file: LogFile) -> None:
    log_file.append(lines([1]))
    first, second = Follower(log_file), Follower(log_file)
    first.tail.recover([], frozenset(), 0.0)
    first.poll()
    checkpoints, known = first.tail.checkpoints(), first.tail.known
    first.tail.close()
    log_file.append(lines([2]))
    rotated_twice(log_file)
    shutil.copyfile(log_file.path.with_name("events.jsonl.2"), log_file.path.with_name("events.jsonl.3"))
    os.utime(log_file.path.with_name("events.jsonl.3"), (1, 1))
    notices = second.tail.recover(checkpoints, known, 0.0)
    assert [notice.outcome for notice in notices] == ["moved", "unseen"]
    assert [one.offset for one in second.tail.checkpoints()][:2] == [80, 0]
    assert second.drain() == [text[:-1] for text in map(lines, ([2], [199]))]
    assert second.poll() == [lines([200])[:-1]]
    assert Notice("rotated", str(log_file)) in second.notices
    second.tail.close()
