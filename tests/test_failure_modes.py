"""The table of tests/README.md: each failure mode has an outcome and tests, each test named after one is in it."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = [
    f"{group}{number}"
    for group, last in zip("ABCDE", (10, 18, 10, 13, 10), strict=True)
    for number in range(1, last + 1)
]
OUTCOMES = ("exact", "measured loss", "not applicable")

_ROW = re.compile(r"^\| ([A-E]\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.M)
_NAMED = re.compile(r"^(?:    )?def (test_(?:[a-e]\d+_)+\w+)", re.M)

TABLE = {row: (tests, outcome) for row, _, tests, outcome in _ROW.findall((TESTS / "README.md").read_text())}


def functions(path: Path) -> list[str]:
    """Return the names of a file's tests and state machines."""
    return re.findall(r"^(?:    )?(?:def )?(test_\w+|Test\w+)", path.read_text(encoding="utf-8"), re.M)


def test_the_table_has_every_failure_mode_once() -> None:
    found = [row for row, *_ in _ROW.findall((TESTS / "README.md").read_text())]
    assert found == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_every_failure_mode_has_an_outcome_and_tests_that_exist(row: str) -> None:
    tests, outcome = TABLE[row]
    assert outcome.startswith(OUTCOMES)
    named = re.findall(r"`([^`]+)::([^`]+)`", tests)
    assert named or outcome.startswith("not applicable")
    for place, pattern in named:
        assert fnmatch.filter(functions(TESTS / place), pattern), f"{place} has no {pattern}"


def test_every_test_named_after_a_failure_mode_is_in_its_row() -> None:
    left_out = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in _NAMED.findall(path.read_text(encoding="utf-8")):
            for row in re.findall(r"(?<=_)([a-e]\d+)(?=_)", re.match(r"test(_[a-e]\d+)+_", name)[0]):  # type: ignore[index]
                named = re.findall(r"`([^`]+)::([^`]+)`", TABLE[row.upper()][0])
                place = str(path.relative_to(TESTS))
                if not any(place == where and fnmatch.fnmatch(name, pattern) for where, pattern in named):
                    left_out.append(f"{row.upper()}: {place}::{name}")
    assert left_out == []
