"""In what order the tests run, which of them one worker must run together, and which files need not be looked into.

In: the path of a test's file, or its id. Out: a rank, so that those that take longest come first and no worker is left
alone with one of them at the end; and a scope, all of which one worker runs: the file, so that what a module sets up is
set up once, or the test alone where there is nothing of the kind.
"""

from __future__ import annotations

import re
from pathlib import Path

from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

__all__ = ["Scheduler", "is_left_out", "rank_of"]

_TESTS = Path(__file__).parent
_FIRST = (
    "end_to_end/test_alerts.py",
    "test_repository.py",
    "end_to_end/test_sessions.py",
    "console/test_process.py",
    "grafana/test_real_prometheus.py",
    "test_runbooks.py",
    "test_wheel.py",
    "end_to_end/test_verify.py",
    "end_to_end/test_demo.py",
    "bench/test_bench.py",
    "end_to_end/test_logrotate_storm.py",
    "end_to_end/test_prometheus_agrees.py",
    "engine/tail/test_histories.py",
    "end_to_end/test_emitters_agree.py",
    "engine/state/test_commit_crash.py",
)
"""Files that take longest: a minute to ten seconds."""

_APART = frozenset(
    (
        "test_repository.py",
        "console/test_process.py",
        "end_to_end/test_demo.py",
        "end_to_end/test_emitters_agree.py",
        "end_to_end/test_logrotate_storm.py",
        "engine/state/test_commit_crash.py",
        "engine/tail/test_histories.py",
        "mutants/test_mutants.py",
        "multiprocess/test_service.py",
        "no_live/test_guard.py",
    )
)
"""Long files whose tests share nothing that is set up."""


def rank_of(path: Path, is_slow: bool) -> int:
    """Return the place of a file in the order; `is_slow`: whether a test of it is."""
    name = path.relative_to(_TESTS).as_posix() if path.is_relative_to(_TESTS) else ""
    return _FIRST.index(name) if name in _FIRST else len(_FIRST) + (not is_slow)


_MARKS_OF_FILE = re.compile(r"^pytestmark = (\[\n.*?^\]|[^\n]+)", re.M | re.S)


def is_left_out(text: str, marks: str) -> bool:
    """Whether a run of the tests that fit `marks`, as `-m` takes it, wants none of a file: it need not be imported.

    Only `not one and not another` is understood; of any other run every file is looked into.
    """
    unwanted = re.findall(r"not (\w+)", marks)
    stated = _MARKS_OF_FILE.search(text)
    if stated is None or marks != " and ".join(f"not {mark}" for mark in unwanted):
        return False
    return not set(unwanted).isdisjoint(re.findall(r"pytest\.mark\.(\w+)", stated[1]))


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives a worker the tests of a file, or one test, at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file.removeprefix("tests/") in _APART else file
