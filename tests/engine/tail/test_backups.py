"""Rotated files beside a path: which there are, in which order, and which of them holds what was read of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporters.engine.tail.backups import NEVER, Backup, find_content, list_backups, past_checkpoint
from exporters.engine.tail.evidence import evidence_of, places
from exporters.engine.tail.fingerprint import digest
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint
from tests.engine.support.restart_harness import lines
from tests.engine.support.tailing import open_descriptors

READ = lines(range(100))


def checkpoint_of(path: Path, text: bytes) -> Checkpoint:
    """Write a file, read it to its end, and return what is known of it then."""
    path.write_bytes(text)
    stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18)
    while stream.read(0.0) is not None:
        pass
    stream.close()
    return stream.checkpoint(1)


def written(folder: Path, texts: dict[str, bytes]) -> list[Backup]:
    """Write files, each a second younger than the one before it, and return them as backups of `e.jsonl`."""
    for at, (name, text) in enumerate(texts.items()):
        (folder / name).write_bytes(text)
        os.utime(folder / name, (1000 + at, 1000 + at))
    return list_backups([str(folder / "e.jsonl")])[str(folder / "e.jsonl")]


def test_of_several_copies_the_one_that_holds_most_is_gone_on_in_and_of_equals_the_oldest(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tmp_path / "read", READ)
    texts = {
        "e.jsonl.6": b"x" * 20_000,
        "e.jsonl.5": READ + b"1\n2\n",
        "e.jsonl.4": READ + b"1\n",
        "e.jsonl.3": READ + b"1\n2\n3\n",
        "e.jsonl.2": READ + b"1\n2\n4\n",
        "e.jsonl.1": READ[:-1],
    }
    found = written(tmp_path, texts)
    with open_descriptors() as change:
        best = find_content(checkpoint, found)
        assert best is not None
        assert (best[0].path, os.pread(best[1], 1 << 20, 0)) == (str(tmp_path / "e.jsonl.3"), texts["e.jsonl.3"])
        os.close(best[1])
        assert find_content(checkpoint, [one for one in found if one.path[-1] in "61"]) is None
    assert change == [0]


@pytest.mark.parametrize(("size", "is_found"), [(15, False), (16, True)])
def test_few_bytes_find_no_copy_unless_fewer_are_enough(tmp_path: Path, size: int, is_found: bool) -> None:
    text = b"x" * (size - 1) + b"\n"
    checkpoint = checkpoint_of(tmp_path / "read", text)
    found = written(tmp_path, {"e.jsonl.1": text})
    for best, is_wanted in ((find_content(checkpoint, found), is_found), (find_content(checkpoint, found, size), True)):
        assert (best is not None) == is_wanted
        if best is not None:
            os.close(best[1])


@pytest.mark.parametrize("size", [0, 10, 4096, 30_000])
def test_a_backup_that_is_never_read_is_known_by_all_that_it_holds(tmp_path: Path, size: int) -> None:
    text = lines(range(1000))[:size]
    [one] = written(tmp_path, {"e.jsonl.1": text})
    found = past_checkpoint(one, "e.jsonl", 7)
    assert found is not None
    length = min(size, 4096)
    assert (found.serial, found.path, found.key) == (7, "e.jsonl", one.key)
    assert (found.offset, found.size, found.mtime_ns, found.done) == (size, NEVER, one.mtime_ns, True)
    assert (found.head_length, found.head) == (length, digest(text[:length]))
    assert (found.anchor_length, found.anchor) == (length, digest(text[size - length :]))
    assert [place for place, _ in evidence_of(found)] == list(places(size))
    assert past_checkpoint(Backup("gone", one.key, size, 0, is_packed=False), "e.jsonl", 7) is None


def test_backups_of_one_age_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ("e.jsonl.1", "e.jsonl.10", "e.jsonl.2.gz", "e.jsonl.9")
    for name in (*names, "e.jsonl-old", "f.jsonl.1"):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, (1000, 1000))
    os.utime(tmp_path / "e.jsonl.1", (900, 900))
    found = list_backups([str(tmp_path / "e.jsonl"), str(tmp_path / "g.jsonl")])
    assert {path[-7:]: [one.path.rpartition("/")[2] for one in listed] for path, listed in found.items()} == {
        "e.jsonl": ["e.jsonl.1", "e.jsonl.10", "e.jsonl.9", "e.jsonl.2.gz"],
        "g.jsonl": [],
    }
    assert [(one.size, one.is_packed, one.is_readable) for one in found[str(tmp_path / "e.jsonl")][2:]] == [
        (9, False, True),
        (12, True, True),
    ]
