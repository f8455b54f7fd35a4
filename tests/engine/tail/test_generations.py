"""Which open files are let go, which are asked for more, and what they are called (failure modes B1, B2, B17, E9)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporters.engine.tail import generations
from exporters.engine.tail.generations import Generation, OpenFiles, held, predecessor
from exporters.engine.tail.stream import Stream
from exporters.engine.tail.tail import Tail

Make = Callable[..., Generation]


def read_to_its_end(stream: Stream) -> None:
    later = os.fstat(stream.fd).st_mtime + 60
    while stream.read(later) is not None:
        pass


def delete(gen: Generation) -> None:
    """Delete a file, and see that nothing new is in it."""
    Path(gen.stream.path).unlink()
    read_to_its_end(gen.stream)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return a function that makes a file, reads it to its end, and gives the generation that it is."""
    made: list[Generation] = []

    def generation(
        name: str, moved_at: float | None = None, active_at: float = 0.0, text: bytes = b"1\n"
    ) -> Generation:
        path = tmp_path / name
        path.write_bytes(text)
        stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18)
        read_to_its_end(stream)
        made.append(Generation(stream, is_begun=True, moved_at=moved_at, active_at=active_at))
        return made[-1]

    yield generation
    for gen in made:
        gen.stream.close()


@pytest.fixture
def files() -> OpenFiles:
    return OpenFiles()


def test_of_files_moved_away_the_newest_stays_open_as_its_writer_may_still_have_it(
    files: OpenFiles, make: Make
) -> None:
    chain = [make("1", moved_at=0.0), make("2", moved_at=1.0), make("3", moved_at=2.0)]
    for gen in chain:
        files.add(gen, files.at("p"))
    assert files.done(100.0, 10.0, is_short=False) == chain[:2]
    assert files.done(11.5, 10.0, is_short=False) == chain[:2]
    assert files.done(10.5, 10.0, is_short=False) == chain[:1]
    delete(chain[2])
    assert files.done(100.0, 10.0, is_short=False) == chain


def test_a_file_moved_away_is_let_go_once_another_stands_at_its_path(files: OpenFiles, make: Make) -> None:
    old, new = make("1", moved_at=0.0), make("2")
    files.add(new, files.at("p"))
    files.add(old, files.at("p"))
    assert files.done(9.9, 10.0, is_short=False) == []
    assert files.done(10.0, 10.0, is_short=False) == [old]
    Path(old.stream.path).write_bytes(b"1\n2\n")
    assert files.done(100.0, 10.0, is_short=False) == []


def test_where_descriptors_are_short_what_moved_away_and_has_a_name_is_let_go_at_once(
    files: OpenFiles, make: Make
) -> None:
    moved, live, deleted = make("1", moved_at=5.0), make("2"), make("3", moved_at=5.0)
    delete(deleted)
    for gen in (moved, live, deleted):
        files.add(gen, files.at(gen.stream.path))
    assert files.done(5.0, 10.0, is_short=False) == []
    assert files.done(5.0, 10.0, is_short=True) == [moved]
    assert files.done(15.0, 10.0, is_short=True) == [moved, deleted]


def test_of_very_many_files_that_nothing_took_the_place_of_the_longest_quiet_ones_are_let_go(
    files: OpenFiles, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_HELD", 2)
    moved = [make(str(number), moved_at=float(moment)) for number, moment in enumerate((3, 1, 4, 2))]
    for gen in moved:
        files.add(gen, files.at(gen.stream.path))
    assert files.done(100.0, 10.0, is_short=False) == [moved[1], moved[3]]


def test_of_many_files_those_quiet_for_long_are_not_asked_at_every_poll(
    files: OpenFiles, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_MANY", 3)
    quiet, recent, more = make("1", active_at=0.0), make("2", active_at=5.0), make("3", active_at=5.0)
    chains = []
    for gen in (quiet, recent, more):
        files.add(gen, files.at(gen.stream.path))
        chains.append(files.at(gen.stream.path))
    assert list(files.restless(12.0, everything=False)) == []
    for gen in (quiet, recent):
        Path(gen.stream.path).write_bytes(b"1\n2\n")
    assert list(files.restless(12.0, everything=False)) == [chains[1]]
    assert list(files.restless(12.0, everything=True)) == chains[:2]
    files.drop(more)
    assert list(files.restless(12.0, everything=False)) == chains[:2]
    assert list(files.restless(15.0, everything=False)) == chains[:2]
    files.add(more, files.at("again"))
    assert list(files.restless(15.0, everything=False)) == [], "not at ten seconds"
    quiet.is_begun = False
    assert list(files.restless(100.0, everything=False)) == [chains[0]]
    quiet.is_begun = True
    files.add(make("4"), chains[0])
    assert list(files.restless(100.0, everything=False)) == [chains[0]], "one of two waits for the other"


def test_a_name_leads_to_the_chain_of_the_file_that_stands_there_now(files: OpenFiles, make: Make) -> None:
    first, second, third = make("1", moved_at=0.0), make("2"), make("3", moved_at=0.0)
    files.add(first, files.at("p"))
    files.add(second, files.at("q"))
    files.add(third, files.at("r"))
    files.at("empty")
    for gen, name in ((first, "x"), (second, "x"), (third, "y")):
        gen.stream.path = name
    assert files.names() == {"x": "q", "y": "r"}
    assert (files.keys(), files.missed()) == (["p", "q", "r"], {"p", "q", "r", "y"})
    assert files.live() == {"q": second}
    files.add(fourth := make("4", moved_at=0.0), files.at("q"), before=second)
    assert files.live() == {"q": second}
    files.drop(fourth)
    assert files.count() == 3
    files.drop(second)
    assert files.names() == {"x": "p", "y": "r"}
    assert (files.count(), [key for key, _ in files.items()]) == (2, ["p", "r", "empty"])


def test_a_generation_put_in_front_of_others_is_numbered_before_them(files: OpenFiles, make: Make) -> None:
    one, two, three = make("1"), make("2"), make("3")
    chain = files.at("p")
    files.add(one, chain)
    files.add(two, chain)
    files.add(three, chain, before=two)
    assert chain == [one, three, two]
    assert (one.serial, three.serial, two.serial, files.next_serial()) == (1, 3, 4, 5)


def test_a_file_goes_on_where_the_newest_deleted_one_of_its_name_ended(files: OpenFiles, make: Make) -> None:
    names = ("deleted", "newest", "there", "packed", "elsewhere", "live", "later")
    by_name = {name: make(name) for name in names}
    for name, gen in by_name.items():
        if name not in ("there", "live"):
            delete(gen)
        gen.stream.path = "x" if name == "elsewhere" else "p"
        gen.is_packed = name == "packed"
    chain = list(by_name.values())
    assert predecessor(by_name["live"], chain) is by_name["newest"].stream
    assert predecessor(by_name["newest"], chain) is by_name["deleted"].stream
    assert predecessor(by_name["deleted"], chain) is None


@pytest.mark.parametrize(
    ("size", "more", "after_gap", "offset"),
    [
        (32, b"", False, 32),
        (5000, b"more\n", False, 5000),
        (31, b"", False, 0),
        (32, b"", True, 0),
    ],
    ids=["the same", "longer", "too little to be sure", "made after a while"],
)
def test_a_rewrite_is_read_behind_what_was_read_of_the_file_it_replaces(
    tmp_path: Path, make: Make, size: int, more: bytes, after_gap: bool, offset: int
) -> None:
    text = b"x" * (size - 1) + b"\n"
    old = make("1", text=text)
    (tmp_path / "2").write_bytes(text + more)
    stream = Stream("2", os.open(tmp_path / "2", os.O_RDONLY), 1 << 20, 1 << 18)
    new = Generation(stream, is_begun=False, active_at=0.0, after_gap=after_gap)
    new.begin(old.stream)
    assert (stream.offset, new.is_begun) == (offset, True)
    new.begin(make("3", text=text + more).stream)
    assert stream.offset == offset, "it is decided once"
    stream.close()


def test_a_file_that_replaces_none_begins_at_its_start(tmp_path: Path, make: Make) -> None:
    gen = make("1")
    gen.stream.begin_anew()
    gen.is_begun = False
    gen.begin(None)
    assert (gen.stream.offset, gen.is_begun) == (0, True)


def test_a_file_has_moved_away_since_no_path_led_to_it_first(make: Make) -> None:
    gen = make("1", active_at=5.0)
    for path, moment, expected in (
        ("a", 6.0, ("a", None, 5.0)),
        (None, 7.0, ("a", 7.0, 7.0)),
        (None, 8.0, ("a", 7.0, 7.0)),
        ("b", 9.0, ("b", None, 5.0)),
    ):
        gen.look(path, moment)
        assert (gen.stream.path, gen.moved_at, gen.quiet_since) == expected
        assert [one.is_live for one in held([gen])] == [expected[1] is None]
    gen.look(None, 4.0)
    assert gen.quiet_since == 5.0


def test_the_text_of_a_packed_file_is_the_file_of_no_path(make: Make) -> None:
    gen = make("1")
    info = os.fstat(gen.stream.fd)
    assert gen.inode == (info.st_dev, info.st_ino)
    gen.is_packed = True
    assert gen.inode == (0, 0)


def test_a_file_is_read_if_it_is_begun_and_nothing_new_is_in_it(files: OpenFiles, make: Make) -> None:
    gen = make("1")
    assert gen.is_read
    gen.is_begun = False
    assert not gen.is_read
    gen.is_begun = True
    Path(gen.stream.path).write_bytes(b"1\n2\n")
    assert not gen.is_read
    files.add(gen, files.at("p"))
    assert [(one.checkpoint.serial, one.fd) for one in files.held("p")] == [(1, gen.stream.fd)]
    assert files.held("q") == []


def test_who_does_not_say_that_it_is_pressed_for_time_reads_quiet_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_MANY", 1)
    path = tmp_path / "e.jsonl"
    path.write_bytes(b"{}\n")
    tail = Tail([str(path)])
    tail.scan(0.0)
    assert len(list(tail.drain(0.0, 0.0))) == 1
    with path.open("ab") as out:
        out.write(b"{}\n")
    assert list(tail.drain(0.0, 100.0, everything=False)) == []
    assert len(list(tail.drain(0.0, 100.0))) == 1
    tail.close()
