"""Finished inputs, read once: what a file that is followed would give, and the last line too."""

import bz2
import gzip
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from exporters.engine.tail.one_shot import Cutter, OneShot
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Batch
from tests.budget import amount
from tests.engine.support.tailing import open_descriptors

pytestmark = pytest.mark.thorough

LINES = b'{"a":1}\n\n{"b":"\xc3\xa9"}\r\n{}\n'
PACKED = gzip.compress(LINES * 9, mtime=0)


def summary(batches: list[Batch]) -> tuple[bytes, int, int, int, int]:
    """Return the text of the lines, and the bytes and lines accounted for otherwise."""
    for batch in batches:
        assert batch.data == b"" or batch.data.endswith(b"\n")
        assert batch.end > batch.start or batch.too_long, "no batch says nothing"
    return (
        b"".join(batch.data for batch in batches),
        sum(batch.end - batch.start for batch in batches),
        sum(batch.skipped_bytes for batch in batches),
        sum(batch.too_long for batch in batches),
        sum(batch.too_long_bytes for batch in batches),
    )


def without_nuls(found: tuple[bytes, int, int, int, int]) -> tuple[bytes, int, int, int, int]:
    """Count NULs before a line as skipped, which `decode` does if the tail has not."""
    data, size, skipped, *too_long = found
    lines = [line.lstrip(b"\0") for line in data.split(b"\n")]
    text = b"\n".join(lines)
    return text, size, skipped + len(data) - len(text), too_long[0], too_long[1]


def read(*patterns: object, max_line: int = 1 << 20) -> tuple[OneShot, bytes]:
    """Return a one-shot that has read everything, and the text of the lines."""
    shot = OneShot([str(pattern) for pattern in patterns], max_line)
    return shot, b"".join(batch.data for batch in shot.drain(0.0, 0.0))


Pieces = st.lists(
    st.sampled_from([b"\n", b"a", b"bc\n", b"x" * 9, b"y" * 10 + b"\n", b"z" * 11, b"\0", b"\0" * 12, b"\xef\xbb\xbf"]),
    max_size=24,
)


@settings(max_examples=amount(80, 2000))
@given(pieces=Pieces, max_line=st.integers(3, 12), block=st.integers(1, 13))
def test_what_a_file_that_is_followed_gives_is_what_a_stream_gives(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], max_line: int, block: int
) -> None:
    text = b"".join(pieces) + b"end\n"
    path = tmp_path_factory.getbasetemp() / "text"
    path.write_bytes(text)
    stream = Stream(str(path), os.open(path, os.O_RDONLY), max_line, 1 << 18)
    expected: list[Batch] = []
    stream.begin_pass()
    while isinstance(batch := stream.read(0.0), Batch):
        expected.append(batch)
    stream.close()
    cutter = Cutter("text", max_line)
    size = min(block, max_line + 1)
    found = [one for at in range(0, len(text), size) for one in cutter.feed(text[at : at + size])]
    assert list(cutter.finish()) == []
    assert without_nuls(summary(found)) == without_nuls(summary(expected))
    assert [one.start for one in found[1:]] == [one.end for one in found[:-1]], "every byte once, in order"


@given(pieces=Pieces, cut=st.integers(0, 40))
def test_a_text_without_its_last_newline_gives_the_same_lines(pieces: list[bytes], cut: int) -> None:
    def lines(text: bytes) -> tuple[bytes, int, int]:
        cutter = Cutter("text", 10)
        batches = [one for at in range(0, len(text), 7) for one in cutter.feed(text[at : at + 7])]
        data, size, _, too_long, _ = summary([*batches, *cutter.finish()])
        assert size == len(text)
        return data, too_long, size

    text = b"".join(pieces)[:cut].rstrip(b"\0\n")
    whole, bare = lines(text + b"\n"), lines(text)
    assert bare[:2] == whole[:2] or not text.removeprefix(b"\xef\xbb\xbf")
    assert bare[2] == whole[2] - 1


def test_the_last_line_counts_with_and_without_newline_and_reserved_space_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf{}\n{}" + b"\0" * 5)
    shot = OneShot([str(path)])
    batches = list(shot.drain(0.0, 0.0))
    assert summary(batches) == (b"{}\n{}\n", path.stat().st_size, 8, 0, 0)
    assert [batch.data for batch in batches if batch.data == b"{}\n"] == [b"{}\n", b"{}\n"]
    assert [batch.start + batch.skipped_bytes for batch in batches if batch.data] == [3, 6]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
@pytest.mark.parametrize("max_line", [7, 1 << 20])
def test_a_packed_file_is_read_where_it_is_named(
    tmp_path: Path, pack: Callable[[bytes], bytes], max_line: int, request: pytest.FixtureRequest
) -> None:
    ending = request.node.callspec.id.split("-")[-1]
    path = tmp_path / f"x.jsonl.{ending}"
    text = LINES * 1000
    path.write_bytes(pack(text[:9000]) + pack(text[9000:-1]))
    shot, found = read(path, max_line=max_line)
    assert found == (text if max_line > 7 else text.replace(b'{"b":"\xc3\xa9"}\r\n', b""))
    assert (shot.files_present, shot.unreadable, shot.missing) == (1, {}, [])


def test_a_packed_file_without_an_ending_is_unpacked_and_a_pipe_is_read_as_it_is(tmp_path: Path) -> None:
    path, pipe = tmp_path / "@40000000690000000000000a.s", tmp_path / "pipe"
    path.write_bytes(PACKED)
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(PACKED,))
    writer.start()
    shot, found = read(path)
    assert (found, shot.unreadable) == (LINES * 9, {})
    shot, found = read(pipe)
    writer.join()
    assert (found[:2], shot.unreadable) == (PACKED[:2], {})


def test_a_glob_takes_packed_files_only_if_it_ends_as_they_do(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"2\n"))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"3\n"))
    (tmp_path / "folder.jsonl").mkdir()
    assert read(tmp_path / "*")[1] == b"1\n"
    shot, found = read(tmp_path / "*.jsonl")
    assert (found, shot.unreadable) == (b"1\n", {}), "a folder is none of the files a glob means"
    assert read(tmp_path / "*.gz")[1] == b"2\n3\n"


def test_two_stars_descend_and_no_descriptor_stays_open(tmp_path: Path) -> None:
    for number, folder in enumerate((tmp_path, tmp_path / "a", tmp_path / "a" / "b")):
        folder.mkdir(exist_ok=True)
        (folder / "x.jsonl").write_bytes(b"%d\n" % number)
    with open_descriptors() as change:
        assert sorted(read(tmp_path / "**" / "x.jsonl")[1]) == sorted(b"0\n1\n2\n")
    assert change == [0]


@pytest.mark.parametrize("length", [1 << 20, (1 << 20) + 1])
def test_a_line_is_as_long_as_a_mebibyte_unless_something_else_is_said(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"x" * length + b"\n")
    batches = list(OneShot([str(path)]).drain(0.0, 0.0))
    assert summary(batches)[3] == (length > 1 << 20)


def test_nuls_in_front_of_a_line_that_is_not_too_long_with_them_stay_with_it() -> None:
    text = b"\0\0" + b"x" * 8 + b"\n"
    assert [one.data for one in Cutter("text", 10).feed(text)] == [text]
    assert [one.data for one in Cutter("text", 9).feed(text)] == [b"", text[2:]]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path, link, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl.gz"
    path.write_bytes(b"1\n")
    link.symlink_to(path)
    packed.write_bytes(gzip.compress(b"2\n"))
    with open_descriptors() as change:
        shot, found = read(path, link, path, tmp_path / "*.jsonl", packed, packed, tmp_path)
    assert (found, shot.files_present, change) == (b"1\n2\n", 2, [0])


def test_what_is_no_file_is_read_as_often_as_it_is_named() -> None:
    shot, found = read("/dev/null", "/dev/null")
    assert (found, shot.files_present) == (b"", 2)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_is_read_and_stays_open(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(LINES)
    before, given = os.dup(0), os.open(tmp_path / "x", os.O_RDONLY)
    try:
        os.dup2(given, 0)
        assert read(name)[1] == LINES
        os.fstat(0)
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(given)


def test_lines_of_one_byte_may_be_the_longest(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"ab\nc\n\nd")
    assert read(tmp_path / "x", max_line=1)[1] == b"c\n\nd\n"


def test_a_fifo_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(LINES * 20_000 + b"{}"))
    writer.start()
    shot, found = read(path)
    writer.join()
    assert (found, shot.files_present) == (LINES * 20_000 + b"{}\n", 1)


@pytest.mark.parametrize(
    ("name", "content", "problem", "before"),
    [
        ("cut.gz", PACKED[:-20], "Compressed file ended before the end-of-stream marker", b""),
        ("not.gz", LINES, "Not a gzipped file (b'{\"')", b""),
        ("empty.xz", b"", "Compressed file ended before the end-of-stream marker", b""),
    ],
)
def test_a_damaged_packed_file_is_a_problem_of_its_own(
    tmp_path: Path, name: str, content: bytes, problem: str, before: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "whole").write_bytes(LINES)
    shot, found = read(tmp_path / name, tmp_path / "whole")
    assert (found, shot.files_present) == (before + LINES, 1)
    assert shot.unreadable[str(tmp_path / name)].startswith(problem)


def test_whole_lines_before_the_damage_count_and_so_does_their_file(tmp_path: Path) -> None:
    path, text = tmp_path / "late.gz", b"".join(b"%d\n" % number for number in range(200_000))
    path.write_bytes(gzip.compress(text)[:-9])
    shot, found = read(path)
    assert text.startswith(found)
    assert len(found) > 1_000_000
    assert (shot.files_present, list(shot.unreadable)) == (1, [str(path)])


def test_what_is_missing_or_no_file_is_told_apart(tmp_path: Path) -> None:
    shot, found = read(tmp_path / "none", tmp_path / "*.none", tmp_path, tmp_path / "none.gz")
    assert found == b""
    assert shot.missing == [str(tmp_path / "none"), str(tmp_path / "*.none"), str(tmp_path / "none.gz")]
    assert shot.unreadable == {str(tmp_path): "Is a directory"}
    assert shot.files_present == 0
