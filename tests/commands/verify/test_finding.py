"""Checks, findings, and asking again."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.commands.verify.client import NoAnswerError
from exporters.commands.verify.finding import Check, Finding, Level, fail, passed, run_all


def check(name: str, *answers: bool) -> tuple[Check, list[int]]:
    """Return a check that gives these answers in turn, and a list that grows with every question."""
    left, asked = list(answers), [0]

    def ask() -> Iterator[Finding]:
        asked[0] += 1
        yield passed(name, "fine") if left.pop(0) else fail(name, "bad", "mend it")

    return Check(name, ask, "start it"), asked


def test_a_finding_is_one_line_whatever_the_message_holds() -> None:
    assert str(passed("up", "all\nis  well")) == "PASS|up|all is well"


def test_only_a_failure_is_no_pass() -> None:
    levels: tuple[Level, ...] = ("PASS", "WARN", "INFO", "FAIL")
    assert [Finding(level, "x", "y").passed for level in levels] == [True, True, True, False]


def test_no_answer_is_a_failure_with_the_remedy_of_the_check() -> None:
    def ask() -> Iterator[Finding]:
        yield passed("site", "half an answer")
        raise NoAnswerError("http://here: connection refused")

    assert Check("site", ask, "start it").run() == [fail("site", "http://here: connection refused", "start it")]


def test_only_what_fails_is_asked_again_and_only_until_it_passes() -> None:
    (good, asked_good), (slow, asked_slow), (bad, asked_bad) = (
        check("good", True),
        check("slow", False, True),
        check("bad", False, False, False, False),
    )
    pauses: list[tuple[int, int]] = []
    found = run_all([good, slow, bad], 3, lambda number, failing: pauses.append((number, failing)))
    assert [str(finding) for finding in found] == ["PASS|good|fine", "PASS|slow|fine", "FAIL|bad|bad"]
    assert (asked_good, asked_slow, asked_bad) == ([1], [2], [4])
    assert pauses == [(1, 2), (2, 1), (3, 1)]


def test_nothing_waits_when_everything_passes_or_no_retry_is_wanted() -> None:
    pauses: list[tuple[int, int]] = []
    run_all([check("good", True)[0]], 5, lambda *numbers: pauses.append(numbers))
    run_all([check("bad", False)[0]], 0, lambda *numbers: pauses.append(numbers))
    assert pauses == []
