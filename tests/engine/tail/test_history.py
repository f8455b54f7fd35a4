"""What is remembered of files that are not open, for how long, and what a look at their folders adds (B1, B4, B16)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail.backups import NEVER
from exporters.engine.tail.classify import NOTHING, REMEMBERED, Held, no_checkpoint
from exporters.engine.tail.fingerprint import keys_at
from exporters.engine.tail.history import History
from exporters.engine.tail.openings import Opening
from exporters.engine.tail.recover import Recovery
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.restart_harness import lines

TEXT = lines(range(60))

Open = Callable[..., Stream]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Return a function that writes a file and reads it to its end."""
    streams: list[Stream] = []

    def read(path: Path, text: bytes = TEXT) -> Stream:
        path.write_bytes(text)
        streams.append(Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18))
        while streams[-1].read(0.0) is not None:
            pass
        return streams[-1]

    yield read
    for stream in streams:
        stream.close()


def some(path: str, serial: int, is_done: bool = False) -> Checkpoint:
    return replace(no_checkpoint(path, serial), key=FileKey(1, serial), done=is_done)


def close(openings: list[Opening]) -> int:
    for one in openings:
        os.close(one.fd)
    return len(openings)


def key_of(path: Path) -> FileKey:
    return keys_at([str(path)])[str(path)]


def test_of_what_is_neither_open_nor_done_with_the_newest_of_each_path_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = History()
    many, few = [some("a", serial) for serial in range(1, 40)], [some("b", 50), some("b", 51)]
    history.keep(many[:20])
    history.keep([*many[20:], *few])
    assert history.absent == [*many[-REMEMBERED:], *few]
    assert history.absent_keys() == {"a": {one.key for one in many[-REMEMBERED:]}, "b": {one.key for one in few}}
    monkeypatch.setattr("exporters.engine.tail.history._KEPT_IN_ALL", 3)
    history.keep([])
    assert history.absent == [many[-1], *few]
    assert history.is_unsettled


def test_what_is_looked_for_again_is_forgotten_with_the_generations_before_it() -> None:
    history = History()
    assert not history.is_unsettled
    history.keep([some("a", 3), some("b", 4)])
    for one in (some("a", 1, is_done=True), some("a", 2, is_done=True), some("b", 5, is_done=True)):
        history.finish(one)
    assert sorted(history.paths()) == ["a", "b"]
    assert history.come_back({"a", "c"}) == [some("a", 1, is_done=True), some("a", 2, is_done=True), some("a", 3)]
    assert (history.absent, history.finished(), history.paths()) == (
        [some("b", 4)],
        [some("b", 5, is_done=True)],
        ["b"],
    )
    assert history.come_back({"a"}) == []


def test_a_file_that_is_back_goes_on_where_it_ended_if_it_still_holds_what_was_read(
    tmp_path: Path, opened: Open
) -> None:
    done = opened(tmp_path / "e").checkpoint(1, done=True)
    history = History()
    history.finish(done)
    history.finish(some("other", 2, is_done=True))
    again = Stream("f", os.open(tmp_path / "e", os.O_RDONLY), 1 << 20, 1 << 18)
    assert history.take_back(again)
    assert (again.offset, again.seen_size) == (len(TEXT), len(TEXT))
    assert history.finished() == [some("other", 2, is_done=True)]
    assert not history.take_back(again)
    history.finish(replace(done, size=NEVER))
    again.begin_anew()
    assert history.take_back(again)
    assert again.seen_size == len(TEXT), "it is not known how much of it is unread"
    history.finish(done)
    (tmp_path / "e").write_bytes(b"other\n")
    assert not history.take_back(again)
    assert history.has_past(str(tmp_path / "e"))
    again.close()


def test_a_file_that_is_back_is_not_taken_for_one_of_its_path_that_began_alike(tmp_path: Path, opened: Open) -> None:
    shorter = opened(tmp_path / "e", TEXT[:160]).checkpoint(1, done=True)
    history = History()
    history.finish(replace(shorter, key=FileKey(1, 1)))
    history.finish(opened(tmp_path / "e").checkpoint(2, done=True))
    again = opened(tmp_path / "e")
    again.begin_anew()
    assert history.take_back(again)
    assert again.offset == len(TEXT)


def test_a_path_has_a_past_if_a_file_of_it_was_read() -> None:
    history = History()
    history.finish(no_checkpoint("a", 1))
    assert not history.has_past("a")
    history.finish(replace(some("a", 2), size=NEVER))
    assert not history.has_past("a")
    history.finish(some("a", 3))
    assert history.has_past("a")
    assert not history.has_past("b")


def test_that_a_path_was_looked_at_is_said_by_its_open_file_from_then_on() -> None:
    history = History()
    for one in (no_checkpoint("a", 1), no_checkpoint("b", 2)):
        history.finish(one)
    history.opened("a")
    history.opened("c")
    assert history.finished() == [no_checkpoint("b", 2)]


def test_what_stands_beside_a_path_at_first_is_never_read_and_known_by_what_it_holds(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "e")
    for number in (1, 2):
        (tmp_path / f"e.{number}").write_bytes(lines([number]))
    live = key_of(tmp_path / "e.2")[:2]
    history, serials = History(), iter(range(7, 99))
    history.meet([path, "empty"], {live}, lambda: next(serials))
    assert (history.has_met(path), history.has_met("empty"), history.has_met("other")) == (True, True, False)
    assert history.known == {key_of(tmp_path / "e.1")}
    assert [(one.path, one.serial, one.size) for one in history.finished()] == [(path, 7, NEVER), ("empty", 8, 0)]
    assert close(history.unread(path, [], tuple)) == 1, "what was live then has been rotated since"
    assert history.unread(path, [], lambda: {key_of(tmp_path / "e.2")}) == []
    assert history.closed_files() == [(str(tmp_path / "e.1"), NEVER)]


def test_a_backup_is_known_once_it_is_sure_that_it_does_not_wait_to_be_read(tmp_path: Path, opened: Open) -> None:
    path = str(tmp_path / "e")
    held = Held(opened(tmp_path / "e").checkpoint(1), opened(tmp_path / "e").fd, is_live=True)
    history = History()

    def look(live: dict[str, Held]) -> None:
        history.look([path])
        history.update_known(history.seen_backups(), live, 0.0)

    look({path: held})
    (tmp_path / "e.1").write_bytes(lines([99]))
    key = key_of(tmp_path / "e.1")
    history.look([path])
    assert history.has_unknown(path)
    assert history.is_unsettled
    look({path: replace(held, checkpoint=replace(held.checkpoint, offset=0))})
    assert (history.unsure, history.known) == ({path}, frozenset())
    assert history.marked(held.checkpoint).unsure
    look({})
    assert (history.unsure, history.known) == ({path}, frozenset()), "where it leads nowhere nothing was found out"
    history.update_known({}, {}, 0.0)
    assert history.unsure == set[str](), "it is no longer looked at"
    look({path: replace(held, checkpoint=replace(held.checkpoint, head="0"))})
    assert (history.unsure, history.known) == ({path}, frozenset()), "the file does not hold what was read of it"
    look({path: held})
    assert (history.unsure, history.known) == (set[str](), frozenset({key}))
    assert not history.has_unknown(path)
    assert not history.marked(held.checkpoint).unsure
    look({})
    assert history.known == {key}, "it was there, though its path leads nowhere now"
    (tmp_path / "e.1").unlink()
    look({})
    assert history.known == {key}, "it may only be out of sight"
    look({path: held})
    assert history.known == frozenset()


def test_absent_paths_beside_which_their_files_or_new_ones_stand_are_told(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "abcd"]
    for name, text in (("a.1", b"1\n"), ("b.1", b"1\n"), ("c.1", b""), ("d.1", b"1\n")):
        (tmp_path / name).write_bytes(text)
    history = History()
    history.known = frozenset({key_of(tmp_path / "b.1"), key_of(tmp_path / "d.1")})
    history.keep([some(path, serial) for serial, path in enumerate(paths, 10)])
    assert history.beside([]) == [], "nothing was looked at"
    history.look(paths)
    assert history.beside([]) == [paths[0]]
    assert history.beside([paths[0]]) == []
    history.keep([replace(some(paths[3], 20), key=key_of(tmp_path / "d.1"))])
    assert history.beside([]) == [paths[0], paths[3]]


def test_a_restart_takes_over_what_was_remembered_and_what_was_read_of_files_that_are_gone() -> None:
    history = History()
    read = replace(some("read", 1), offset=5)
    recovery = Recovery(
        met={"read", "met"},
        done=[some("a", 2, is_done=True)],
        missing=[read, some("unread", 3), some("found", 4), some("a", 5)],
        absent=[some("b", 6)],
        known=frozenset({FileKey(1, 9)}),
        openings=[
            Opening("found", -1, None, is_live=True),
            Opening("sure", -1, some("sure", 7), is_live=True),
            Opening("unsure", -1, replace(some("unsure", 8), unsure=True), is_live=True),
        ],
    )
    history.restore(recovery)
    assert (history.known, history.absent, history.unsure) == (frozenset({FileKey(1, 9)}), [some("b", 6)], {"unsure"})
    assert [history.has_met(path) for path in ("read", "met", "a")] == [True, True, False]
    assert history.finished() == [some("a", 2, is_done=True), read, no_checkpoint("unread", 3)]


def test_a_file_in_a_glob_is_judged_as_a_copy_of_the_path_it_may_have_been_made_from(
    tmp_path: Path, opened: Open
) -> None:
    stream = opened(tmp_path / "e")
    held = Held(stream.checkpoint(1), stream.fd, is_live=True)
    for name, text in (("e.1", TEXT[:900]), ("e.2", lines([99])), ("f.1", TEXT)):
        (tmp_path / name).write_bytes(text)
    history = History()

    def judged(name: str) -> str:
        path = str(tmp_path / name)
        found = history.judge([path], lambda path: [held] if path == held.checkpoint.path else [])
        return found[path].verdict if found else ""

    assert [judged(name) for name in ("e.1", "e.2", "f.1", "e")] == ["copy being made", "", "", ""]
    history.known = frozenset({NOTHING, key_of(tmp_path / "e.1")})
    assert judged("e.1") == "copy being made", "that it was seen beside the path does not matter"


@pytest.mark.parametrize(
    ("is_live", "is_begun", "is_done", "is_waited_for"),
    [
        (True, True, False, True),
        (True, True, True, True),
        (True, False, False, False),
        (True, False, True, True),
        (False, False, False, False),
        (False, False, True, True),
    ],
)
def test_a_new_backup_is_waited_for_where_a_file_was_read_to_its_end_or_a_generation_is_remembered(
    tmp_path: Path, opened: Open, is_live: bool, is_begun: bool, is_done: bool, is_waited_for: bool
) -> None:
    stream = opened(tmp_path / "e")
    checkpoint = stream.checkpoint(1) if is_begun else replace(stream.checkpoint(1), offset=0)
    live = {stream.path: Held(checkpoint, stream.fd, is_live=True)} if is_live else {}
    history = History()
    if is_done:
        history.finish(some(stream.path, 2, is_done=True))
    (tmp_path / "e.1").write_bytes(lines([99]))
    history.look([stream.path])
    history.update_known({}, live, 0.0)
    assert history.is_unsettled == is_waited_for


@pytest.mark.parametrize(
    ("folders", "live", "has_absent", "is_kept"),
    [
        (["here"], [], False, False),
        (["gone"], [], False, True),
        (["here", "gone"], [], False, True),
        (["gone"], ["gone"], False, False),
        (["here"], [], True, True),
        ([""], [], False, False),
    ],
)
def test_what_was_known_before_a_restart_stays_known_while_a_folder_is_away_or_a_file_is_not_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folders: list[str],
    live: list[str],
    has_absent: bool,
    is_kept: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    history, known = History(), frozenset({FileKey(1, 9), FileKey(1, 10)})
    history.restore(Recovery(known=known, absent=[some("b", 6)] if has_absent else []))
    held = Held(replace(some("e", 1), offset=9), None, is_live=True)
    backups = {os.path.join(folder, "e"): frozenset[FileKey]() for folder in folders}
    history.update_known(backups, {os.path.join(folder, "e"): held for folder in live}, 0.0)
    assert history.known == (known if is_kept else frozenset())


def test_a_backup_that_could_not_be_read_is_known_as_the_same_file_once_it_can(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.engine.tail.fingerprint._generation", lambda fd: 7)
    stream = opened(tmp_path / "e")
    (tmp_path / "e.1").write_bytes(lines([99]))
    key = key_of(tmp_path / "e.1")
    assert key.generation == 7
    history = History()
    history.restore(Recovery(known=frozenset({FileKey(*key[:2])}), absent=[some(stream.path, 1)]))
    history.look([stream.path])
    assert history.beside([]) == []
    held = Held(stream.checkpoint(1), stream.fd, is_live=True)
    history.update_known(history.seen_backups(), {stream.path: held}, 0.0)
    assert history.known == {key}, "it is known once"


def test_what_cannot_be_told_yet_beside_a_path_makes_it_unsure_until_the_next_look_tells(
    tmp_path: Path, opened: Open
) -> None:
    stream = opened(tmp_path / "e")
    held = Held(stream.checkpoint(1), stream.fd, is_live=True)
    (tmp_path / "e.1.gz").write_bytes(b"half of it")
    history = History()
    for is_asked, unsure in ((True, {stream.path}), (False, set[str]())):
        history.look([stream.path])
        backups = history.seen_backups()
        assert not is_asked or history.unread(stream.path, [held], tuple) == []
        history.update_known(backups, {stream.path: held}, 0.0)
        assert history.unsure == unsure


def test_of_all_paths_together_no_more_generations_are_remembered_than_a_bound_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporters.engine.tail.history._REMEMBERED_IN_ALL", 3)
    history, done = History(), [some(path, serial, is_done=True) for serial, path in enumerate("aabcde")]
    for number, one in enumerate(done, 1):
        history.finish(one)
        assert history.finished() == done[max(0, number - 3) : number]
        assert (NOTHING in history.known) == (number > 3)


def test_of_each_path_the_newest_generations_are_remembered() -> None:
    history, done = History(), [some("a", serial, is_done=True) for serial in range(REMEMBERED + 2)]
    for one in done:
        history.finish(one)
    assert history.finished() == done[2:]


def test_a_generation_let_go_that_grew_is_opened_where_it_ended_and_leaves_the_memory(
    tmp_path: Path, opened: Open
) -> None:
    path, history = str(tmp_path / "e"), History()
    done = replace(opened(tmp_path / "e.1").checkpoint(1, done=True), path=path)
    history.finish(done)
    history.look([path])
    assert history.grown(path, tuple) == []
    (tmp_path / "e.1").write_bytes(TEXT + lines([60]))
    history.look([path])
    found = history.grown(path, tuple)
    assert [one.checkpoint for one in found] == [done]
    assert (close(found), history.finished()) == (1, [])


def test_a_copy_of_what_was_read_of_a_file_that_is_not_found_is_known(tmp_path: Path, opened: Open) -> None:
    path, history = str(tmp_path / "e"), History()
    gone = opened(tmp_path / "e").checkpoint(1)
    (tmp_path / "e").unlink()
    (tmp_path / "e.1").write_bytes(TEXT)
    history.keep([gone])
    history.look([path])
    assert history.unread(path, [], tuple) == []
    assert history.known == {key_of(tmp_path / "e.1")}
