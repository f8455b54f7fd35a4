"""Which of the files beside a path are opened, and where they are read from (failure modes B1, B4, B8, B16)."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail.backups import Backup, list_backups
from exporters.engine.tail.classify import Held, Past, Verdict
from exporters.engine.tail.openings import Opening, open_grown, open_unread
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.restart_harness import lines
from tests.engine.support.tailing import open_descriptors

TEXT = lines(range(60))
SAME = lines([7])


def backups_of(folder: Path) -> list[Backup]:
    return list_backups([str(folder / "e")])[str(folder / "e")]


def written(folder: Path, texts: dict[str, bytes]) -> list[Backup]:
    """Write files, each a second younger than the one before it."""
    for at, (name, text) in enumerate(texts.items()):
        (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        os.utime(folder / name, (1000 + at, 1000 + at))
    return backups_of(folder)


def checkpoint_of(path: Path) -> Checkpoint:
    """Read a file to its end, and return what is known of it when it is let go."""
    stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18)
    while stream.read(0.0) is not None:
        pass
    stream.close()
    return replace(stream.checkpoint(1, done=True), path="e")


def names_of(found: Iterable[Backup]) -> list[str]:
    return [Path(one.path).name for one in found]


def texts_of(openings: Iterable[Opening]) -> list[bytes]:
    """Return what is still to be read in each, and give its descriptor back."""
    texts = []
    for one in openings:
        texts.append(os.pread(one.fd, 1 << 20, one.checkpoint.offset if one.checkpoint else 0))
        os.close(one.fd)
    return texts


def test_of_files_done_with_those_that_grew_are_opened_where_they_ended(tmp_path: Path) -> None:
    names = ("e.1", "e.2", "e.3", "e.4", "e.5.gz")
    written(tmp_path, dict.fromkeys(names, TEXT))
    done = [checkpoint_of(tmp_path / name) for name in names]
    for name in ("e.1", "e.3", "e.5.gz"):
        with (tmp_path / name).open("ab") as out:
            out.write(b"more\n")
    (tmp_path / "e.4").write_bytes(TEXT[:-2] + b"other\n")
    with open_descriptors() as change:
        found = open_grown(done, backups_of(tmp_path), lambda: {done[2].key})
        assert [(one.path, one.checkpoint, one.is_live, one.key) for one in found] == [("e", done[0], False, None)]
        assert texts_of(found) == [b"more\n"]
    assert change == [0]


def test_a_file_done_with_is_opened_for_what_was_not_seen_of_it_and_not_for_half_a_line_that_was(
    tmp_path: Path,
) -> None:
    written(tmp_path, {"e.1": TEXT + b"half"})
    done = checkpoint_of(tmp_path / "e.1")
    assert (done.offset, done.size) == (len(TEXT), len(TEXT) + 4)
    assert open_grown([done], backups_of(tmp_path), tuple) == []
    written(tmp_path, {"e.1": TEXT + b"half\n"})
    assert texts_of(open_grown([done], backups_of(tmp_path), tuple)) == [b"half\n"]


NOTHING_READ = Past([], [], (), {})


@pytest.mark.parametrize(
    ("texts", "read", "undecided"),
    [
        ({"e.3": TEXT, "e.2": TEXT + SAME, "e.1": lines([9])}, [TEXT + SAME, lines([9])], ["e.3"]),
        ({"e.2": TEXT, "e.1": TEXT}, [TEXT], ["e.1"]),
        ({"e.1": TEXT, "e.1.gz": TEXT}, [TEXT], ["e.1.gz"]),
        ({"e.2": SAME * 9, "e.1": SAME * 5}, [SAME * 9, SAME * 5], []),
        ({"e.1": SAME * 9, "e.1.gz": SAME * 5}, [SAME * 9], ["e.1.gz"]),
        ({"e.1": SAME * 9, "e.2.gz": SAME * 5}, [SAME * 9, SAME * 5], []),
        ({"e.3": TEXT, "e.2": TEXT, "e.1": TEXT}, [TEXT], ["e.2", "e.1"]),
        ({"e.2": TEXT[:-1], "e.1": b""}, [TEXT[:-1]], ["e.1"]),
    ],
)
def test_of_one_text_found_in_several_files_the_longest_is_opened_and_of_equals_the_oldest(
    tmp_path: Path, texts: dict[str, bytes], read: list[bytes], undecided: list[str]
) -> None:
    with open_descriptors() as change:
        found = open_unread("e", written(tmp_path, texts), NOTHING_READ, ())
        assert texts_of(found.openings) == read
        assert (sorted(names_of(found.undecided)), found.copies) == (sorted(undecided), [])
    assert change == [0]


def test_what_goes_on_beyond_a_file_that_is_gone_is_opened_where_that_ended(tmp_path: Path) -> None:
    (tmp_path / "gone").write_bytes(TEXT)
    checkpoint = checkpoint_of(tmp_path / "gone")
    past = Past([Held(checkpoint, None, is_live=False)], [], (), {})
    texts = {"e.3": TEXT + b"1\n", "e.2.gz": TEXT + b"1\n2\n", "e.1": TEXT[:800], "e.0": lines([9])}
    backups = written(tmp_path, texts)
    found = open_unread("e", backups, past, ())
    assert [(one.checkpoint, one.key, one.is_live) for one in found.openings] == [
        (checkpoint, backups[1].key, False),
        (None, None, False),
    ]
    assert texts_of(found.openings) == [b"1\n2\n", lines([9])]
    assert (found.copies, names_of(found.undecided)) == ([backups[2].key], ["e.3"])
    only_longer: list[Verdict] = ["longer copy"]
    longer = open_unread("e", backups, past, (), only_longer)
    assert texts_of(longer.openings) == [b"1\n2\n"]
    others = open_unread("e", backups, past, {backups[1].key})
    assert texts_of(others.openings) == [b"1\n", lines([9])]


def test_what_cannot_be_opened_any_more_is_none(tmp_path: Path) -> None:
    backups = [replace(one, key=FileKey(0, 1)) for one in written(tmp_path, {"e.1": TEXT})]
    assert open_unread("e", backups, NOTHING_READ, ()).openings == []
