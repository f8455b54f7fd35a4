"""What the text of a copy tells: whether it holds what was read of a file, or begins as that file did."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from exporters.engine.tail.backups import list_backups
from exporters.engine.tail.text import begins_like, has_copy, holds, is_part, open_text
from exporters.engine.values import Checkpoint
from tests.conftest import LogFile
from tests.engine.support.restart_harness import lines
from tests.engine.support.tailing import Follower

READ = lines(range(900))
SHORT = len(READ) // 2 // 1024 * 1024


@pytest.fixture
def checkpoint(log_file: LogFile) -> Checkpoint:
    """What is known of a file of which READ was read."""
    log_file.append(READ)
    follower = Follower(log_file)
    follower.poll()
    [found] = follower.tail.checkpoints()
    return found


OTHER_HEAD, OTHER_END, OTHER_MIDDLE = b"x" + READ[1:], READ[:-9] + b"x" * 9, READ[:5000] + b"x" * 200 + READ[5200:]


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (READ, (True, True)),
        (READ + b"more\n", (True, True)),
        (READ[:-1], (False, True)),
        (READ[:SHORT], (False, True)),
        (OTHER_HEAD, (False, False)),
        (OTHER_END, (False, True)),
        (OTHER_MIDDLE, (True, False)),
        (READ[:8], (False, False)),
        (b"", (False, False)),
    ],
    ids=[
        "all",
        "more",
        "a byte less",
        "half",
        "another head",
        "another end",
        "another middle",
        "too little",
        "nothing",
    ],
)
def test_a_copy_is_told_by_its_head_its_end_and_the_places_between(
    checkpoint: Checkpoint, log_file: LogFile, data: bytes, expected: tuple[bool, bool], is_packed: bool
) -> None:
    path = log_file.path.with_name(log_file.path.name + (".1.gz" if is_packed else ".1"))
    path.write_bytes(gzip.compress(data) if is_packed else data)
    [one] = list_backups([str(log_file.path)])[str(log_file.path)]
    with open_text(one, [checkpoint]) as text:
        assert text is not None
        assert (text.size, holds(text, checkpoint), begins_like(text, checkpoint)) == (len(data), *expected)
    is_copy = any(expected)
    sizes = (-1, len(data) - 1, len(data), len(data) + 1)
    assert [has_copy([one], checkpoint, size) for size in sizes] == [is_copy, is_copy, False, False]


def test_of_several_copies_one_is_enough_and_none_is_none(checkpoint: Checkpoint, log_file: LogFile) -> None:
    for name, data in (("1", b"x" * 9000), ("2", READ), ("3", b"")):
        log_file.path.with_name(f"{log_file.path.name}.{name}").write_bytes(data)
    found = list_backups([str(log_file.path)])[str(log_file.path)]
    assert has_copy(found, checkpoint, len(READ) - 1)
    assert not has_copy([one for one in found if not one.path.endswith(".2")], checkpoint, 0)
    assert not has_copy([], checkpoint, 0)
    Path(found[0].path).unlink()
    assert has_copy(found, checkpoint, 0) is any(one.path.endswith(".2") for one in found[1:])


def test_a_text_is_part_of_one_that_begins_with_it(checkpoint: Checkpoint, log_file: LogFile) -> None:
    texts = {"1": READ, "2": READ[:SHORT], "3": OTHER_HEAD[:SHORT], "4": READ[: SHORT - 5] + b"xxxxx", "5": READ[:9]}
    for name, data in texts.items():
        log_file.path.with_name(f"{log_file.path.name}.{name}").write_bytes(data)
    found = {one.path[-1]: one for one in list_backups([str(log_file.path)])[str(log_file.path)]}
    with open_text(found["1"], []) as whole:
        assert whole is not None
        for name in texts:
            with open_text(found[name], []) as text:
                assert text is not None
                assert (is_part(text, whole), is_part(whole, text)) == (name in "125", name == "1")


@pytest.mark.parametrize(("size", "is_proved"), [(15, False), (16, True), (17, True)])
def test_few_bytes_prove_nothing(log_file: LogFile, size: int, is_proved: bool) -> None:
    data = b"x" * (size - 1) + b"\n"
    log_file.append(data)
    follower = Follower(log_file)
    follower.poll()
    [found] = follower.tail.checkpoints()
    log_file.path.with_name(log_file.path.name + ".1").write_bytes(data)
    [one] = list_backups([str(log_file.path)])[str(log_file.path)]
    with open_text(one, [found]) as text:
        assert text is not None
        assert begins_like(text, found) is is_proved
