"""What is found of a checkpoint's file, where, and what is said of it (failure modes A1, A9, A10, B5, B6, B8, B16)."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail.backups import list_backups
from exporters.engine.tail.fingerprint import keys_at
from exporters.engine.tail.openings import Opening
from exporters.engine.tail.search import Match, Search
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.restart_harness import lines
from tests.engine.support.tailing import open_descriptors

pytestmark = pytest.mark.thorough

READ = lines(range(100), 81)
"""Longer than head and anchor together, and ending nowhere near a page's end."""


class Scene:
    """A path of which READ was read, and what a search for that finds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "e"
        self.known: set[FileKey] = set()
        self.opened: set[FileKey] = set()
        self.done: list[Checkpoint] = []
        self.live = ["e"]
        self.found: list[Opening] = []

    def read(self, text: bytes = READ, name: str = "e", serial: int = 1) -> Checkpoint:
        """Write a file and read it to its end."""
        path = self.folder / name
        path.write_bytes(text)
        stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18)
        while stream.read(0.0) is not None:
            pass
        stream.close()
        return replace(stream.checkpoint(serial), path=str(self.path))

    def search(self) -> Search:
        live = keys_at(str(self.folder / name) for name in self.live)
        backups = list_backups([str(self.path)])
        return Search(live, backups, frozenset(self.known), self.opened, self.done)

    def key(self, name: str) -> FileKey:
        path = str(self.folder / name)
        return keys_at([path])[path]

    def kept(self, match: Match) -> Match:
        """Have a match's descriptor given back at the end."""
        if match.opening is not None:
            self.found.append(match.opening)
        return match

    def identify(self, checkpoint: Checkpoint) -> tuple[str, str, bool]:
        """Return the outcome, the name that is read on and whether a path leads to it."""
        match = self.kept(self.search().by_identity(checkpoint))
        opening = match.opening
        return (match.outcome, Path(opening.path).name if opening else "", opening is not None and opening.is_live)

    def copy_of(self, checkpoint: Checkpoint, *others: Checkpoint) -> tuple[str, bytes]:
        """Return the outcome and what is to be read in the copy."""
        search, match = self.search(), Match(checkpoint)
        matches = search.by_content(match, [match, *map(Match, others)], ())
        found = self.kept(matches[0])
        assert found.checkpoint is checkpoint
        assert matches[1:] == [Match(other) for other in others]
        return found.outcome, os.pread(found.opening.fd, 1 << 20, checkpoint.offset) if found.opening else b""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_descriptors() as change:
        scene = Scene(tmp_path)
        yield scene
        for one in scene.found:
            os.close(one.fd)
    assert change == [0]


def test_a_file_is_the_same_under_its_path_another_path_and_any_name_in_its_folder(scene: Scene) -> None:
    checkpoint = scene.read()
    assert scene.identify(checkpoint) == ("resumed", "e", True)
    scene.path.rename(scene.folder / "f")
    scene.live = ["f"]
    assert scene.identify(checkpoint) == ("moved", "f", True)
    scene.live = []
    assert scene.identify(checkpoint) == ("moved", "e", False)
    scene.known = {checkpoint.key}
    assert scene.identify(checkpoint) == ("resumed", "e", False)
    scene.live = ["f"]
    assert scene.identify(checkpoint) == ("resumed", "f", True)
    (scene.folder / "f").rename(scene.folder / "e.1")
    assert scene.identify(checkpoint) == ("resumed", "e", False)
    (scene.folder / "e.1").unlink()
    assert scene.identify(checkpoint) == ("missing", "", False)


def test_a_file_is_found_once(scene: Scene) -> None:
    checkpoint = scene.read()
    search = scene.search()
    assert scene.kept(search.by_identity(checkpoint)).opening is not None
    assert search.taken == {checkpoint.key}
    assert search.by_identity(checkpoint) == Match(checkpoint)
    scene.opened = {checkpoint.key}
    assert scene.identify(checkpoint) == ("missing", "", False)


def test_a_file_that_holds_something_else_is_another_and_it_is_known_that_it_was_cut(scene: Scene) -> None:
    checkpoint = scene.read()
    os.truncate(scene.path, 0)
    scene.path.write_bytes(b"x" * 20_000)
    assert scene.identify(checkpoint) == ("missing", "", False)
    assert scene.search().is_cut(checkpoint)
    scene.live = []
    assert not scene.search().is_cut(checkpoint)
    assert not scene.search().is_cut(replace(checkpoint, key=FileKey(1, 1)))


@pytest.mark.parametrize(
    ("size", "offset"), [(4096, 4050), (6000, 81 * 74), (81 * 60, 81 * 60), (4095, None), (0, None)]
)
def test_a_file_that_was_cut_goes_on_behind_the_last_line_left(scene: Scene, size: int, offset: int | None) -> None:
    checkpoint = scene.read(READ + b"half")
    os.truncate(scene.path, size)
    match = scene.kept(scene.search().by_identity(checkpoint))
    if offset is None or offset < 4096:
        assert match == Match(checkpoint)
        return
    assert match.opening is not None
    again = scene.read(READ[:offset], "other")
    expected = {"key": checkpoint.key, "size": size, "mtime_ns": checkpoint.mtime_ns}
    assert match.opening.checkpoint == replace(again, **expected)
    assert (match.lost_bytes, match.outcome) == (4, "resumed")
    scene.path.rename(scene.folder / "f")
    scene.live = []
    assert scene.identify(checkpoint) == ("moved", "e", False)
    match = scene.kept(scene.search().by_identity(replace(checkpoint, size=len(READ))))
    assert match.lost_bytes == 0


def test_a_file_that_was_cut_after_a_copy_was_made_was_begun_anew(scene: Scene) -> None:
    checkpoint = scene.read()
    (scene.folder / "e.1").write_bytes(READ)
    os.truncate(scene.path, 6000)
    assert scene.identify(checkpoint) == ("missing", "", False)
    scene.known = {scene.key("e.1")}
    assert scene.identify(checkpoint) == ("resumed", "e", True)


def test_a_packed_file_that_was_being_read_is_the_same_one(scene: Scene) -> None:
    checkpoint = scene.read()
    scene.path.unlink()
    (scene.folder / "e.1.gz").write_bytes(gzip.compress(READ + b"more\n"))
    checkpoint = replace(checkpoint, key=scene.key("e.1.gz"))
    search = scene.search()
    match = scene.kept(search.by_identity(checkpoint))
    assert match.opening is not None
    assert (match.outcome, match.opening.key, match.opening.is_live) == ("moved", checkpoint.key, False)
    assert search.taken == {checkpoint.key}
    assert os.pread(match.opening.fd, 99, checkpoint.offset) == b"more\n"
    scene.known = {checkpoint.key}
    assert scene.identify(checkpoint) == ("resumed", "e", False)
    assert scene.identify(replace(checkpoint, key=FileKey(1, 1))) == ("missing", "", False)


def gone(scene: Scene, text: bytes = READ) -> Checkpoint:
    """Return the checkpoint of a file that is there no longer, and whose inode nobody has."""
    checkpoint = scene.read(text)
    scene.path.unlink()
    return replace(checkpoint, key=FileKey(1, 1))


def test_a_file_that_is_gone_is_read_on_in_its_rewrite_or_in_the_copy_that_holds_most(scene: Scene) -> None:
    checkpoint = gone(scene)
    assert scene.copy_of(checkpoint) == ("missing", b"")
    (scene.folder / "e.1").write_bytes(READ + b"1\n")
    assert scene.copy_of(checkpoint) == ("copied", b"1\n")
    scene.known = {scene.key("e.1")}
    assert scene.copy_of(checkpoint) == ("copied", b"1\n")
    (scene.folder / "e.2.gz").write_bytes(gzip.compress(READ + b"1\n2\n"))
    assert scene.copy_of(checkpoint) == ("unpacked", b"1\n2\n")
    assert scene.found[-1].key == scene.key("e.2.gz")
    scene.path.write_bytes(READ + b"9\n")
    assert scene.copy_of(checkpoint) == ("copied", b"9\n")
    assert [one.is_live for one in scene.found] == [False, False, False, True]
    scene.opened = {scene.key("e")}
    assert scene.copy_of(checkpoint) == ("unpacked", b"1\n2\n"), "the rewrite is being read already"


def test_a_copy_that_is_spoken_for_or_was_read_as_far_itself_is_not_gone_on_in(scene: Scene) -> None:
    checkpoint = gone(scene)
    (scene.folder / "e.1").write_bytes(READ + b"1\n")
    key = scene.key("e.1")
    for offset, outcome in ((len(READ) - 1, "copied"), (len(READ), "missing"), (len(READ) + 1, "missing")):
        scene.done = [replace(checkpoint, key=key, offset=offset)]
        assert scene.copy_of(checkpoint)[0] == outcome
    scene.done = []
    scene.opened = {key}
    assert scene.copy_of(checkpoint) == ("missing", b"")
    scene.path.write_bytes(READ + b"1\n")
    scene.opened = {key, scene.key("e")}
    assert scene.copy_of(checkpoint) == ("missing", b"")


def test_a_copy_of_a_file_that_was_read_further_is_not_gone_on_in(scene: Scene) -> None:
    checkpoint = gone(scene)
    longer = gone(scene, READ + b"1\n")
    (scene.folder / "e.1").write_bytes(READ + b"1\n2\n3\n")
    assert scene.copy_of(checkpoint, longer) == ("missing", b"")
    (scene.folder / "e.2").write_bytes(READ + b"9\n")
    assert scene.copy_of(checkpoint, longer) == ("copied", b"9\n")
    assert scene.copy_of(longer, checkpoint) == ("copied", b"2\n3\n")


def test_of_a_file_of_few_bytes_only_what_is_new_is_a_copy(scene: Scene) -> None:
    checkpoint = gone(scene, b"1\n")
    (scene.folder / "e.1").write_bytes(b"1\n2\n")
    assert scene.copy_of(checkpoint) == ("copied", b"2\n")
    scene.known = {scene.key("e.1")}
    assert scene.copy_of(checkpoint) == ("missing", b"")
    scene.path.write_bytes(b"1\n3\n")
    assert scene.copy_of(checkpoint) == ("copied", b"3\n")
    scene.known = set()
    assert scene.copy_of(gone(scene, b"")) == ("missing", b"")
    (scene.folder / "e.1").write_bytes(b"\n4\n")
    assert scene.copy_of(gone(scene, b"\n")) == ("copied", b"4\n")


def test_a_rewrite_that_was_opened_and_not_read_yet_goes_on_from_the_file_before_it(scene: Scene) -> None:
    checkpoint = gone(scene)
    scene.path.write_bytes(READ + b"1\n")
    stream = Stream(str(scene.path), os.open(scene.path, os.O_RDONLY), 1 << 20, 1 << 18)
    begun = Match(stream.checkpoint(2), Opening(str(scene.path), stream.fd, stream.checkpoint(2), is_live=True))
    lost = Match(checkpoint)
    found = scene.search().by_content(lost, [lost, begun], ())
    assert begun.opening is not None
    assert found == [Match(checkpoint, replace(begun.opening, checkpoint=checkpoint), "copied")]
    few = Match(gone(scene, READ[:15]))
    assert scene.search().by_content(few, [few, begun], ()) == [few, begun], "so few bytes begin many files"
    stream.close()


def test_a_folder_is_listed_again_for_a_file_that_is_not_found_and_no_more_where_many_are_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = gone(scene)
    search, listed, real = scene.search(), list[str](), os.scandir

    def counted(path: str) -> Iterator[os.DirEntry[str]]:
        listed.append(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", counted)
    search.by_identity(checkpoint)
    assert len(listed) == 3, "a writer may be renaming it"
    for _ in range(100):
        search.by_identity(checkpoint)
    assert len(listed) < 60


@pytest.mark.parametrize(("at", "size"), [(len(READ) - 5, len(READ)), (5100, 6000), (0, 6000), (5100, len(READ) - 1)])
def test_a_file_that_is_not_only_shorter_was_begun_anew(scene: Scene, at: int, size: int) -> None:
    checkpoint = scene.read()
    with scene.path.open("r+b") as out:
        out.seek(at)
        out.write(b"#")
        out.truncate(size)
    assert scene.identify(checkpoint) == ("missing", "", False)


def test_a_file_in_the_working_directory_is_found_and_none_in_a_folder_that_is_not_there(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = replace(scene.read(), path="e")
    scene.path.rename(scene.folder / "f")
    monkeypatch.chdir(scene.folder)
    for path, outcome in (("e", "moved"), ("missing/e", "missing")):
        search = Search({}, {path: []}, frozenset(), ())
        assert scene.kept(search.by_identity(replace(checkpoint, path=path))).outcome == outcome


def test_a_file_of_a_path_without_a_folder_is_found_under_any_name_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scene = Scene(Path())
    checkpoint = scene.read()
    Path("e").rename("kept-for-later")
    assert scene.identify(checkpoint) == ("moved", "e", False)
    for opening in scene.found:
        os.close(opening.fd)
