"""Evidence at earlier places: which there are, what it costs, and that states without any are taken over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporters.engine.tail.evidence import Evidence, evidence_of, places
from exporters.engine.tail.stream import Stream
from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, copytruncate, lines

offsets = st.integers(0, 1 << 40)


@given(offsets, st.integers(0, 1 << 30))
def test_a_place_that_is_dropped_never_comes_back(offset: int, more: int) -> None:
    later = {place for place in places(offset + more) if place <= offset}
    assert later <= set(places(offset))


@given(offsets)
def test_the_places_are_few_ascending_and_reach_near_the_offset(offset: int) -> None:
    found = places(offset)
    assert list(found) == sorted(set(found))
    assert len(found) <= 300
    assert offset < 16 or offset - found[-1] < 1 << 14


@given(st.integers(64, 1 << 34), st.data())
def test_a_shorter_copy_is_proved_to_an_eighth_of_what_it_lacks(offset: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(64, offset))
    last = max(place for place in places(offset) if place <= size)
    assert size - last <= max(1 << 14, (offset - size) // 4)


@pytest.mark.parametrize("batch_bytes", [100, 5000, 1 << 18])
def test_evidence_is_the_same_however_the_bytes_come(tmp_path: Path, batch_bytes: int) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(lines(range(9000), 90))
    stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, batch_bytes)
    try:
        count = 0
        while stream.read(0.0) is not None:
            count += 1
            if count % 3 == 0:
                stream.checkpoint(1)
        checkpoint = stream.checkpoint(1)
        assert checkpoint.evidence == Evidence.of_file(stream.fd, checkpoint.offset).stored(checkpoint.offset)
        assert [place for place, _ in evidence_of(checkpoint)] == list(places(checkpoint.offset))
    finally:
        stream.close()


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


def test_a_state_without_evidence_is_taken_over_and_gains_it(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(lines(range(900)))
    with monkeypatch.context() as patch:
        patch.setattr(Evidence, "stored", lambda self, offset: "")
        exporter.start().poll().kill()
    exporter.start().poll().kill()
    copytruncate(log_file.path)
    log_file.append(lines([1000]))
    exporter.start().let_rest()
    assert exporter.counted(range(900), [1000])


def test_evidence_that_was_stored_for_another_offset_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(lines(range(100)))
    stream = Stream(str(path), os.open(path, os.O_RDONLY), 1 << 20, 1 << 18)
    stream.read(0.0)
    checkpoint = stream.checkpoint(1)
    stream.close()
    assert evidence_of(replace(checkpoint, offset=20)) == []


@pytest.mark.parametrize("size", [100, 30_000, 150_000])
def test_what_was_passed_over_proves_nothing_and_what_is_before_and_behind_it_does(tmp_path: Path, size: int) -> None:
    path = tmp_path / "e.jsonl"
    before, behind = lines(range(20)), lines(range(100, 1500))
    path.write_bytes(before + bytes(size) + behind)
    stream = Stream(str(path), os.open(path, os.O_RDONLY), 2000, 5000)
    while stream.read(0.0) is not None:
        pass
    found = dict(evidence_of(stream.checkpoint(1)))
    whole = dict(
        evidence_of(
            replace(stream.checkpoint(1), evidence=Evidence.of_file(stream.fd, stream.offset).stored(stream.offset))
        )
    )
    assert found.items() <= whole.items()
    passed = range(len(before) + 64, len(before) + size + 1)
    assert {place for place in whole if place not in passed} <= found.keys()
    stream.close()
