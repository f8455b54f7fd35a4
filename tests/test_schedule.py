"""Which files of tests a run looks into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.schedule import is_left_out

_QUICK = "not slow and not thorough"


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        ("pytestmark = pytest.mark.slow", _QUICK, True),
        ('pytestmark = [pytest.mark.needs("curl"), pytest.mark.thorough]', _QUICK, True),
        ('pytestmark = [\n    pytest.mark.needs("curl"),\n    pytest.mark.slow,\n]\n', _QUICK, True),
        ('pytestmark = pytest.mark.needs("curl")\n# pytest.mark.slow', _QUICK, False),
        ("@pytest.mark.slow\ndef test_it(): ...", _QUICK, False),
        ("pytestmark = pytest.mark.slow", "not thorough", False),
        ("pytestmark = pytest.mark.slow", "", False),
        ("pytestmark = pytest.mark.slow", "slow", False),
        ("pytestmark = pytest.mark.slow", "long or not slow", False),
    ],
)
def test_a_file_is_left_out_only_where_none_of_its_tests_is_wanted(text: str, marks: str, expected: bool) -> None:
    assert is_left_out(text, marks) is expected


@pytest.mark.slow
def test_a_run_that_leaves_files_out_runs_the_same_tests_as_one_that_looks_into_each() -> None:
    named = [_collected("-m", marks) for marks in (_QUICK, f"({_QUICK})")]
    assert named[0] == named[1]
    assert len(named[0]) > 2000


def _collected(*options: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-n", "0", "-p", "no:cacheprovider", *options]
    folder = Path(__file__).parent.parent
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if "::" in line]
