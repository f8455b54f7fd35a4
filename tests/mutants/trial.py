"""Puts faults into a copy of the project and sees whether a test notices. The checkout is never touched.

In: mutants. Out: what became of each. Each worker has a copy of its own, and a process that has collected the tests
there (see host). First every test that is not slow is run once without a fault, to know how long it takes and which
functions it runs. Then, for each fault: the tests that run its function, the quickest first, those that start
processes, and the slow ones of its scope; up to the first that fails.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.mutants.faults import Mutant, text_of
from tests.mutants.host import LIMIT, PIPES, Answer, Measure, Measured, Ready, Try

__all__ = ["BaselineError", "Scope", "Verdict", "run_trials"]

Scope = Callable[[str], Sequence[str]]
"""File of a mutant -> the tests that matter for it, files or folders."""

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".peaktrade", ".ops_local"
)
_PYTEST = ("-m", "pytest", "-x", "-s", "-p", "tests.mutants.host", "-p", "no:cacheprovider", "-p", "no:faulthandler")
_OVERALL_S = 900.0
"""Longest time a run in a process of its own may take."""


class BaselineError(Exception):
    """The tests fail without any fault; the message is what they say."""


class Verdict(NamedTuple):
    """What became of a mutant: killed by a test (or why else the run ended), or not."""

    mutant: Mutant
    is_killed: bool
    by: str = ""


class _Worker:
    """A copy of the project, and a process that has collected its tests."""

    def __init__(self, root: Path, folder: Path, tests: Sequence[str]) -> None:
        self.root = folder / "project"
        self._temporary = folder / "temporary"
        self._temporary.mkdir(parents=True)
        shutil.copytree(root, self.root, ignore=_LEFT_OUT, symlinks=True)
        asked, asking = os.pipe()
        answered, answering = os.pipe()
        self._process = self._started(tests, (asked, answering), **{PIPES: f"{asked} {answering}"})
        os.close(asked)
        os.close(answering)
        self._requests, self._answers = os.fdopen(asking, "wb"), os.fdopen(answered, "rb")

    def ready(self) -> Ready:
        """Wait until the tests have been collected.

        Raises:
            BaselineError: if they cannot be.
        """
        return self._answer()  # type: ignore[no-any-return]

    def ask(self, request: Measure | Try) -> Answer:
        """Have tests run in a fork of the process."""
        pickle.dump(request, self._requests)
        self._requests.flush()
        return self._answer()  # type: ignore[no-any-return]

    def run(self, files: Sequence[str], mark: str, seconds: float) -> Answer:
        """Run tests with these marks in a process of its own, each for so many seconds at most."""
        with self._started(
            ["-m", mark, *files], (), **{LIMIT: str(seconds), "PYTHONDONTWRITEBYTECODE": "1"}
        ) as process:
            try:
                said = process.communicate(timeout=_OVERALL_S)[0]
            except subprocess.TimeoutExpired:
                said = ""
            finally:
                _end(process)
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
        if process.returncode == 4 and "while loading conftest" not in said:  # which imports what has the fault
            raise BaselineError(f"no test was run (exit code {process.returncode}):\n{said}")
        reason = failed[1] if failed else "a run that did not end in time, or was ended"
        return Answer(failed=reason if process.returncode not in (0, 5) else "", text=said)

    @contextlib.contextmanager
    def holding(self, file: str, text: str) -> Iterator[None]:
        """Have a file hold another text, for processes that tests start."""
        path = self.root / file
        plain, times = path.read_text(encoding="utf-8"), path.stat()
        try:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 10**10))  # no stored bytecode fits it
            yield
        finally:
            path.write_text(plain, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def close(self) -> None:
        """End the process."""
        self._requests.close()
        self._answers.close()
        _end(self._process)
        self._process.communicate()

    def _answer(self) -> Any:
        try:
            return pickle.load(self._answers)
        except EOFError as error:
            raise BaselineError(f"the tests cannot be run:\n{self._process.communicate()[0]}") from error

    def _started(self, tests: Sequence[str], pipes: Sequence[int], **told: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *_PYTEST, "--tb=short", "-rfE", f"--basetemp={self._temporary}/pytest", *tests],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "TMPDIR": str(self._temporary), **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=pipes,
        )


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_trials(
    root: Path,
    mutants: Sequence[Mutant],
    scope: Scope,
    workers: int,
    told: Callable[[Verdict], None],
    is_quick: bool = False,
) -> list[Verdict]:
    """Try every mutant, and return what became of it, in their order; `told` hears of each when it is known.

    Args:
        is_quick: whether slow tests are left out.

    Raises:
        BaselineError: if a test fails without a fault.
    """
    tests = sorted({test for mutant in mutants for test in scope(mutant.file)})
    tests = [test for test in tests if not any(test.startswith(f"{other}/") for other in tests)]
    with TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        crew = [_Worker(root, Path(folder, str(number)), tests) for number in range(workers)]
        try:
            trials = _Trials(crew, scope, pool, is_quick)
            idle: SimpleQueue[_Worker] = SimpleQueue()
            for worker in crew:
                idle.put(worker)

            def tried(mutant: Mutant) -> Verdict:
                worker = idle.get()
                try:
                    verdict = trials.judge(worker, mutant)
                finally:
                    idle.put(worker)
                told(verdict)
                return verdict

            return list(pool.map(tried, mutants))
        finally:
            for worker in crew:
                worker.close()


class _Trials:
    """What is known of the tests without a fault, and how a mutant is judged by them."""

    def __init__(self, crew: Sequence[_Worker], scope: Scope, pool: ThreadPoolExecutor, is_quick: bool) -> None:
        self._scope = scope
        *_, ready = [worker.ready() for worker in crew]
        self._slow = [] if is_quick else ready.slow
        self._collected = ready.places
        files = list(dict.fromkeys(map(_file_of, ready.tests)))
        shares = [set(files[number :: len(crew)]) for number in range(len(crew))]
        requests = [Measure([test for test in ready.tests if _file_of(test) in share]) for share in shares]
        self._measured: dict[str, Measured] = {}
        for answer in pool.map(_Worker.ask, crew, requests):
            if answer.failed:
                raise BaselineError(f"{answer.failed} fails without any fault:\n{answer.text}")
            self._measured.update(answer.measured or {})

    def judge(self, worker: _Worker, mutant: Mutant) -> Verdict:
        """Say whether a test notices a fault."""
        plain = (worker.root / mutant.file).read_text(encoding="utf-8")
        text = text_of(plain, mutant)
        tests, slow = self._quick_tests(mutant), self._within_scope(mutant, self._slow)
        seconds = {test: self._measured[test].seconds for test in tests}
        answer = Answer(is_patched=False)
        with worker.holding(mutant.file, text):
            for chosen in (tests, slow):
                if chosen and not answer.failed:
                    answer = worker.ask(Try(mutant.file, plain, text, chosen, seconds))
            if not answer.failed and (not answer.is_patched or (mutant.file, mutant.function) in self._collected):
                limit = 15.0 + 10 * max(seconds.values(), default=0.0)
                for files, mark, most in ((tests, "not slow", limit), (slow, "slow", 150.0)):
                    if files and not answer.failed:
                        answer = worker.run(list(dict.fromkeys(map(_file_of, files))), mark, most)
        return Verdict(mutant, bool(answer.failed), answer.failed)

    def _quick_tests(self, mutant: Mutant) -> list[str]:
        """Return the measured tests of the scope that may notice, those that run the function first."""
        place = (mutant.file, mutant.function)
        found = self._within_scope(mutant, self._measured)
        is_run = {test: place in self._measured[test].places for test in found}
        wanted = [test for test in found if is_run[test] or self._measured[test].starts_processes]
        ranked = sorted(wanted, key=lambda test: (not is_run[test], self._cost(test)))
        return ranked if any(is_run.values()) else sorted(found, key=self._cost)

    def _cost(self, test: str) -> float:
        """Return what it costs to ask a test, those that run few functions being worth more."""
        return self._measured[test].seconds * (20 + len(self._measured[test].places))

    def _within_scope(self, mutant: Mutant, tests: Iterable[str]) -> list[str]:
        parts = [f"{part}/" for part in self._scope(mutant.file)]
        return [test for test in tests if any(f"{_file_of(test)}/".startswith(part) for part in parts)]


def _file_of(test: str) -> str:
    return test.partition("::")[0]
