"""Fixtures any test may use: a clock that only tests move, and an event file that misbehaves on request."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from contracts import load
from tests.budget import amount
from tests.schedule import Scheduler, is_left_out, rank_of

__all__ = ["FakeClock", "LogFile"]

# The ordinary run draws the same examples every time, so that a red run speaks of the change; `make chaos` draws anew.
# How long an example takes is the machine's affair: a busy one must fail nothing.
_IN_NO_HURRY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _IN_NO_HURRY, derandomize=True, max_examples=40)
settings.register_profile("chaos", _IN_NO_HURRY)
settings.load_profile(amount("steady", "chaos"))


_compose = load._compose
_composed: dict[bytes, tuple[bytes, Any]] = {}


def _compose_once(path: Path) -> tuple[bytes, Any]:
    """Let a text that was read before be read no more: the same few contracts are read by test after test."""
    known = _composed.get(path.read_bytes()) if os.access(path, os.R_OK) and path.is_file() else None
    data, root = known or _compose(path)
    return _composed.setdefault(data, (data, root))


load._compose = _compose_once

_ENGINE = Path(__file__).parent / "engine"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file of which this run wants no test: a third of the time before the first test of `make quick`."""
    if collection_path.suffix != ".py" or not is_left_out(collection_path.read_text(), config.getoption("markexpr")):
        return None
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, and measure coverage, if at all, of the engine's own steps only.

    Coverage doubles what a test takes, so the slow ones are left out of it.
    """
    for item in items:
        module = getattr(item, "module", None)
        if getattr(module, "amount", None) is amount or hasattr(module, "IS_LONG"):
            item.add_marker("long")
    slow = {item for item in items if item.get_closest_marker("slow")}
    files = {item.path for item in slow}
    ranks = {path: rank_of(path, path in files) for path in {item.path for item in items}}
    items.sort(key=lambda item: ranks[item.path])
    for item in items if config.pluginmanager.hasplugin("_cov") else ():
        if item in slow or not item.path.is_relative_to(_ENGINE):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler | None:
    """Let `--dist loadfile` be what `schedule` makes of it."""
    return Scheduler(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that is not here; CI has installed them all, so there it fails."""
    for program in (name for marker in item.iter_markers("needs") for name in marker.args):
        if shutil.which(program) is None:
            give_up = pytest.fail if "CI" in os.environ else pytest.skip
            give_up(f"{program} is not on PATH; CONTRIBUTING.md says what to install")


class FakeClock:
    """A clock that stands still until a test moves it; waiting moves it too."""

    def __init__(self) -> None:
        self._wall = 1_800_000_000.0
        self._monotonic = 1000.0

    def now(self) -> float:
        """Return UTC epoch seconds."""
        return self._wall

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._monotonic

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Let the seconds pass at once."""
        wake.clear()
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let seconds pass."""
        self._wall += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as an operator or NTP does; monotonic time knows nothing of it."""
        self._wall += seconds


class LogFile:
    """An event file by its path: every write opens it anew, as a writer without a long-lived descriptor does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def append(self, data: bytes) -> None:
        """Write at the end; the file is made if need be."""
        with self.path.open("ab") as out:
            out.write(data)

    def rewrite(self, data: bytes) -> None:
        """Truncate in place and write."""
        self.path.write_bytes(data)

    def replace(self, data: bytes) -> None:
        """Write a new file and rename it over this one, as editors do."""
        fresh = self.path.with_name(self.path.name + ".tmp~")
        fresh.write_bytes(data)
        fresh.replace(self.path)

    def rotate(self, name: str) -> Path:
        """Rename the file to `name` beside it."""
        return self.path.rename(self.path.with_name(name))

    def truncate(self, size: int) -> None:
        """Cut or extend the file in place."""
        os.truncate(self.path, size)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log_file(tmp_path: Path) -> LogFile:
    """An event file in a folder of its own; it does not exist yet."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return LogFile(folder / "events.jsonl")
