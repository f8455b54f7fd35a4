"""Where paths and globs lead, and what they pass over (failure modes B16, E4, E6, E7)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporters.engine.tail.finder import Finder
from exporters.engine.tail.fingerprint import file_key, open_plain, open_same
from tests.conftest import LogFile
from tests.engine.support.tailing import Follower, open_descriptors


@pytest.fixture
def followed(log_file: LogFile) -> Follower:
    """The event file, followed alone."""
    return Follower(log_file)


def finding(*patterns: str) -> Finder:
    """Return a finder of patterns that follows whatever they lead to."""
    return Finder(patterns, lambda path: True)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "fifo"])
def test_what_is_no_regular_file_is_named_if_it_was_asked_for_and_passed_over_in_a_glob(
    tmp_path: Path, make: object
) -> None:
    make(tmp_path / "odd")  # type: ignore[operator]
    follower = Follower(tmp_path / "odd", tmp_path / "o*")
    assert follower.poll() == []
    assert follower.tail.unreadable == {str(tmp_path / "odd"): "not a regular file"}
    assert Follower(tmp_path / "o*").poll() == []


def test_b16_a_glob_passes_over_packed_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.1.gz").write_bytes(b"\x1f\x8b\n")
    (tmp_path / "a.jsonl").write_bytes(b"1\n")
    assert Follower(tmp_path / "a.jsonl*").poll() == [b"1"]


def test_e4_a_live_file_without_a_name_left_is_read_on_as_in_a_bind_mount(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(b"1\n")
    followed.poll()
    held = os.open(log_file.path, os.O_WRONLY | os.O_APPEND)
    known = log_file.path.stat()
    log_file.path.unlink()
    monkeypatch.setattr(os, "stat", lambda *_, **__: known)
    followed.poll(100)
    os.write(held, b"2\n")
    os.close(held)
    assert followed.poll(100) == [b"2"]


def test_e6_a_folder_that_is_renamed_and_made_anew_is_followed(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n")
    followed.poll()
    folder = log_file.path.parent
    moved = folder.rename(folder.with_name("logs.old"))
    LogFile(moved / log_file.path.name).append(b"2\n")
    folder.mkdir()
    log_file.append(b"3\n")
    assert followed.poll() == [b"2", b"3"]
    assert followed.said("rotated") == 1


@pytest.mark.parametrize("pattern", ["*/*/x.jsonl", "**/x.jsonl", "a/b/x.jsonl", "a/**"])
def test_e7_folders_may_come_later(tmp_path: Path, pattern: str) -> None:
    follower = Follower(tmp_path / "logs" / pattern)
    assert follower.poll() == []
    (tmp_path / "logs" / "a" / "b").mkdir(parents=True)
    (tmp_path / "logs" / "a" / "b" / "x.jsonl").write_bytes(b"1\n")
    assert follower.poll() == [b"1"]


def test_two_stars_descend_and_a_folder_that_links_to_itself_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "x.jsonl").write_bytes(b"1\n")
    assert Follower(tmp_path / "**" / "*.jsonl").poll() == [b"1"]


def test_a_path_with_brackets_is_found_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a[1].jsonl").write_bytes(b"1\n")
    assert Follower(tmp_path / "a[1].jsonl").poll() == [b"1"]


def test_a_name_that_is_no_utf8_is_followed_in_a_glob(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe.jsonl")).write_bytes(b"1\n")
    assert Follower(tmp_path / "*.jsonl").poll() == [b"1"]


def test_directories_are_those_that_exist_of_patterns_files_and_their_targets(tmp_path: Path) -> None:
    for name in ("logs/a", "target", "plain"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "target" / "x").write_bytes(b"1\n")
    (tmp_path / "logs" / "a" / "x").symlink_to(tmp_path / "target" / "x")
    follower = Follower(tmp_path / "logs" / "*" / "x", tmp_path / "plain" / "y", tmp_path / "missing" / "z")
    follower.poll()
    names = {str(Path(path).relative_to(tmp_path)) for path in follower.tail.directories()}
    assert names == {"logs", "logs/a", "target", "plain"}
    assert Follower("x.jsonl").tail.directories() == {"."}


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("/x/**/a", ["/x/a", "/x/b/a", "/x/b/c/a"], ["/x/b", "/y/a", "/x/a/b", "/x"]),
        ("/x/**/b/**/a", ["/x/b/a", "/x/c/b/d/e/a"], ["/x/a", "/x/c/a"]),
        ("/x/*/a", ["/x/b/a"], ["/x/a", "/x/b/c/a"]),
        ("/x/a", ["/x/a", "/x/./a", "/x/b/../a"], ["/x/A", "/x/a/b"]),
    ],
)
def test_a_pattern_may_lead_to_the_paths_it_stands_for(pattern: str, right: list[str], wrong: list[str]) -> None:
    finder = finding(pattern)
    assert [path for path in (*right, *wrong) if finder.may_lead_to(path)] == right


def test_a_file_of_two_names_is_held_open_once(log_file: LogFile, tmp_path: Path) -> None:
    log_file.append(b"1\n")
    os.link(log_file.path, tmp_path / "other")
    alone, both = Follower(log_file), Follower(log_file.path, tmp_path / "other")
    with open_descriptors() as of_one:
        assert alone.poll() == [b"1"]
    with open_descriptors() as of_two:
        assert both.poll() == [b"1"]
    assert of_one == of_two


def test_a_file_that_took_the_path_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode())
    first = open_plain(str(tmp_path / "one"))
    assert first is not None
    key = file_key(first)
    (tmp_path / "one").rename(tmp_path / "three")
    (tmp_path / "two").rename(tmp_path / "one")
    with open_descriptors() as change:
        found = open_same(str(tmp_path / "one"), key)
        assert found is not None
        assert os.read(found, 9) == b"one"
        os.close(found)
        (tmp_path / "three").unlink()
        assert open_same(str(tmp_path / "one"), key) is None
    assert change == [0]
    os.close(first)


def test_patterns_that_lead_nowhere_though_they_might_are_told() -> None:
    finder = finding("/x/*/a", "/y/b", "/z/**/c", "!/x/n/a")
    assert finder.leading_nowhere(["/x/1/a"], ["/x/1/a", "/y/b"]) == ["/y/b"]
    assert finder.leading_nowhere([], ["/x/2/a", "/z/c", "/elsewhere"]) == ["/x/*/a", "/z/**/c"]
    assert finder.leading_nowhere(["/y/b", "/elsewhere"], ["/y/b", "/elsewhere"]) == []
    assert [finder.may_lead_to(path) for path in ("/x/1/a", "/y/b", "/x/n/a", "/y/c")] == [True, True, False, False]


def test_the_folders_of_patterns_are_known_unless_one_is_a_pattern_itself() -> None:
    assert finding("/x/a*", "/y/b").folders == ["/x", "/y"]
    assert finding("/x/*/a", "/y/b").folders is None
    assert finding("/x/a*", "/y/b").literal == ("/y/b",)


def test_of_two_names_of_one_file_the_one_it_had_stays(tmp_path: Path) -> None:
    for name in ("b", "c", "d"):
        (tmp_path / name).write_bytes(b"1")
    os.link(tmp_path / "b", tmp_path / "a")
    os.link(tmp_path / "b", tmp_path / "e")
    finder, info = finding(str(tmp_path / "*")), (tmp_path / "b").stat()
    inode = (info.st_dev, info.st_ino)
    for known, expected in (({}, "a"), ({inode: "b"}, "b"), ({inode: "e"}, "e"), ({inode: "gone"}, "a")):
        found = finder.resolve({one: str(tmp_path / name) for one, name in known.items()})
        assert found.files[inode] == str(tmp_path / expected)
        assert sorted(Path(path).name for path in found.files.values()) == sorted([expected, "c", "d"])
        state = (*inode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        assert found.states[str(tmp_path / expected)] == state
        assert found.problems == {}


def test_only_what_may_be_followed_is_found_and_what_stands_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    long = str(tmp_path / ("x" * 300))
    patterns = (str(tmp_path / "[ab]"), str(tmp_path / "a" / "below"), str(tmp_path / "missing"), long)
    found = Finder(patterns, lambda path: not path.endswith("b")).resolve({})
    assert list(found.files.values()) == [str(tmp_path / "a")]
    assert found.problems == {long: "File name too long"}
