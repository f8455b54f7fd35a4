"""Bytes of one file -> whole lines, whatever the writer's write boundaries (failure modes C1 to C10)."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporters.engine.tail.fingerprint import open_file
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Batch, Notice
from tests.conftest import LogFile
from tests.engine.support.tailing import check_batch, open_descriptors

Open = Callable[..., Stream]


@pytest.fixture
def opened(log_file: LogFile) -> Iterator[Open]:
    """Return a function that opens the event file, made if need be."""
    streams: list[Stream] = []

    def make(max_line_bytes: int = 1 << 20, batch_bytes: int = 1 << 18) -> Stream:
        log_file.append(b"")
        streams.append(Stream(str(log_file), open_file(str(log_file)), max_line_bytes, batch_bytes))
        return streams[-1]

    yield make
    for stream in streams:
        stream.close()


def read_all(stream: Stream) -> list[Batch]:
    """Read to the end; every batch must begin where the one before ended."""
    batches: list[Batch] = []
    while (item := stream.read(0.0)) is not None:
        assert isinstance(item, Batch), item
        check_batch(item)
        assert not batches or item.start == batches[-1].end
        batches.append(item)
    return batches


def data_of(batches: list[Batch]) -> bytes:
    return b"".join(batch.data for batch in batches)


def test_c1_a_file_written_byte_by_byte_gives_whole_lines_only(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    text = b'{"a":1}\n\n{"b":"xyz"}\r\n'
    for index in range(len(text)):
        log_file.append(text[index : index + 1])
        given = data_of(read_all(stream))
        start = text.rfind(b"\n", 0, index) + 1
        assert given == (text[start : index + 1] if text[index : index + 1] == b"\n" else b"")
    assert stream.offset == len(text)


def test_c1_half_a_line_waits_and_shows_as_lag(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b'{"a":1}\n{"b"')
    assert data_of(read_all(stream)) == b'{"a":1}\n'
    assert (stream.offset, stream.unread_bytes) == (8, 4)
    log_file.append(b":2}\n")
    assert data_of(read_all(stream)) == b'{"b":2}\n'
    assert stream.unread_bytes == 0


def test_c2_the_mark_stands_behind_the_last_newline_never_in_a_line(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b'{"a":1}\n{"b"')
    read_all(stream)
    assert stream.checkpoint(1).offset == 8


@pytest.mark.parametrize("window", [1, 2, 3, 5, 7, 64])
def test_c3_characters_of_several_bytes_survive_every_read_boundary(
    log_file: LogFile, opened: Open, window: int
) -> None:
    text = '{"s":"aé€😀 \x85"}\n'.encode() * 3
    log_file.append(text)
    assert data_of(read_all(opened(batch_bytes=window))) == text


@pytest.mark.parametrize("cut", range(1, 20))
def test_c3_a_character_torn_between_two_writes_is_one_character(log_file: LogFile, opened: Open, cut: int) -> None:
    stream, text = opened(), '{"s":"é€😀"}\n'.encode()
    log_file.append(text[:cut])
    first = data_of(read_all(stream))
    log_file.append(text[cut:])
    assert first + data_of(read_all(stream)) == text


def test_c3_only_the_newline_byte_ends_a_line(log_file: LogFile, opened: Open) -> None:
    text = '{"s":"a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh"}\n'.encode()
    log_file.append(text)
    assert data_of(read_all(opened())).split(b"\n") == [text[:-1], b""]


def test_c4_a_bom_is_filler_at_the_start_and_data_anywhere_else(log_file: LogFile, opened: Open) -> None:
    log_file.append(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n")
    (batch,) = read_all(opened())
    assert (batch.data, batch.skipped_bytes) == (b"{}\n\xef\xbb\xbf{}\n", 3)


def test_c4_a_bom_that_comes_in_two_writes_is_filler_too(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b"\xef\xbb")
    assert read_all(stream) == []
    log_file.append(b"\xbf{}\n")
    assert data_of(read_all(stream)) == b"{}\n"


def test_c4_a_bom_does_not_make_a_line_of_the_longest_size_too_long(log_file: LogFile, opened: Open) -> None:
    log_file.append(b"\xef\xbb\xbf" + b"x" * 64 + b"\n")
    batches = read_all(opened(max_line_bytes=64))
    assert data_of(batches) == b"x" * 64 + b"\n"
    assert sum(batch.skipped_bytes for batch in batches) == 3


@pytest.mark.parametrize("batch_bytes", [1, 16, 64, 1000])
@pytest.mark.parametrize(("size", "is_taken"), [(63, True), (64, True), (65, False), (6400, False)])
def test_c5_a_line_is_taken_up_to_the_cap_and_dropped_whole_beyond(
    log_file: LogFile, opened: Open, size: int, is_taken: bool, batch_bytes: int
) -> None:
    log_file.append(b"1\n" + b"x" * size + b"\n2\n")
    batches = read_all(opened(max_line_bytes=64, batch_bytes=batch_bytes))
    assert data_of(batches) == b"1\n" + (b"x" * size + b"\n" if is_taken else b"") + b"2\n"
    assert sum(batch.too_long for batch in batches) == int(not is_taken)
    assert sum(batch.too_long_bytes for batch in batches) == (0 if is_taken else size + 1)


def test_c5_a_line_too_long_is_counted_once_though_it_comes_in_pieces(log_file: LogFile, opened: Open) -> None:
    stream = opened(max_line_bytes=64, batch_bytes=16)
    batches = []
    for _ in range(20):
        log_file.append(b"x" * 50)
        batches += read_all(stream)
    assert stream.skipping
    log_file.append(b"\n{}\n")
    batches += read_all(stream)
    assert data_of(batches) == b"{}\n"
    assert (sum(b.too_long for b in batches), sum(b.too_long_bytes for b in batches)) == (1, 1001)


def test_c5_a_line_of_100_megabytes_takes_no_memory_to_speak_of(log_file: LogFile, opened: Open) -> None:
    block = b"x" * (1 << 20)
    for _ in range(100):
        log_file.append(block)
    log_file.append(b"\n{}\n")
    stream = opened()
    tracemalloc.start()
    batches = read_all(stream)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data_of(batches) == b"{}\n"
    assert sum(batch.too_long for batch in batches) == 1
    assert peak_bytes < 8 << 20


def test_c6_nuls_at_the_end_are_space_reserved_and_not_lag(log_file: LogFile, opened: Open) -> None:
    stream = opened(max_line_bytes=64)
    log_file.append(b"\0" * 1000)
    written = 0
    for text in (b'{"a":1}\n', b'{"b"', b":2}\n"):
        with log_file.path.open("r+b") as out:
            out.seek(written)
            written += out.write(text)
        given = data_of(read_all(stream))
        assert given == {b'{"a":1}\n': b'{"a":1}\n', b'{"b"': b"", b":2}\n": b'{"b":2}\n'}[text]
        assert stream.unread_bytes == written - stream.offset
    assert stream.offset == written == 16


def test_c6_trimming_reserved_space_is_no_truncation(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b'{"a":1}\n' + b"\0" * 4096)
    read_all(stream)
    log_file.truncate(8)
    assert stream.read(0.0) is None
    assert stream.unread_bytes == 0


def test_c6_nuls_behind_half_a_line_wait_with_it_even_beyond_the_cap(log_file: LogFile, opened: Open) -> None:
    stream = opened(max_line_bytes=64)
    log_file.append(b'{"a"' + b"\0" * 500)
    assert read_all(stream) == []
    with log_file.path.open("r+b") as out:
        out.write(b'{"a":1}\n')
    assert data_of(read_all(stream)) == b'{"a":1}\n'


@pytest.mark.parametrize("nuls", [1, 63, 64, 65, 4096, 100_000])
def test_c7_nuls_in_front_of_a_line_are_filler(log_file: LogFile, opened: Open, nuls: int) -> None:
    log_file.append(b"\0" * nuls + b"x" * 64 + b"\n")
    batches = read_all(opened(max_line_bytes=64))
    assert data_of(batches).lstrip(b"\0") == b"x" * 64 + b"\n"
    assert sum(batch.too_long for batch in batches) == 0
    assert batches[-1].end == nuls + 65


@pytest.mark.parametrize("in_front", [b"", b"1\n", b"half a line"])
def test_c7_a_hole_of_gigabytes_costs_neither_memory_nor_time(log_file: LogFile, opened: Open, in_front: bytes) -> None:
    log_file.append(in_front)
    log_file.truncate(5 << 30)
    log_file.append(b"!\n{}\n")
    stream = opened(max_line_bytes=4096)
    batches = read_all(stream)
    is_half = not in_front.endswith(b"\n") and bool(in_front)
    assert data_of(batches).lstrip(b"\0").endswith(b"{}\n")
    assert len(batches) < 8
    assert sum(batch.too_long for batch in batches) == int(is_half)
    assert stream.offset == (5 << 30) + 5


def test_c7_nuls_and_text_in_a_line_too_long_belong_to_that_one_line(log_file: LogFile, opened: Open) -> None:
    log_file.append(b"x" * 100 + b"\0" * 300 + b"y" * 100 + b"\n{}\n")
    batches = read_all(opened(max_line_bytes=64, batch_bytes=32))
    assert data_of(batches) == b"{}\n"
    assert (sum(b.too_long for b in batches), sum(b.too_long_bytes for b in batches)) == (1, 501)


def test_c10_blank_lines_move_the_offset_as_any_line_does(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b"\n\r\n\n")
    assert data_of(read_all(stream)) == b"\n\r\n\n"
    assert stream.offset == 4


def test_b10_truncation_is_judged_by_the_open_file_not_by_its_path(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b"a long enough first line\n")
    read_all(stream)
    log_file.replace(b"{}\n")
    assert stream.read(0.0) is None
    assert stream.is_deleted


def test_a_goal_keeps_a_writer_that_never_pauses_from_holding_a_pass(log_file: LogFile, opened: Open) -> None:
    stream = opened(batch_bytes=8)
    log_file.append(b"1234567\n" * 3)
    stream.begin_pass()
    reads = 0
    while not stream.at_end:
        assert stream.read(0.0) is not None
        log_file.append(b"1234567\n" * 2)
        reads += 1
    assert reads == 3


def test_a_directory_or_a_special_file_is_refused_and_leaves_no_descriptor(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with open_descriptors() as change:
        for name in (str(tmp_path), str(tmp_path / "pipe"), "/dev/null"):
            with pytest.raises(OSError, match="not a regular file"):
                open_file(name)
    assert change == [0]


def test_a_notice_of_truncation_names_the_bytes_seen_and_not_read(log_file: LogFile, opened: Open) -> None:
    stream = opened()
    log_file.append(b'{"a":1}\n{"half"')
    read_all(stream)
    log_file.truncate(8)
    assert stream.read(0.0) == Notice("truncated", str(log_file), 7)
    assert stream.read(0.0) is None


def test_b6_a_file_cut_after_it_was_found_and_before_it_is_gone_on_with_is_a_cut_file(
    log_file: LogFile, opened: Open
) -> None:
    log_file.append(b"one\n" * 5)
    before = opened()
    read_all(before)
    checkpoint = before.checkpoint(1)
    stream = opened()
    os.truncate(log_file.path, 0)
    stream.restore(checkpoint)
    log_file.append(b"two\n")
    assert stream.checkpoint(1).head == checkpoint.head
    assert stream.read(0.0) == Notice("truncated", str(log_file), 0)
    assert stream.cut is not None
    assert (stream.cut.head, stream.cut.anchor, stream.cut.offset) == (checkpoint.head, checkpoint.anchor, 20)
    assert data_of(read_all(stream)) == b"two\n"


def test_a_file_is_read_through_again_until_its_times_are_older_than_two_seconds(
    log_file: LogFile, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems count times in steps of two seconds: until then something may have been written unseen."""
    stream = opened()
    log_file.append(b"1\n")
    now = max(log_file.path.stat().st_mtime, log_file.path.stat().st_ctime)
    real, reads = os.pread, list[int]()

    def counted(fd: int, length: int, offset: int) -> bytes:
        reads.append(length)
        return real(fd, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert isinstance(stream.read(now), Batch)
    for later, is_unchanged in ((0.5, False), (1.9, False), (2.1, True)):
        del reads[:]
        assert stream.read(now + later) is None
        assert reads
        assert stream.is_unchanged == is_unchanged
    del reads[:]
    assert (stream.read(now + 3), reads) == (None, [])
    log_file.append(b"2\n")
    assert not stream.is_unchanged
    assert isinstance(stream.read(now + 4), Batch)
