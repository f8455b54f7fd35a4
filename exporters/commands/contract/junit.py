"""JUnit XML of what became of cases, as continuous integration reads it.

In: outcomes. Out: one XML document. Characters no XML may hold are shown as their escapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

__all__ = ["Outcome", "junit_text"]

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Outcome(Struct, frozen=True):
    """What became of one case: its folder, seconds it took, what differs, or why it could not be run."""

    case: str
    seconds: float
    differences: tuple[str, ...] = ()
    problem: str = ""


def junit_text(outcomes: Sequence[Outcome], name: str) -> str:
    """Return the document: one suite, a failure for each case that differs, an error for each that cannot be run."""
    failures = sum(bool(outcome.differences) for outcome in outcomes)
    errors = sum(bool(outcome.problem) for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    numbers = f'tests="{len(outcomes)}" failures="{failures}" errors="{errors}" time="{seconds:.3f}"'
    cases = "".join(map(_case_text, outcomes))
    suite = f"<testsuite name={_attribute(name)} {numbers}>\n{cases}</testsuite>\n"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites {numbers}>\n{suite}</testsuites>\n'


def _case_text(outcome: Outcome) -> str:
    folder, _, name = outcome.case.rpartition("/")
    head = f'<testcase classname={_attribute(folder or ".")} name={_attribute(name)} time="{outcome.seconds:.3f}"'
    if outcome.problem:
        return f"{head}>\n{_element('error', outcome.problem.splitlines()[0], outcome.problem)}</testcase>\n"
    if outcome.differences:
        said = f"{len(outcome.differences)} lines differ"
        return f"{head}>\n{_element('failure', said, chr(10).join(outcome.differences))}</testcase>\n"
    return f"{head}/>\n"


def _element(tag: str, message: str, text: str) -> str:
    return f"<{tag} message={_attribute(message)}>{escape(_printable(text))}</{tag}>\n"


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    return _FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
