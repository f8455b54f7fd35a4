"""How what was found beside a path becomes part of its chain (failure modes A1, A9, B4, B16)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail.catch_up import CatchUp
from exporters.engine.tail.evidence import evidence_of
from exporters.engine.tail.generations import Generation, OpenFiles
from exporters.engine.tail.history import History
from exporters.engine.tail.openings import Opening
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey, Notice
from tests.engine.support.restart_harness import lines

TEXT = lines(range(60))


class Scene:
    """A folder with a path `e`, and what takes generations over into its chain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = str(folder / "e")
        self.files, self.history = OpenFiles(), History()
        self.catch_up = CatchUp(self.files, self.history, self.stream, lambda path: True)

    @staticmethod
    def stream(path: str, fd: int) -> Stream:
        return Stream(path, fd, 1 << 20, 1 << 18)

    def opened(self, name: str, text: bytes = TEXT) -> Stream:
        """Write a file and open it."""
        (self.folder / name).write_bytes(text)
        return self.stream(self.path, os.open(self.folder / name, os.O_RDONLY))

    def read(self, name: str, text: bytes = TEXT) -> Checkpoint:
        """Write a file, read it to its end and close it."""
        stream = self.opened(name, text)
        while stream.read(0.0) is not None:
            pass
        stream.close()
        return stream.checkpoint(1)

    def added(
        self, checkpoint: Checkpoint | None = None, key: FileKey | None = None, is_live: bool = False
    ) -> Generation:
        """Put a file with TEXT at the end of the chain."""
        (self.folder / "e.1").write_bytes(TEXT)
        opening = Opening(self.path, os.open(self.folder / "e.1", os.O_RDONLY), checkpoint, is_live, key)
        self.catch_up.add_opening(opening, 7.0, self.files.at(self.path))
        return self.files.at(self.path)[-1]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    for gen in scene.files.generations():
        gen.stream.close()


def test_what_is_read_on_and_what_is_first_in_its_chain_is_no_rewrite_of_what_is_before_it(scene: Scene) -> None:
    checkpoint = scene.read("e")
    assert scene.added().is_begun
    assert scene.added(checkpoint).is_begun
    assert not scene.added().is_begun
    assert [gen.stream.offset for gen in scene.files.at(scene.path)] == [0, len(TEXT), 0]


def test_what_the_path_does_not_lead_to_counts_as_moved_away_from_then_on(scene: Scene) -> None:
    assert [(gen.moved_at, gen.active_at) for gen in (scene.added(), scene.added(is_live=True))] == [
        (7.0, 7.0),
        (None, 7.0),
    ]


def test_b16_of_the_text_of_a_packed_file_only_what_was_kept_is_proved(scene: Scene) -> None:
    """Its text is at hand from the last page before the offset on."""
    checkpoint = replace(scene.read("e"), evidence="")
    plain, packed = scene.added(checkpoint), scene.added(checkpoint, FileKey(1, 9))
    assert (plain.is_packed, packed.is_packed, packed.stream.key) == (False, True, FileKey(1, 9))
    assert plain.stream.key != packed.stream.key
    assert [bool(evidence_of(gen.stream.checkpoint(1))) for gen in (plain, packed)] == [True, False]


def test_a1_where_inodes_have_no_generation_a_known_backup_with_another_text_is_read_when_its_path_is_opened(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.engine.tail.fingerprint._generation", lambda fd: None)
    done = replace(scene.read("e.1"), done=True)
    scene.history.finish(done)
    scene.history.known = frozenset({done.key})
    scene.history.look([scene.path])
    new, chain = scene.opened("e", lines([200])), scene.files.at(scene.path)
    assert scene.catch_up.add_unread(scene.path, chain, 0.0, new) == []
    scene.opened("e.1", lines(range(100, 160))).close()
    scene.history.look([scene.path])
    assert scene.catch_up.add_unread(scene.path, chain, 0.0, new) == [Notice("recovered", scene.path, outcome="unseen")]
    assert [gen.stream.key for gen in chain] == [done.key]
    new.close()


def test_b4_how_the_file_begins_that_is_being_opened_is_a_copy_that_is_being_made_of_it(scene: Scene) -> None:
    new, chain = scene.opened("e"), scene.files.at(scene.path)
    scene.opened("e.1", TEXT[:1600]).close()
    scene.history.look([scene.path])
    assert scene.catch_up.add_unread(scene.path, chain, 0.0, new) == []
    assert scene.history.has_unknown(scene.path), "it is looked at again"
    assert len(scene.catch_up.add_unread(scene.path, chain, 0.0)) == 1, "of no file that anybody knows"
    assert scene.catch_up.add_unread(scene.path, chain, 0.0) == []
    new.close()


def test_b4_a_backup_of_two_paths_is_read_once(scene: Scene) -> None:
    paths = [scene.path, f"{scene.path}.1"]
    scene.opened("e.1.1").close()
    scene.history.look(paths)
    found = [len(scene.catch_up.add_unread(path, scene.files.at(path), 0.0)) for path in paths]
    assert found == [1, 0]


def test_b4_a_file_that_was_opened_since_is_no_backup_to_be_read(scene: Scene) -> None:
    scene.opened("e.1").close()
    scene.history.look([scene.path])
    other = f"{scene.path}.1"
    assert scene.catch_up.add_unread(scene.path, scene.files.at(scene.path), 0.0, wanted=()) == []
    moved, new = scene.stream(other, os.open(other, os.O_RDONLY)), scene.opened("e", lines([200]))
    scene.files.add(Generation(moved, is_begun=True, active_at=0.0), scene.files.at(other))
    assert scene.catch_up.add_unread(scene.path, scene.files.at(scene.path), 0.0, new) == []
    new.close()
