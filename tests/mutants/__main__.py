"""Tries a seeded sample of small faults and says which of them no test notices."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.equivalent import LISTED, find_stale, is_equivalent, read_equivalents
from tests.mutants.faults import Mutant
from tests.mutants.scope import MUTATED, find_all, scope_of
from tests.mutants.trial import BaselineError, Verdict, run_trials

ROOT = Path(__file__).parents[2]
BAR = 0.97
"""Share of the faults that are not equivalent which the tests must notice."""


def main(given: Sequence[str] | None = None) -> int:
    """Return 0 if enough faults were noticed and nothing listed as equivalent is out of date."""
    parser = argparse.ArgumentParser("python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="which samples are drawn (default: 1)")
    parser.add_argument("--number", type=int, default=300, help="how many faults are tried (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="PATH", help=f"of this file or folder (default: {MUTATED})")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time (default: %(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="ask no slow test; what survives may yet be noticed by one"
    )
    asked = parser.parse_args(given)
    found = find_all(ROOT, asked.only)
    if not found:
        parser.error(f"no fault can be put into {asked.only!r}; give a file or folder of {' or '.join(MUTATED)}")
    listed = read_equivalents()
    samples = {seed: random.Random(seed).sample(found, min(asked.number, len(found))) for seed in asked.seed}
    drawn = list(dict.fromkeys(mutant for sample in samples.values() for mutant in sample))
    tried = [mutant for mutant in drawn if not is_equivalent(mutant, listed)]
    print(f"{len(drawn)} of {len(found)} faults; {len(drawn) - len(tried)} are listed as equivalent", flush=True)
    try:
        verdicts = run_trials(ROOT, tried, scope_of, asked.workers, Progress(len(tried)).tell, asked.quick)
    except BaselineError as error:
        print(error, file=sys.stderr)
        return 2
    became = dict(zip(tried, verdicts, strict=True))
    stale = find_stale(found, [one for one in listed if any(one.file == mutant.file for mutant in found)])
    shares = []
    for seed, sample in samples.items():
        of_sample = [became[mutant] for mutant in sample if mutant in became]
        shares.append(share_of(of_sample))
        print(f"\nSeed {seed}\n{report(of_sample, sample)}")
    for one in stale:
        print(
            f"{LISTED.name}: {one.file} {one.function}: there is no such fault any longer: {one.before} -> {one.after}"
        )
    return int(min(shares) < BAR or bool(stale))


class Progress:
    """Says what became of each mutant as it is known."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._done = 0
        self._begun = time.monotonic()

    def tell(self, verdict: Verdict) -> None:
        """Say it, on one line."""
        self._done += 1
        became = f"killed by {verdict.by}" if verdict.is_killed else "SURVIVED"
        seconds = time.monotonic() - self._begun
        print(f"[{self._done}/{self._number}, {seconds:.0f} s] {verdict.mutant}\n    {became}", flush=True)


def share_of(verdicts: Sequence[Verdict]) -> float:
    """Return the share that was killed; 1 of none."""
    return sum(one.is_killed for one in verdicts) / len(verdicts) if verdicts else 1.0


def report(verdicts: Sequence[Verdict], drawn: Sequence[Mutant]) -> str:
    """Return a table by folder, then the survivors."""
    sampled = Counter(str(Path(mutant.file).parent) for mutant in drawn)
    tried = Counter(str(Path(one.mutant.file).parent) for one in verdicts)
    killed = Counter(str(Path(one.mutant.file).parent) for one in verdicts if one.is_killed)
    rows = [(folder, sampled[folder], sampled[folder] - tried[folder], killed[folder]) for folder in sorted(sampled)]
    rows.append(("all", len(drawn), len(drawn) - len(verdicts), killed.total()))
    lines = [f"{'folder':32}{'faults':>8}{'equivalent':>12}{'killed':>8}{'survived':>10}"]
    lines += [
        f"{folder:32}{number:8}{equivalent:12}{dead:8}{number - equivalent - dead:10}"
        for folder, number, equivalent, dead in rows
    ]
    lines.append(f"{share_of(verdicts):.1%} of those that are not equivalent were noticed; the bar is {BAR:.0%}")
    survivors = [str(one.mutant) for one in verdicts if not one.is_killed]
    return "\n".join([*lines, *(["", "Not noticed by any test:", *survivors] if survivors else [])])


if __name__ == "__main__":
    sys.exit(main())
