"""Rotated files beside a path: which there are, in which order, and which of them holds what was read of a file."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.engine.tail.backups import NEVER, Backup, bases, find_content, list_backups, past_checkpoint
from exporters.engine.tail.evidence import evidence_of, places
from exporters.engine.tail.fingerprint import digest
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey
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
    names = ("e.jsonl.1", "e.jsonl.10", "e.jsonl.2.gz", "e.jsonl.9", "e.jsonl.0", "e.jsonl.old")
    for name in (*names, "e.jsonl-old", "f.jsonl.1"):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, (1000, 1000))
    os.utime(tmp_path / "e.jsonl.1", (900, 900))
    found = list_backups([str(tmp_path / "e.jsonl"), str(tmp_path / "g.jsonl")])
    assert {path[-7:]: [one.path.rpartition("/")[2] for one in listed] for path, listed in found.items()} == {
        "e.jsonl": ["e.jsonl.1", "e.jsonl.10", "e.jsonl.9", "e.jsonl.2.gz", "e.jsonl.0", "e.jsonl.old"],
        "g.jsonl": [],
    }
    assert [(one.size, one.is_packed, one.is_readable) for one in found[str(tmp_path / "e.jsonl")][2:4]] == [
        (9, False, True),
        (12, True, True),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("e.jsonl.1", ("e.jsonl",)),
        ("e.jsonl.1.zst", ("e.jsonl", "e.jsonl.1")),
        ("e.jsonl-2026112011.backup", ("e.jsonl", "e.jsonl.backup")),
        ("e.jsonl.old", ("e.jsonl",)),
        ("e-20261120", ("e",)),
        ("e.1.jsonl", ("e.jsonl",)),
        ("e-20261120.jsonl.gz", ("e.jsonl", "e-20261120.jsonl")),
        ("e_1763596800.jsonl", ("e.jsonl",)),
        ("e.20261120.1", ("e.20261120", "e", "e.1")),
        ("@400000005f0000000a0b0c0d.s", ("current",)),
        ("20261120-1725-01-e.jsonl", ("e.jsonl", "01-e.jsonl", "1725-01-e.jsonl")),
        ("2026-11-20T17.e.jsonl.gz", ("e.jsonl", "20T17.e.jsonl", "2026-11-20T17.e.jsonl")),
        ("20261120e.jsonl", ()),
        ("2026-e.jsonl", ()),
        ("e-1.jsonl", ()),
        ("e-1.jsonl.gz", ("e-1.jsonl",)),
        ("e.jsonl", ()),
        ("e.jsonl-new", ()),
        (".1", ()),
        ("-20261120.jsonl", ()),
    ],
)
def test_of_these_names_rotation_may_have_made_this_one(name: str, expected: tuple[str, ...]) -> None:
    assert set(bases(name)) == set(expected)
    assert len(bases(name)) == len(expected)


def test_beside_a_link_stand_the_backups_of_its_target_and_the_targets_of_other_days(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "e-202611.jsonl"
    target.write_bytes(b"now\n")
    (tmp_path / "e.jsonl").symlink_to(target)
    (tmp_path / "f.jsonl").symlink_to(tmp_path / "there" / "plain")
    for name in ("e-202610.jsonl", "e-202609.jsonl.gz", "e-202611.jsonl.1", "e-2026.jsonl", "plain.1", "plain.2-x"):
        (tmp_path / "there" / name).write_bytes(b"x")
        os.utime(tmp_path / "there" / name, (1000, 1000))
    (tmp_path / "e.jsonl.1").write_bytes(b"y")
    os.utime(tmp_path / "e.jsonl.1", (900, 900))
    found = list_backups([str(tmp_path / name) for name in ("e.jsonl", "f.jsonl")])
    names = [sorted(Path(one.path).name for one in listed) for listed in found.values()]
    others = ["e-202609.jsonl.gz", "e-202610.jsonl", "e-202611.jsonl", "e-202611.jsonl.1"]
    assert names == [sorted(["e.jsonl.1", *others]), ["plain.1"]]


def test_a_file_of_two_names_is_one_backup_and_what_is_no_file_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e.1").write_bytes(b"x")
    os.link("e.1", "e.2")
    Path("e.3").mkdir()
    Path("e.4").symlink_to("nowhere")
    found = list_backups(["e", "missing/e"])
    assert {path: [one.key[:2] for one in listed] for path, listed in found.items()} == {
        "e": [(os.stat("e.1").st_dev, os.stat("e.1").st_ino)],
        "missing/e": [],
    }


def test_a_backup_that_may_not_be_read_is_told_by_what_its_folder_says_and_read_once_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one] = written(tmp_path, {"e.jsonl.1": READ})
    os.utime(one.path, (2000, 2000))

    def refuse(path: object, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        [refused] = list_backups([str(tmp_path / "e.jsonl")])[str(tmp_path / "e.jsonl")]
    info = os.stat(one.path)
    assert (refused.key, refused.is_readable) == (FileKey(info.st_dev, info.st_ino), False)
    with open_descriptors() as change:
        [again] = list_backups([str(tmp_path / "e.jsonl")])[str(tmp_path / "e.jsonl")]
    assert (again.key, again.is_readable, change) == (one.key, True, [0])


def test_a_packed_copy_is_gone_on_in_and_one_that_begins_otherwise_or_is_damaged_is_not(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tmp_path / "read", READ)
    packed = {
        "e.jsonl.4.gz": gzip.compress(b"x" + READ[1:]),
        "e.jsonl.3.gz": gzip.compress(READ)[:50],
        "e.jsonl.2.gz": gzip.compress(READ + b"more\n"),
        "e.jsonl.1.gz": gzip.compress(READ[:-1]),
    }
    found = written(tmp_path, packed)
    with open_descriptors() as change:
        best = find_content(checkpoint, found)
        assert best is not None
        assert (best[0], os.pread(best[1], 99, checkpoint.offset)) == (found[2], b"more\n")
        os.close(best[1])
    assert change == [0]


def test_a_backup_that_cannot_be_read_through_is_not_known_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one, packed] = written(tmp_path, {"e.jsonl.1": READ, "e.jsonl.1.gz": gzip.compress(READ)})

    def fail(fd: int, length: int, offset: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with open_descriptors() as change:
        assert past_checkpoint(packed, "e.jsonl", 1) is None
        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", fail)
            assert past_checkpoint(one, "e.jsonl", 1) is None
        assert past_checkpoint(one, "e.jsonl", 1) is not None
    assert change == [0]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_a_packed_file_without_an_ending_is_known_by_how_it_begins_and_a_text_is_none(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    begun = pack(READ)[:3]
    texts = {"e.jsonl.4": pack(READ), "e.jsonl.3": begun, "e.jsonl.2": READ, "e.jsonl.1": b"", "e.jsonl.0.gz": READ}
    assert [one.is_packed for one in written(tmp_path, texts)] == [True, begun[:2] == b"\x1f\x8b", False, False, True]
    checkpoint = checkpoint_of(tmp_path / "read", READ)
    best = find_content(checkpoint, written(tmp_path, {"e.jsonl.4": pack(READ + b"more\n")})[:1])
    assert best is not None
    assert os.pread(best[1], 5, len(READ)) == b"more\n"
    os.close(best[1])
