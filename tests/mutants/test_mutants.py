"""The tool itself: which faults it finds, that it sees one noticed, and one that is not."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from tests.mutants import __main__ as tool
from tests.mutants.equivalent import Equivalent, find_stale, is_equivalent, read_equivalents
from tests.mutants.faults import Mutant, find_mutants, text_of
from tests.mutants.scope import MUTATED, find_all, scope_of
from tests.mutants.trial import BaselineError, Verdict, run_trials

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]


def faults(source: str) -> list[str]:
    return [mutant.after for mutant in find_mutants("some.py", source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a is None", ["x = a is not None"]),
        ("x = a < b == c", ["x = a <= b == c", "x = a >= b == c", "x = a < b != c"]),
        ("x = a and b", ["x = a or b", "x = b", "x = a"]),
        ("x = not a", ["x = a"]),
        ("x = 3", ["x = 4", "x = 2"]),
        ("x = True", ["x = False"]),
        ("x = a + 1", ["x = a + 2", "x = a + 0"]),
        ("def f():\n    return a + b", ["return a - b"]),
        ("def f():\n    return a + 'b'", []),
        ("x = min(a, b)", ["x = max(a, b)"]),
        ("x = f(a, b)", ["x = f(b, a)"]),
        ("x = a.lstrip(b)", ["x = a.rstrip(b)"]),
        ("x = a[b:c]", ["x = a[:c]", "x = a[b:]"]),
        ("x = a if b else c", ["x = a if not b else c"]),
        ("x = [a for a in b if c]", ["x = [a for a in b if not c]"]),
        ("if a:\n    pass", ["if not a"]),
        ("while a(b):\n    pass", ["while not a(b)"]),
        ("f()", ["pass"]),
        ("a.b = c", ["pass"]),
        ("a[b] = c", ["pass"]),
        ("a += b", ["pass"]),
        ("for a in b:\n    continue", ["break"]),
        ("try:\n    pass\nexcept E:\n    return None", ["except E: raise"]),
        (
            "def f(a=1, *, b=True):\n    pass",
            ["def f(a=2, *, b=True)", "def f(a=0, *, b=True)", "def f(a=1, *, b=False)"],
        ),
        ("x = zip(a, b, strict=True)", ["x = zip(b, a, strict=True)"]),
        ('"""Text."""', []),
        ("assert a < b", []),
        ("x: list[3]", []),
        ("if TYPE_CHECKING:\n    pass", []),
        ("x = 'text'", []),
    ],
)
def test_every_kind_of_fault_is_found_and_nothing_else(source: str, expected: list[str]) -> None:
    assert faults(source) == expected


SOURCE = '''
def outer(a):
    """Text."""
    for b in a:
        if b > 1:
            continue
        try:
            yield b
        except ValueError:
            return


class Owner:
    def method(self, a=2):
        with a as b:
            match b:
                case 3 if a:
                    return b
'''


def test_a_fault_stands_in_the_text_at_its_place_and_everything_else_stays() -> None:
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in find_mutants("some.py", SOURCE):
        faulty = text_of(SOURCE, mutant).splitlines()
        gone = [line.strip() for line in plain if line not in faulty]
        come = [line.strip() for line in faulty if line not in plain]
        assert len(gone) <= 1
        assert len(come) == 1, mutant
    places = {(mutant.function, mutant.line) for mutant in find_mutants("some.py", SOURCE)}
    assert places == {
        ("outer", 5),
        ("outer", 6),
        ("outer", 8),
        ("outer", 9),
        ("Owner.method", 14),
        ("Owner.method", 17),
    }


def test_of_a_long_statement_only_the_surroundings_of_the_fault_are_shown() -> None:
    long = ", ".join(f"argument_{number}" for number in range(100))
    (mutant,) = find_mutants("some.py", f"x = [{long}, a is None, {long}]")
    before, after = str(mutant).removeprefix("some.py:1 <module>: ").split("  ->  ")
    assert (" a is None, " in before, " a is not None, " in after) == (True, True)
    assert before.startswith("...")
    assert after.endswith("...")
    assert max(len(before), len(after)) < 200


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one module and one test, with the tool beside them, as a checkout has it."""
    (tmp_path / "core.py").write_text(
        "def largest(found):\n"
        "    best = 0\n"
        "    for number in found:\n"
        "        if number > best:\n"
        "            best = number\n"
        "    return best\n"
        "\n"
        "\n"
        "def count(limit):\n"
        "    number = 0\n"
        "    while number < limit:\n"
        "        number += 1\n"
        "    return number\n"
        "\n"
        "\n"
        "LIMIT = 5\n"
        "SIZES = tuple(number + 1 for number in range(LIMIT))\n"
        "\n"
        "\n"
        "class Row:\n"
        "    def __init__(self, width=2):\n"
        "        self.cells = [number * width for number in range(LIMIT) if number > 1]\n"
    )
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_core.py").write_text(
        "from core import SIZES, Row, count, largest\n"
        "\n"
        "def test_the_largest_of_some_numbers_is_found():\n"
        "    assert largest([3, 7, 5]) == 7\n"
        "\n"
        "def test_it_counts():\n"
        "    assert count(3) == 3\n"
        "\n"
        "def test_a_row_has_cells():\n"
        "    assert Row().cells == [4, 6, 8]\n"
        "    assert SIZES[0] == 1\n"
    )
    shutil.copytree(ROOT / "tests/mutants", tmp_path / "tests/mutants", ignore=shutil.ignore_patterns("test_*"))
    return tmp_path


def planted(project: Path, *afters: str) -> list[Mutant]:
    found = find_mutants("core.py", (project / "core.py").read_text())
    return [next(mutant for mutant in found if mutant.after == after) for after in afters]


@pytest.mark.slow
def test_a_planted_fault_is_killed_one_without_effect_survives_and_the_checkout_is_not_touched(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    wanted = planted(project, "if number <= best", "if number >= best", "best = 1")
    told: list[Verdict] = []
    verdicts = run_trials(project, wanted, lambda _: ["checks"], 2, told.append)
    assert [one.is_killed for one in verdicts] == [True, False, False]
    assert verdicts[0].by == "checks/test_core.py::test_the_largest_of_some_numbers_is_found"
    assert sorted(told, key=str) == sorted(verdicts, key=str)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_fault_is_seen_wherever_it_stands_in_a_default_a_comprehension_or_outside_of_functions(project: Path) -> None:
    comprehension = "self.cells = [number * width for number in range(LIMIT) if number > 2]"
    outside = "SIZES = tuple((number + 2 for number in range(LIMIT)))"
    wanted = planted(project, "def __init__(self, width=3)", comprehension, "LIMIT = 6", outside)
    verdicts = run_trials(project, wanted, lambda _: ["checks"], 1, lambda _: None)
    assert [one.by for one in verdicts] == ["checks/test_core.py::test_a_row_has_cells"] * 4


@pytest.mark.slow
def test_a_fault_by_which_the_tests_cannot_be_loaded_is_killed(project: Path) -> None:
    (project / "checks/conftest.py").write_text("from core import LIMIT\n\nROW = [0] * 6\nROW[LIMIT]\n")
    (verdict,) = run_trials(project, planted(project, "LIMIT = 6"), lambda _: ["checks"], 1, lambda _: None)
    assert verdict.is_killed


@pytest.mark.slow
def test_a_fault_that_never_ends_is_killed_when_its_test_takes_too_long(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = project / "tests/mutants/host.py"
    host.write_text(host.read_text().replace("_LEAST_S = 15.0", "_LEAST_S = 0.5"))
    (verdict,) = run_trials(project, planted(project, "pass"), lambda _: ["checks"], 1, lambda _: None)
    assert (verdict.is_killed, verdict.by) == (True, "a run that did not end in time, or was ended")


@pytest.mark.slow
def test_tests_that_fail_without_a_fault_are_said_and_nothing_is_tried(project: Path) -> None:
    (project / "checks/test_core.py").write_text("def test_wrong():\n    assert False\n")
    with pytest.raises(BaselineError, match=r"^checks/test_core.py::test_wrong fails without any fault:"):
        run_trials(project, planted(project, "best = 1"), lambda _: ["checks"], 1, lambda _: None)


def equivalent(**given: str) -> Equivalent:
    found = {"file": "some.py", "function": "f", "before": "return 3", "reason": "Because.", **given}
    return Equivalent(**found)


def test_one_listed_speaks_of_one_fault_or_of_all_of_its_statement_and_is_stale_when_there_is_none() -> None:
    up, down = find_mutants("some.py", "def f():\n    return 3")
    whole, one, gone = equivalent(), equivalent(after="return 4"), equivalent(before="return 5")
    assert [is_equivalent(mutant, [whole]) for mutant in (up, down)] == [True, True]
    assert [is_equivalent(mutant, [one]) for mutant in (up, down)] == [True, False]
    assert find_stale([up, down], [whole, one, gone]) == [gone]


@pytest.mark.slow
def test_everything_listed_as_equivalent_is_a_fault_that_can_still_be_made_and_has_a_reason() -> None:
    listed = read_equivalents()
    found = [mutant for file in {one.file for one in listed} for mutant in find_all(ROOT, file)]
    assert find_stale(found, listed) == []
    assert [one for one in listed if len(one.reason) < 10] == []


def test_every_module_that_is_tried_has_tests_that_exist() -> None:
    files = {str(path.relative_to(ROOT)) for part in MUTATED for path in (ROOT / part).rglob("*.py")}
    assert len(files) > 80
    assert {test for file in files for test in scope_of(file) if not (ROOT / test).exists()} == set()


def test_the_table_names_the_survivors_and_the_share(capsys: pytest.CaptureFixture[str]) -> None:
    up, down = find_mutants("a/b.py", "def f():\n    return 3")
    table = tool.report([Verdict(up, is_killed=True), Verdict(down, is_killed=False)], [up, down])
    assert table.splitlines() == [
        "folder                            faults  equivalent  killed  survived",
        "a                                      2           0       1         1",
        "all                                    2           0       1         1",
        "50.0% of those that are not equivalent were noticed; the bar is 97%",
        "",
        "Not noticed by any test:",
        "a/b.py:2 f: return 3  ->  return 2",
    ]


def test_a_path_without_a_fault_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tool.main(["--only", "exporters/engine/nowhere"])
    assert "no fault can be put into 'exporters/engine/nowhere'" in capsys.readouterr().err
