"""Runs a case as `--once` would, in this process, and says what differs from what was expected.

In: a case. Out: a `Verdict`, or CaseError if it cannot be run. Files are read; with `update` the expected ones of the
case are written. Nothing of the process's environment is seen, only the variables the case states.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.contract.cases import Case, CaseError
from exporters.commands.contract.samples import difference, families_of, kept_text, read_samples
from exporters.commands.once import page_of, read_once
from exporters.engine.clock import Clock, SystemClock
from exporters.engine.pipeline import Pipeline
from exporters.engine.refusals.explain import explain
from exporters.engine.tail.one_shot import OneShot
from exporters.engine.values import Batch

__all__ = ["Verdict", "page_of_case", "run_case"]


class Verdict(Struct):
    """What became of a case: the lines of its diff (none: as expected), the files renewed, how many samples agreed."""

    differences: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    samples: int = 0


class _StandingClock:
    """A clock that shows one moment."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        """Return UTC epoch seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return 0."""
        return 0.0

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Return at once."""


def run_case(case: Case, update: bool = False) -> Verdict:
    """Run a case; with `update`, what it comes to is what is expected from now on.

    Raises:
        CaseError: if it cannot be run.
    """
    contract, page = _run(case)
    before = _text_of(case.expected)
    if before is None and not update:
        raise CaseError(f"{case.expected}: there is none; look at what --update writes, and keep it if it is right")
    verdict = Verdict()
    if update:
        _renew(case.expected, kept_text(page, before or ""), verdict)
    expected = read_samples(_text_of(case.expected) or "", str(case.expected))
    verdict.samples = len(expected)
    verdict.differences = difference(expected, read_samples(page, "page"))
    listed = _text_of(case.refused)
    if listed is not None:
        found = list(_refused_lines(case, contract))
        if update:
            _renew(case.refused, "".join(f"{line}\n" for line in found), verdict)
        else:
            verdict.differences += _line_difference(listed.splitlines(), found)
    return verdict


def page_of_case(case: Case) -> str:
    """Return the page a case comes to, without what depends on the present moment.

    Raises:
        CaseError: if it cannot be run.
    """
    return _run(case)[1]


def _run(case: Case) -> tuple[Contract, str]:
    try:
        contract = load_contract(case.contract)
    except ContractError as error:
        raise CaseError(str(error)) from error
    if contract.is_recorded:
        raise CaseError(f"{case.contract}: records what sessions tell, and reads no events; a case needs events")
    engine, shot = read_once(contract, case.events, case.environment, _clock_of(case))
    for path in (*shot.missing, *shot.unreadable):
        raise CaseError(f"{path}: cannot be read; every file of events a case names has to be there")
    return contract, "".join(text for _, text in families_of(page_of(engine).decode()))


def _clock_of(case: Case) -> Clock:
    return SystemClock() if case.now is None else _StandingClock(case.now)


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: cannot be read ({error})") from error


def _renew(path: Path, text: str, verdict: Verdict) -> None:
    if _text_of(path) != text:
        path.write_text(text, encoding="utf-8", newline="\n")
        verdict.renewed.append(path.name)


def _refused_lines(case: Case, contract: Contract) -> Iterator[str]:
    """Yield file, number and reason of every refused line, with what was wrong with it."""
    pipeline, now = Pipeline(contract, case.environment), _clock_of(case).now()
    numbers: Counter[str] = Counter()
    for batch in OneShot(case.events, contract.files.max_line_bytes).drain(now, 0.0):
        name = batch.path.removeprefix(f"{case.folder}/")
        if batch.too_long:
            numbers[name] += 1
            yield f"{name}:{numbers[name]} too_long"
        for line in batch.data.split(b"\n")[:-1]:
            numbers[name] += 1
            one = Batch(batch.path, 0, len(line) + 1, line + b"\n")
            for reason in pipeline.process(one, now).refused(one):
                why = explain(contract, reason, line)
                yield f"{name}:{numbers[name]} {reason}" + (f": {why}" if why else "")


def _line_difference(expected: list[str], found: list[str]) -> list[str]:
    """Return what is listed and was not refused, and the other way round."""
    lines = [f"- {line}" for line in expected if line not in found and line.strip()]
    return lines + [f"+ {line}" for line in found if line not in expected]
