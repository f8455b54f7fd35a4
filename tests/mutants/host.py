"""A pytest plugin that collects the tests once and then runs some of them again and again, each time over a fault.

In: requests on one pipe, `Measure` or `Try`. Out: an `Answer` to each on another. Every run is a fork of the process
that has collected the tests, so nothing is imported anew: the functions that a fault changes get their code replaced.
Where that cannot be done (a fault outside of functions), the answer says so, and the tests are run in a new process, in
which this plugin only sets limits.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import inspect
import os
import pickle
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings

__all__ = ["LIMIT", "PIPES", "Answer", "Measure", "Measured", "Ready", "Try"]

PIPES = "PEAK_TRADE_MUTANTS_PIPES"
"""The environment variable that holds the numbers of two pipes, requests and answers, of a process that is asked."""

LIMIT = "PEAK_TRADE_MUTANTS_LIMIT"
"""The environment variable that holds the seconds each test may take, of a process that is not asked."""

_LEAST_S = 15.0
_TIMES = 10.0
_SLOW_S = 12.0
_MEMORY = 6 << 30
"""Bytes of address space a run may have: a fault may make something grow for ever."""

Place = tuple[str, str]
"""File (relative to the project) and function."""


class Measure(NamedTuple):
    """Run these tests without a fault."""

    tests: Sequence[str]


class Try(NamedTuple):
    """Run these tests, up to the first that fails, with `text` for the file, whose text is `plain`.

    `seconds` are what each test takes without the fault, as far as known; it may take many times as long.
    """

    file: str
    plain: str
    text: str
    tests: Sequence[str]
    seconds: Mapping[str, float]


class Measured(NamedTuple):
    """What a test takes, what it runs, and whether it starts processes, which run nobody knows what."""

    seconds: float
    places: frozenset[Place]
    starts_processes: bool


class Ready(NamedTuple):
    """The tests that were collected, those marked slow apart, and what was run to collect them."""

    tests: Sequence[str]
    slow: Sequence[str]
    places: frozenset[Place]


class Answer(NamedTuple):
    """How a run ended: the test that failed, with what it said, or why else it ended early; and what was measured.

    `is_patched` is false, and nothing was run, if the fault is not within functions.
    """

    failed: str = ""
    text: str = ""
    is_patched: bool = True
    measured: Mapping[str, Measured] | None = None


class _Trace:
    """Notes which functions of the project are run."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._places: dict[int, tuple[CodeType, Place | None]] = {}
        self.seen: set[Place] = set()

    def start(self) -> None:
        """Begin anew."""
        self.seen = set()
        threading.settrace(self._called)
        sys.settrace(self._called)

    @staticmethod
    def stop() -> None:
        """Note no more."""
        sys.settrace(None)
        threading.settrace(None)

    def _called(self, frame: FrameType, _event: str, _value: object) -> None:
        code = frame.f_code
        known = self._places.get(id(code))
        if known is None:
            known = self._places[id(code)] = code, _place_of(code, self._root)
        if known[1] is not None:
            self.seen.add(known[1])


def _place_of(code: CodeType, root: str) -> Place | None:
    if not code.co_filename.startswith(root):
        return None
    names = [name for name in code.co_qualname.split(".") if not name.startswith("<")]
    return code.co_filename.removeprefix(root), ".".join(names)


_trace = _Trace(Path.cwd())
if PIPES in os.environ:
    _trace.start()


def pytest_sessionstart() -> None:
    phases = [Phase.explicit, Phase.generate]  # a failing example is not made smaller
    settings.register_profile("unshrunk", parent=settings.default, phases=phases, database=None, deadline=None)
    settings.load_profile("unshrunk")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """End a process that is not asked if a test takes too long."""
    if LIMIT in os.environ:
        faulthandler.dump_traceback_later(float(os.environ[LIMIT]), exit=True)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later() if LIMIT in os.environ else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Answer requests until there are no more."""
    if PIPES not in os.environ or session.testsfailed:
        return None
    _trace.stop()
    functions = _functions_below(f"{Path.cwd()}/")
    gc.freeze()  # what was imported is not looked through again by every fork, which would copy it
    numbers = [int(number) for number in os.environ.pop(PIPES).split()]
    requests, answers = os.fdopen(numbers[0], "rb"), os.fdopen(numbers[1], "wb")
    items = {item.nodeid: item for item in session.items}
    with requests, answers:
        slow = [name for name, item in items.items() if item.get_closest_marker("slow")]
        _send(answers, Ready([name for name in items if name not in set(slow)], slow, frozenset(_trace.seen)))
        while True:
            try:
                request = pickle.load(requests)
            except EOFError:
                return True
            _send(answers, _in_child(request, items, functions))


def _send(pipe: Any, message: object) -> None:
    pickle.dump(message, pipe)
    pipe.flush()


def _functions_below(root: str) -> dict[str, list[FunctionType]]:
    """Return the functions of the project that exist, by their file."""
    found: dict[str, list[FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(root):
            found.setdefault(one.__code__.co_filename, []).append(one)
    return found


def _in_child(
    request: Measure | Try, items: Mapping[str, pytest.Item], functions: Mapping[str, Sequence[FunctionType]]
) -> Answer:
    """Answer a request in a fork, which ends with all it has started."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            _become_quiet()
            chosen = [items[test] for test in request.tests]
            answer = _measure(chosen) if isinstance(request, Measure) else _try(request, chosen, functions)
            with os.fdopen(writing, "wb") as pipe:
                _send(pipe, answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, 9)
    return pickle.loads(said) if said else Answer(failed="a run that did not end in time, or was ended")


def _become_quiet() -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)


class _Reports:
    """The first report of a failure."""

    def __init__(self) -> None:
        self.failed = ""
        self.text = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed, self.text = report.nodeid, report.longreprtext


def _run(items: Sequence[pytest.Item], reports: _Reports) -> Iterator[pytest.Item]:
    """Run the tests one by one, up to the first that fails, and yield each that has run."""
    if not items:
        return
    items[0].config.pluginmanager.register(reports)
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        yield item
        if reports.failed:
            return


def _measure(items: Sequence[pytest.Item]) -> Answer:
    reports, measured = _Reports(), dict[str, Measured]()
    started = [0]
    start = subprocess.Popen.__init__

    def counting(*given: Any, **more: Any) -> None:
        started[0] += 1
        start(*given, **more)

    subprocess.Popen.__init__ = counting  # type: ignore[method-assign]
    begun, before = time.monotonic(), 0
    _trace.start()
    for item in _run(items, reports):
        seconds = time.monotonic() - begun
        measured[item.nodeid] = Measured(seconds, frozenset(_trace.seen), started[0] > before)
        begun, before = time.monotonic(), started[0]
        _trace.start()
    _trace.stop()
    return Answer(reports.failed, reports.text, measured=measured)


def _try(request: Try, items: Sequence[pytest.Item], functions: Mapping[str, Sequence[FunctionType]]) -> Answer:
    file = str(Path.cwd() / request.file)
    if not _patch(functions.get(file, ()), file, request.plain, request.text):
        return Answer(is_patched=False)
    reports, limits = _Reports(), [max(_LEAST_S, _TIMES * request.seconds.get(item.nodeid, _SLOW_S)) for item in items]
    faulthandler.dump_traceback_later(_LEAST_S + sum(limits[:1]), exit=True, file=2)
    for _, limit in zip(_run(items, reports), [*limits[1:], _LEAST_S], strict=False):
        faulthandler.dump_traceback_later(limit, exit=True, file=2)
    faulthandler.cancel_dump_traceback_later()
    return Answer(reports.failed, reports.text)


def _patch(functions: Sequence[FunctionType], file: str, plain: str, text: str) -> bool:
    """Give the functions of a module, made of `plain`, the code they have in `text`; say whether that is all of it."""
    old, new = (compile(each, file, "exec", dont_inherit=True) for each in (plain, text))
    changed = dict(_changes(old, new))
    if not all(_is_function(code) for code in changed):
        return False
    wanted = {_identity(code): other for code, other in changed.items()}
    is_all = bool(wanted)
    for function in functions:
        if _identity(function.__code__) in wanted:
            try:
                function.__code__ = wanted[_identity(function.__code__)]
            except ValueError:  # it has another number of free variables
                is_all = False
    return is_all


def _identity(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _is_function(code: CodeType) -> bool:
    """Whether it is the code of a function, not that of a module or of a class."""
    return bool(code.co_flags & inspect.CO_NEWLOCALS)


def _changes(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield every piece of code that is another one, and what makes it when it runs: the functions around it.

    Of a comprehension or lambda that is whatever is around, as nobody may have the function that it was.
    """
    is_changed = _content(old) != _content(new)
    for one, other in zip(_inner(old), _inner(new), strict=False):
        inner = list(_changes(one, other))
        is_changed |= bool(inner) and (_is_function(old) or one.co_name.startswith("<"))
        yield from inner
    if is_changed:
        yield old, new


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _content(code: CodeType) -> tuple[object, ...]:
    """Return what a piece of code does, wherever it stands, but for the code within it."""
    constants = [repr(one) for one in code.co_consts if not isinstance(one, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags
