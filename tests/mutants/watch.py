"""A pytest plugin for runs over a fault: each test has a time limit, and a failing example is not made smaller.

In: a file of JSON named by the environment, test -> seconds it takes without a fault. Out: an end with exit code 1 of a
run in which a test takes many times as long; the file, if it does not exist, is written at the end of a run.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

__all__ = ["SECONDS_FILE"]

SECONDS_FILE = "PEAK_TRADE_MUTANTS_SECONDS"
_LEAST_S = 15.0
_TIMES = 10.0
_MEMORY = 6 << 30
"""Bytes of address space a run may have: a fault may make something grow for ever."""

_taken: dict[str, float] = {}
_expected: dict[str, float] = {}


def _file() -> Path:
    return Path(os.environ[SECONDS_FILE])


def pytest_sessionstart() -> None:
    with contextlib.suppress(FileNotFoundError):
        _expected.update(json.loads(_file().read_text()))
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("unshrunk", parent=settings.default, phases=phases, database=None)
    settings.load_profile("unshrunk")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    begun = time.monotonic()
    if _expected:
        limit = max(_LEAST_S, _TIMES * _expected.get(item.nodeid, 0.0))
        faulthandler.dump_traceback_later(limit, exit=True)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        _taken[item.nodeid] = time.monotonic() - begun


def pytest_sessionfinish() -> None:
    if not _expected:
        _file().write_text(json.dumps(_taken))
