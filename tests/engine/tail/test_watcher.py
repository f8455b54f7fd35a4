"""Wake-ups are only a hint: without any, and whatever becomes of the watch, the counts are exact (E1, E2, E3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.engine.tail.watcher import Watcher
from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, lines, shift


def test_e1_e3_polling_alone_gives_exact_counts(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> None:
    exporter = Exporter(tmp_path, clock, log_file).start()
    for number in range(20):
        log_file.append(lines([number]))
        if number % 3 == 0:
            shift(log_file.path)
        exporter.poll(0.2)
    exporter.let_rest()
    assert exporter.counted(range(20))


@pytest.mark.parametrize("error", [OSError(24, "inotify instance limit reached"), RuntimeError("path is not text")])
def test_e2_a_watch_that_cannot_be_had_or_breaks_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tried = threading.Semaphore(0)
    woken = threading.Event()
    attempts: list[tuple[str, ...]] = []

    def watch(*folders: str, **_: object) -> Iterator[set[str]]:
        attempts.append(folders)
        tried.release()
        if len(attempts) < 3:
            raise error
        yield {"changed"}

    monkeypatch.setattr("watchfiles.watch", watch)
    monkeypatch.setattr("exporters.engine.tail.watcher._RETRY_S", 0.0)
    watcher = Watcher(lambda: [str(tmp_path)], woken.set)
    watcher.start()
    for _ in range(3):
        assert tried.acquire(timeout=10)
    assert woken.wait(10)
    watcher.stop()
    assert set(attempts) == {(str(tmp_path),)}


def test_folders_that_cannot_be_told_while_files_are_opened_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    woken = threading.Event()

    def directories() -> list[str]:
        asked.append(len(asked))
        if len(asked) == 1:
            raise RuntimeError("dictionary changed size during iteration")
        return [str(tmp_path)]

    monkeypatch.setattr("watchfiles.watch", lambda *_, **__: iter([{"changed"}]))
    monkeypatch.setattr("exporters.engine.tail.watcher._RETRY_S", 0.0)
    watcher = Watcher(directories, woken.set)
    watcher.start()
    assert woken.wait(10)
    watcher.stop()
    assert len(asked) > 1


def test_only_changes_wake_and_other_folders_are_watched_as_soon_as_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporters.engine.tail.watcher._REST_S", 0.0)
    monkeypatch.setattr("exporters.engine.tail.watcher._RETRY_S", 0.0)
    folders, woken, watched = [["b", "a"], ["a", "b"], ["c"]], list[int](), list[object]()
    ended = threading.Event()

    def watch(*given: str, **options: object) -> Iterator[set[str]]:
        watched.append((sorted(given), options["recursive"], options["force_polling"]))
        if len(watched) == 2:
            ended.set()
            assert isinstance(options["stop_event"], threading.Event)
            options["stop_event"].wait(10)
            return
        yield {"changed"}
        yield set()
        yield {"never asked for, as the folders are others"}

    def directories() -> list[str]:
        return folders.pop(0) if len(folders) > 1 else folders[0]

    monkeypatch.setattr("watchfiles.watch", watch)
    watcher = Watcher(directories, lambda: woken.append(1))
    watcher.start()
    assert ended.wait(10)
    watcher.stop()
    assert watched[:2] == [(["a", "b"], False, False), (["c"], False, False)]
    assert woken == [1]
