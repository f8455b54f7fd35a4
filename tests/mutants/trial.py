"""Puts faults into a copy of the project and sees whether a test notices. The checkout is never touched.

In: mutants. Out: what became of each. Each worker has a copy of its own; a fault is written there, the tests of its
scope run, the quickest first, up to the first that fails, and the file is put back.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.mutants.faults import Mutant, text_of
from tests.mutants.watch import SECONDS_FILE

__all__ = ["BaselineError", "Scope", "Verdict", "run_trials"]

Scope = Callable[[str], Sequence[str]]
"""File of a mutant -> the tests that matter for it, files or folders; those that should notice first."""

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".peaktrade", ".ops_local"
)
_OVERALL_S = 600.0
"""Longest time one run may take; endless loops in tests end long before, see watch."""


class BaselineError(Exception):
    """The tests fail without any fault; the message is what they say."""


class Verdict(NamedTuple):
    """What became of a mutant: `killed` by the test (or why else the run ended), or it survived."""

    mutant: Mutant
    is_killed: bool
    by: str = ""


class _Copy:
    """A copy of the project that one worker uses."""

    def __init__(self, root: Path, folder: Path, seconds: Path) -> None:
        self.root = folder / "project"
        self._seconds = seconds
        self._temporary = folder / "temporary"
        shutil.copytree(root, self.root, ignore=_LEFT_OUT, symlinks=True)

    def test(self, tests: Sequence[str], *more: str, keeps_bytecode: bool = False) -> tuple[int, str]:
        """Run tests; return the exit code and what was said, 1 if it took too long."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)
        command = [sys.executable, "-m", "pytest", "-x", "-p", "tests.mutants.watch", "-p", "no:cacheprovider"]
        command += ["--no-header", "--tb=no", "-rfE", f"--basetemp={self._temporary}/pytest", *more, *tests]
        told = {"PYTHONPATH": str(self.root), SECONDS_FILE: str(self._seconds), "TMPDIR": str(self._temporary)}
        told["PYTHONDONTWRITEBYTECODE"] = "" if keeps_bytecode else "1"
        with subprocess.Popen(
            command,
            cwd=self.root,
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                said = process.communicate(timeout=_OVERALL_S)[0]
            except subprocess.TimeoutExpired:
                return 1, "took too long"
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, said

    @contextlib.contextmanager
    def holding(self, mutant: Mutant) -> Iterator[None]:
        """Have the fault in the copy."""
        path = self.root / mutant.file
        text, times = path.read_text(encoding="utf-8"), path.stat()
        try:
            path.write_text(text_of(text, mutant), encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 10**10))  # no stored bytecode fits it
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def run_trials(
    root: Path, mutants: Sequence[Mutant], scope: Scope, workers: int, told: Callable[[Verdict], None]
) -> list[Verdict]:
    """Try every mutant, and return what became of it, in their order; `told` hears of each when it is known.

    Raises:
        BaselineError: if a test fails without a fault.
    """
    with TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        seconds = Path(folder) / "seconds.json"
        copies: SimpleQueue[_Copy] = SimpleQueue()
        for number in range(workers):
            copies.put(_Copy(root, Path(folder) / str(number), seconds))
        taken = _baseline(copies, scope, mutants, seconds)

        def tried(mutant: Mutant) -> Verdict:
            one = copies.get()
            try:
                with one.holding(mutant):
                    verdict = _verdict(mutant, *one.test(_ordered(scope(mutant.file), mutant.file, taken)))
            finally:
                copies.put(one)
            told(verdict)
            return verdict

        return list(pool.map(tried, mutants))


def _baseline(
    copies: SimpleQueue[_Copy], scope: Scope, mutants: Sequence[Mutant], seconds: Path
) -> Mapping[str, Mapping[str, float]]:
    """Run all tests once in a copy without a fault; return test file -> test -> seconds."""
    one = copies.get()
    tests = sorted({test for mutant in mutants for test in scope(mutant.file)})
    code, said = one.test([test for test in tests if not _is_within(test, tests)], keeps_bytecode=True)
    copies.put(one)
    if code:
        raise BaselineError(f"the tests fail without any fault (exit code {code}):\n{said}")
    found: dict[str, dict[str, float]] = {}
    for test, taken in json.loads(seconds.read_text()).items():
        found.setdefault(test.partition("::")[0], {})[test] = taken
    return found


def _is_within(test: str, tests: Sequence[str]) -> bool:
    return any(test.startswith(f"{other}/") for other in tests)


def _ordered(scope: Sequence[str], file: str, taken: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the test files of a scope: part by part, those named after the module first, then the quickest."""
    stem = Path(file).stem
    ordered: list[str] = []
    for part in scope:
        inside = [test for test in taken if test == part or test.startswith(f"{part}/")]
        ranked = sorted(inside, key=lambda test: (stem not in Path(test).stem, sum(taken[test].values()), test))
        ordered += [test for test in ranked if test not in ordered]
    return ordered


def _verdict(mutant: Mutant, code: int, said: str) -> Verdict:
    """Judge a run by its exit code: of pytest, of a time limit (1), or of a signal (negative)."""
    if code == 0:
        return Verdict(mutant, is_killed=False)
    if code in (4, 5):
        raise BaselineError(f"{mutant}: no test was run (exit code {code}):\n{said}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return Verdict(mutant, is_killed=True, by=failed[1] if failed else "a run that did not end in time or was ended")
