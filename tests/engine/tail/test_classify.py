"""The verdicts on a file beside a path, one by one, as docs/architecture.md lists them."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from exporters.engine.tail.backups import Backup, list_backups
from exporters.engine.tail.classify import REMEMBERED, Held, Judgement, Past, Verdict, classify, gone
from exporters.engine.tail.stream import Stream
from exporters.engine.tail.text import Text, open_text
from exporters.engine.tail.unpack import unpack
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.tailing import line

TABLE = Path(__file__).parents[3] / "docs/architecture.md"


class Scene:
    """A path, one generation of it that was read, and the file beside it that is judged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.live = folder / "e.jsonl"
        self.backup = folder / "e.jsonl.1"
        self.streams: list[Stream] = []
        self.done: list[Checkpoint] = []
        self.held: list[Held] = []
        self.known: set[str] = set()

    def read(self, path: Path, text: bytes) -> Stream:
        """Write a file and read it to its end."""
        path.write_bytes(text)
        stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18)
        self.streams.append(stream)
        while stream.read(0.0) is not None:
            pass
        return stream

    def hold(self, stream: Stream, is_live: bool, is_found: bool = True) -> None:
        self.held.append(Held(stream.checkpoint(1), stream.fd if is_found else None, is_live))

    def judge(self) -> Judgement:
        listed = list_backups([str(self.live)])[str(self.live)]
        one = next(one for one in listed if one.path == str(self.backup))
        known = {one.key for one in listed if one.path in self.known}
        return classify(one, Past(self.held, self.done, known, {one.key: one.path for one in listed}))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    for stream in scene.streams:
        stream.close()


READ = b"".join(line(number) for number in range(2000))
PART = READ[: len(READ) * 2 // 3 + 5]
MORE = READ + line(5000)


def empty(scene: Scene) -> None:
    scene.backup.write_bytes(b"")


def known(scene: Scene) -> None:
    scene.backup.write_bytes(line(1))
    scene.known = {str(scene.backup)}


def damaged(scene: Scene) -> None:
    scene.backup = scene.folder / "e.jsonl.1.gz"
    scene.backup.write_bytes(gzip.compress(READ)[:-9])


def copy(scene: Scene) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=False, is_found=False)
    scene.backup.write_bytes(PART)


def copy_being_made(scene: Scene) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=True)
    scene.backup.write_bytes(PART)


def copy_of_a_cut_file(scene: Scene) -> None:
    stream = scene.read(scene.live, READ)
    scene.hold(stream, is_live=True)
    scene.live.write_bytes(b"")
    scene.backup.write_bytes(MORE)


def longer_copy(scene: Scene) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=False, is_found=False)
    scene.backup.write_bytes(MORE)


def rewrite(scene: Scene) -> None:
    stream = scene.read(scene.live, READ)
    scene.live.unlink()
    scene.hold(stream, is_live=False)
    scene.backup.write_bytes(MORE)


def forgotten(scene: Scene) -> None:
    stream = scene.read(scene.folder / "other", READ)
    late = replace(stream.checkpoint(1, done=True), mtime_ns=1 << 62)
    scene.done = [gone(replace(late, serial=number)) for number in range(1, REMEMBERED + 1)]
    scene.backup.write_bytes(line(7000))


def unread(scene: Scene) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=True)
    scene.backup.write_bytes(line(7000))


SCENES: dict[str, Callable[[Scene], None]] = {
    "empty": empty,
    "known": known,
    "damaged": damaged,
    "copy": copy,
    "copy being made": copy_being_made,
    "copy of a cut file": copy_of_a_cut_file,
    "longer copy": longer_copy,
    "rewrite": rewrite,
    "forgotten": forgotten,
    "unread": unread,
}


def test_every_verdict_is_in_the_table_and_has_a_scene() -> None:
    rows = re.findall(r"^\| (\w[\w ]+) \| .+ \| .+ \|$", TABLE.read_text().split("## How the tail decides")[1], re.M)
    assert rows[1 : len(SCENES) + 1] == list(SCENES) == list(get_args(Verdict))


@pytest.mark.parametrize("verdict", SCENES)
def test_the_verdict_is(scene: Scene, verdict: str) -> None:
    SCENES[verdict](scene)
    assert scene.judge().verdict == verdict


def test_a_packed_file_in_which_nothing_is_yet_is_empty(scene: Scene) -> None:
    """It may be packed anew, in place, once something was written late to what it was packed from."""
    scene.backup = scene.folder / "e.jsonl.1.gz"
    scene.backup.write_bytes(gzip.compress(b""))
    assert scene.judge() == Judgement("empty")


@pytest.mark.parametrize("size", [16, 380, 4000, 5000, 70_000, len(READ) - 1, len(READ)])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_copy_of_any_length_is_one(scene: Scene, size: int, is_packed: bool) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=False, is_found=False)
    scene.backup = scene.folder / ("e.jsonl.1.gz" if is_packed else "e.jsonl.1")
    scene.backup.write_bytes(gzip.compress(READ[:size]) if is_packed else READ[:size])
    assert scene.judge() == Judgement("copy", scene.held[0].checkpoint)


def test_a_copy_that_grows_behind_its_file_while_the_two_are_compared_is_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=True)
    scene.backup.write_bytes(READ)
    look = open_text

    def look_later(one: Backup, checkpoints: Sequence[Checkpoint]) -> AbstractContextManager[Text | None]:
        for path in (scene.live, scene.backup):
            path.write_bytes(MORE)
        return look(one, checkpoints)

    monkeypatch.setattr("exporters.engine.tail.classify.open_text", look_later)
    assert scene.judge() == Judgement("copy being made", scene.held[0].checkpoint)


@pytest.mark.parametrize("at", [200, 3000, 30_000, len(READ) - 20_000])
def test_a_file_that_only_begins_alike_is_no_copy(scene: Scene, at: int) -> None:
    scene.hold(scene.read(scene.live, READ), is_live=False, is_found=False)
    scene.backup.write_bytes(READ[:at] + b"".join(line(number) for number in range(8000, 8400)))
    assert scene.judge().verdict == "unread"


SAME = b'{"event":"request","status":"ok"}\n'


def test_files_of_one_repeated_line_are_not_copies_of_one_that_is_still_there(scene: Scene) -> None:
    scene.hold(scene.read(scene.folder / "e.jsonl.2", SAME * 1000), is_live=False)
    scene.backup.write_bytes(SAME * 500)
    assert scene.judge().verdict == "unread"
    scene.backup = scene.folder / "e.jsonl.2.gz"
    scene.backup.write_bytes(gzip.compress(SAME * 999))
    assert scene.judge().verdict == "copy"


def test_a_copy_by_hand_of_a_file_that_is_still_there_is_one(scene: Scene) -> None:
    scene.hold(scene.read(scene.folder / "e.jsonl.2", READ), is_live=False)
    scene.backup.write_bytes(READ)
    assert scene.judge().verdict == "copy"


def test_what_is_longer_than_a_file_still_there_is_not_its_copy(scene: Scene) -> None:
    scene.hold(scene.read(scene.folder / "e.jsonl.2", SAME * 500), is_live=False)
    scene.backup.write_bytes(SAME * 1000)
    assert scene.judge().verdict == "unread"


@pytest.mark.parametrize("size", [20_000, 70_000, len(READ) - 100, len(READ)])
def test_a_copy_of_the_packed_file_that_is_being_read_is_one_though_its_beginning_was_not_kept(
    scene: Scene, size: int
) -> None:
    checkpoint = scene.read(scene.live, READ[:100_000]).checkpoint(1)
    scene.live.unlink()
    packed = scene.folder / "e.jsonl.2.gz"
    packed.write_bytes(gzip.compress(READ))
    [one] = list_backups([str(scene.live)])[str(scene.live)]
    fd = unpack(one.path, checkpoint, one.key, one.mtime_ns)
    scene.held = [Held(replace(checkpoint, key=one.key), fd, is_live=False)]
    assert (scene.held[0].is_unpacked, scene.held[0].is_deleted) == (True, False)
    scene.backup.write_bytes(READ[:size])
    assert scene.judge().verdict in ("copy", "copy being made")
    assert fd is not None
    os.close(fd)


def test_whether_an_open_file_is_deleted_or_the_text_of_a_packed_one_is_told(scene: Scene) -> None:
    stream = scene.read(scene.live, READ)
    scene.hold(stream, is_live=False)
    scene.hold(stream, is_live=False, is_found=False)
    for is_deleted in (False, True):
        assert [one.is_deleted for one in scene.held] == [is_deleted, False]
        assert [one.is_unpacked for one in scene.held] == [False, False]
        scene.live.unlink(missing_ok=True)
    key = scene.held[0].checkpoint.key
    packed = replace(scene.held[0].checkpoint, key=FileKey(key.dev + 1, key.ino))
    assert Held(packed, stream.fd, is_live=False).is_unpacked, "of another device's packed file with that number"
