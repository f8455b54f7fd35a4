"""What proves that a file is the one that was read, however it was read (failure modes A1 to A4, B7)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail import fingerprint
from exporters.engine.tail.evidence import evidence_of
from exporters.engine.tail.fingerprint import digest, end_of_filler, open_proved, proves
from exporters.engine.tail.proof import Proof
from exporters.engine.tail.search import _last_line_end
from exporters.engine.tail.text import PlainText, is_repeated
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.restart_harness import lines
from tests.engine.support.tailing import open_descriptors

TEXT = lines(range(1000))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Return a function that writes a text into the file, and gives a descriptor on it."""
    fds: list[int] = []

    def write(text: bytes) -> int:
        (tmp_path / "e").write_bytes(text)
        fds.append(os.open(tmp_path / "e", os.O_RDONLY))
        return fds[-1]

    yield write
    for fd in fds:
        os.close(fd)


def checkpoint_of(proof: Proof, offset: int) -> Checkpoint:
    head, anchor = proof.digests()
    lengths = len(proof.head), len(proof.anchor)
    ends = (offset, offset, 0, lengths[0], head, lengths[1], anchor)
    return Checkpoint(1, "e", FileKey(1, 1), *ends, evidence=proof.evidence(offset))


@pytest.mark.parametrize("step", [1000, 4095, 4096, 4097, 9000])
def test_the_proof_is_the_same_however_the_bytes_come(opened: Callable[[bytes], int], step: int) -> None:
    fd = opened(TEXT)
    proof, offset = Proof(), 0
    while offset < len(TEXT):
        count = min(step, len(TEXT) - offset)
        proof.advance(TEXT[offset : offset + count + 50], offset, count)
        offset += count
        whole = Proof.of_file(fd, offset)
        length = min(4096, offset)
        assert (proof.head, proof.anchor) == (TEXT[:length], TEXT[offset - length : offset])
        assert (whole.head, whole.anchor) == (proof.head, proof.anchor)
        assert proof.evidence(offset) == whole.evidence(offset)
        assert proof.proves(fd, offset)
        assert proves(fd, checkpoint_of(proof, offset))


def test_a_proof_of_nothing_fits_every_file(opened: Callable[[bytes], int]) -> None:
    assert Proof().proves(opened(b"any"), 0)
    assert Proof().digests() == (digest(b""), digest(b""))


@pytest.mark.parametrize("at", [0, 4095, 70_000 - 4096, 69_999])
def test_a_byte_of_head_or_anchor_that_is_another_proves_another_file(opened: Callable[[bytes], int], at: int) -> None:
    proof = Proof.of_file(opened(TEXT), 70_000)
    found = checkpoint_of(proof, 70_000)
    for text, is_same in (
        (TEXT[:at] + b"\0" + TEXT[at + 1 :], False),
        (TEXT[:69_999], False),
        (TEXT[:70_000], True),
    ):
        fd = opened(text)
        assert (proof.proves(fd, 70_000), proves(fd, found)) == (is_same, is_same)


@pytest.mark.parametrize("before", [0, 100, 4096, 5000])
@pytest.mark.parametrize("size", [50, 10_000])
def test_filler_that_is_jumped_over_is_part_of_head_and_anchor(
    opened: Callable[[bytes], int], before: int, size: int
) -> None:
    text = TEXT[:before] + bytes(size) + TEXT
    fd = opened(text)
    proof, end = Proof(), before + size
    proof.advance(text, 0, before)
    proof.jump(fd, before, end)
    length = min(4096, end)
    assert (proof.head, proof.anchor) == (text[:length], text[end - length : end])
    assert proof.proves(fd, end)
    proof.advance(text[end:], end, 5000)
    assert (proof.head, proof.anchor) == (text[:4096], text[end + 904 : end + 5000])


def test_a_file_that_was_cut_since_its_checkpoint_was_found_fits_no_file_and_says_what_it_was(
    opened: Callable[[bytes], int],
) -> None:
    found = checkpoint_of(Proof.of_file(opened(TEXT), 50_000), 50_000)
    whole = Proof.of_checkpoint(opened(TEXT), found, is_whole=True)
    assert (whole.digests(), whole.evidence(50_000)) == ((found.head, found.anchor), found.evidence)
    assert whole.proves(opened(TEXT), 50_000)
    cut = Proof.of_checkpoint(opened(TEXT[:9000]), found, is_whole=True)
    assert (cut.digests(), cut.evidence(50_000)) == ((found.head, found.anchor), found.evidence)
    for text in (TEXT, TEXT[:9000], b""):
        assert not cut.proves(opened(text), 50_000)


def test_evidence_is_made_up_for_only_where_all_the_text_is_there(opened: Callable[[bytes], int]) -> None:
    fd = opened(TEXT)
    old = replace(checkpoint_of(Proof.of_file(fd, 50_000), 50_000), evidence="")
    for is_whole in (True, False):
        found = checkpoint_of(Proof.of_checkpoint(fd, old, is_whole), 50_000)
        assert bool(evidence_of(found)) == is_whole


def test_a_copy_of_a_proof_goes_its_own_way(opened: Callable[[bytes], int]) -> None:
    fd = opened(TEXT)
    proof = Proof.of_file(fd, 5000)
    copied = proof.copy(5000)
    copied.advance(TEXT[5000:9000], 5000, 4000)
    assert checkpoint_of(copied, 9000) == checkpoint_of(Proof.of_file(fd, 9000), 9000)
    assert checkpoint_of(proof, 5000) == checkpoint_of(Proof.of_file(fd, 5000), 5000)


@pytest.mark.parametrize("block", [1, 3, 7, 8, 1 << 20])
def test_filler_ends_at_the_first_byte_that_is_none(
    opened: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(fingerprint, "_BLOCK", block)
    for text, offset, end in (
        (b"ab\0\0\0cd\0\0", 2, 5),
        (b"ab\0\0\0cd\0\0", 4, 5),
        (b"ab\0\0\0cd\0\0", 7, None),
        (b"ab\0\0\0cd\0\0", 9, None),
        (b"\0" * 20 + b"x", 0, 20),
        (b"x", 0, 0),
        (b"", 0, None),
    ):
        assert end_of_filler(opened(text), offset) == end


@pytest.mark.parametrize("block", [1, 3, 4, 5, 1 << 16])
def test_the_last_line_ends_behind_the_last_newline(
    opened: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("exporters.engine.tail.search._BLOCK", block)
    for text, end in ((b"a\nbc\ndefg", 5), (b"a\nbc\n", 5), (b"\n", 1), (b"\nabcdefgh", 1), (b"abcdefgh", 0), (b"", 0)):
        assert _last_line_end(opened(text), len(text)) == end
        assert _last_line_end(opened(text + b"z\nz"), len(text)) == end, "what is behind the size does not count"


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        (b"1\n2\n3\n4\n", 8, False),
        (b"1\n4\n3\n4\n", 8, True),
        (b"1\n4\n3\n4\n", 6, False),
        (b"1\n2\n3\n1\n", 2, True),
        (b"1\n2\n3\n1\n", 4, False),
        (b"1\n1", 3, False),
        (b"1\n1\n1", 3, False),
        (b"1\n1\n1\n1", 3, True),
        (b"11\n1", 4, False),
        (b"", 0, False),
        (b"1\n", 0, False),
        (b"1\n" + b"x" * 4094 + b"\n1\n", 2, False),
        (b"1\n" + b"x" * 4093 + b"\n1\n", 2, True),
        (b"1\n" + b"x" * 4092 + b"\n1\n", 4097, False),
        (b"1\n" + b"x" * 4091 + b"\n1\n", 4096, True),
    ],
)
def test_a_line_is_repeated_if_it_stands_near_there_once_more(
    opened: Callable[[bytes], int], text: bytes, end: int, expected: bool
) -> None:
    assert is_repeated(PlainText(opened(text)), end) == expected


def test_a_file_is_opened_if_it_is_there_and_holds_what_was_read_of_it(
    tmp_path: Path, opened: Callable[[bytes], int]
) -> None:
    fd = opened(TEXT)
    checkpoint = checkpoint_of(Proof.of_file(fd, 500), 500)
    with open_descriptors() as change:
        found = open_proved(str(tmp_path / "e"), checkpoint)
        assert found is not None
        assert os.pread(found, 9, 0) == TEXT[:9]
        os.close(found)
        assert open_proved(str(tmp_path / "e"), replace(checkpoint, anchor="0")) is None
        assert open_proved(str(tmp_path / "gone"), checkpoint) is None
    assert change == [0]
