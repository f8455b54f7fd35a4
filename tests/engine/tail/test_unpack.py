"""The text of packed files: all of it or damage said, and no more of it kept than is still to be read (B16)."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import lzma
import os
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail import unpack as module
from exporters.engine.tail.fingerprint import digest, file_key
from exporters.engine.tail.unpack import DamagedError, blocks_of, unpack
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.tailing import open_descriptors

pytestmark = pytest.mark.thorough

TEXT = random.Random(1).randbytes(70_000).hex().encode()
"""More than zstd makes one block of, and hard to pack."""


def zstd(text: bytes) -> bytes:
    compress: Callable[[bytes], bytes] = importlib.import_module("zstandard").compress
    return compress(text)


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
if importlib.util.find_spec("zstandard"):
    PACKERS["zst"] = zstd

packers = pytest.mark.parametrize("ending", PACKERS)


@cache
def whole(ending: str) -> bytes:
    return PACKERS[ending](TEXT)


def packed(folder: Path, data: bytes, ending: str = "gz") -> tuple[str, FileKey]:
    """Write a packed file; return its path and identity."""
    path = folder / f"e.jsonl.1.{ending}"
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    key = file_key(fd)
    os.close(fd)
    return str(path), key


@packers
def test_a_file_of_several_parts_gives_all_their_text(tmp_path: Path, ending: str) -> None:
    pack = PACKERS[ending]
    path, key = packed(tmp_path, whole(ending) + pack(b"") + pack(b"end\n"), ending)
    with open_descriptors() as change:
        blocks = list(blocks_of(path))
        assert b"".join(blocks) == TEXT + b"end\n"
        assert b"".join(blocks_of(path, key)) == TEXT + b"end\n"
    assert change == [0]
    assert max(map(len, blocks)) <= 1 << 18


@packers
@pytest.mark.parametrize("share", [0.5, 0.99])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_file_that_is_cut_off_is_damaged_and_not_short(tmp_path: Path, ending: str, share: float, parts: int) -> None:
    data = whole(ending)
    path, key = packed(tmp_path, data * (parts - 1) + data[: int(len(data) * share)], ending)
    with open_descriptors() as change:
        with pytest.raises(DamagedError):
            list(blocks_of(path))
        assert unpack(path, None, key, 0) is None
    assert change == [0]


@packers
def test_a_file_that_is_not_what_its_name_says_or_not_there_is_damaged(tmp_path: Path, ending: str) -> None:
    path, key = packed(tmp_path, b"plain text\n" * 99, ending)
    with pytest.raises(DamagedError):
        list(blocks_of(path))
    with pytest.raises(DamagedError, match="it is not there any more"):
        list(blocks_of(path, replace_ino(key)))
    os.unlink(path)
    with pytest.raises(DamagedError):
        list(blocks_of(path))


def replace_ino(key: FileKey) -> FileKey:
    return FileKey(key.dev, key.ino + 1, key.generation)


def test_a_packer_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module._MODULES, ".gz", "no_such_packer")
    path, _ = packed(tmp_path, whole("gz"))
    with pytest.raises(DamagedError, match=r"^no_such_packer is not installed$"):
        list(blocks_of(path))


def checkpoint_at(offset: int, text: bytes = TEXT) -> Checkpoint:
    """Return the checkpoint of a file of which so many bytes were read."""
    length = min(4096, offset)
    head, anchor = digest(text[:length]), digest(text[offset - length : offset])
    return Checkpoint(1, "e.jsonl", FileKey(1, 1), offset, offset, 0, length, head, length, anchor)


@pytest.mark.parametrize("offset", [0, 1, 100, 4095, 4096, 4097, 8192, 10_000, 100_000, len(TEXT) - 1, len(TEXT)])
@pytest.mark.parametrize("block", [977, 4096, 1 << 20])
def test_of_what_was_read_before_only_head_and_anchor_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int, block: int
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    path, key = packed(tmp_path, gzip.compress(TEXT, 0))
    fd = unpack(path, checkpoint_at(offset), key, 1_000_000_007)
    assert fd is not None
    found = os.pread(fd, len(TEXT) + 1, 0)
    length = min(4096, offset)
    assert (len(found), os.fstat(fd).st_mtime_ns) == (len(TEXT), 1_000_000_007)
    assert (found[:length], found[offset - length :]) == (TEXT[:length], TEXT[offset - length :])
    assert not found[length : offset - length].strip(b"\0")
    os.close(fd)


def test_without_a_checkpoint_all_of_the_text_is_there(tmp_path: Path) -> None:
    path, key = packed(tmp_path, whole("gz"))
    fd = unpack(path, None, key, 0)
    assert fd is not None
    assert os.pread(fd, len(TEXT) + 1, 0) == TEXT
    os.close(fd)


@pytest.mark.parametrize("block", [977, 1 << 20])
@pytest.mark.parametrize("offset", [4000, 50_000])
def test_text_that_begins_or_ends_otherwise_or_is_too_short_is_another_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int, block: int
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    wanted = checkpoint_at(offset)
    others = (b"x" + TEXT[1:], TEXT[: offset - 1] + b"x" + TEXT[offset:], TEXT[: offset - 1], TEXT[:100], b"")
    with open_descriptors() as change:
        for text in others:
            path, key = packed(tmp_path, gzip.compress(text, 0))
            assert unpack(path, wanted, key, 0) is None
        path, key = packed(tmp_path, whole("gz"))
        assert unpack(path, replace(wanted, head=digest(b"other")), key, 0) is None
        assert unpack(path, wanted, replace_ino(key), 0) is None
        fd = unpack(path, wanted, key, 0)
        assert fd is not None
        os.close(fd)
    assert change == [0]
