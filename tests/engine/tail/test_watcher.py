"""Wake-ups are only a hint: without any, and whatever becomes of the watch, the counts are exact (E1, E2, E3)."""

from __future__ import annotations

import threading
import time
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
        assert options["yield_on_timeout"], "the folders are looked at now and then"
        assert options["ignore_permission_denied"]
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


class Patience(threading.Event):
    """Is set once it has been waited for three times; notes how long each time."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if len(self.waits) == 3:
            self.set()
        return self.is_set()


@pytest.mark.parametrize("error", [None, OSError(13, "permission denied")])
def test_where_nothing_can_be_watched_it_is_tried_again_every_five_seconds(error: OSError | None) -> None:
    def directories() -> list[str]:
        if error is not None:
            raise error
        return []

    watcher = Watcher(directories, lambda: None)
    watcher._stop = patience = Patience()
    watcher._run()
    assert patience.waits == [5.0, 5.0, 5.0]


def test_after_a_wake_up_it_rests_and_the_same_watch_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    watches, woken = list[int](), list[int]()

    def watch(*_: str, **__: object) -> Iterator[set[str]]:
        watches.append(1)
        yield from [set(), {"a"}, {"b"}, set(), {"c"}]

    monkeypatch.setattr("watchfiles.watch", watch)
    watcher = Watcher(lambda: ["a"], lambda: woken.append(1))
    watcher._stop = patience = Patience()
    watcher._run()
    assert (len(watches), len(woken), patience.waits) == (1, 3, [0.05, 0.05, 0.05])


def test_it_has_ended_when_it_is_stopped_and_holds_no_process_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = threading.Event()

    def watch(*_: str, **options: object) -> Iterator[set[str]]:
        assert isinstance(options["stop_event"], threading.Event)
        ready.set()
        options["stop_event"].wait(10)
        time.sleep(0.1)
        yield set()

    monkeypatch.setattr("watchfiles.watch", watch)
    watcher = Watcher(lambda: ["a"], lambda: None)
    watcher.start()
    assert ready.wait(10)
    assert watcher._thread.daemon
    watcher.stop()
    assert not watcher._thread.is_alive()
