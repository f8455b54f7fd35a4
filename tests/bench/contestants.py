"""Who takes part: our `--once`, mtail, the script everybody writes, and the bare decoder as the limit.

In: a scenario and the path or glob of its files. Out: a command line that prints totals, or why there is none. Every
contestant counts the same metrics over the same files; only the decoder merely says how many events there are.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONTESTANTS", "DECODE_ONLY", "MTAIL", "OURS", "PER_EVENT", "Contestant", "program_of"]

HERE = Path(__file__).parent
_PROGRAMS = {"b": "mixed", "f": "runs", "g": "pairs"}


def program_of(scenario: str) -> str:
    """Return what is counted in a scenario: the stem of its contract, and the contestants' name for it."""
    return _PROGRAMS.get(scenario, "ledger")


def _never(scenario: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One program.

    Attributes:
        command: (scenario, path or glob) -> command line.
        why_not: scenario -> why it cannot take part; empty if it can.
        counts_all: whether it counts every metric, so that one it does not print is 0.
        is_quick: whether a run takes about a second, so that there can be many.
    """

    name: str
    what: str
    command: Callable[[str, str], list[str]]
    why_not: Callable[[str], str] = _never
    counts_all: bool = True
    is_quick: bool = False


def _ours(scenario: str, pattern: str) -> list[str]:
    peaktrade = str(Path(sys.executable).with_name("peaktrade"))
    return [peaktrade, "export", "--contract", str(HERE / f"{program_of(scenario)}.yaml"), "--once", "--file", pattern]


def _mtail(scenario: str, pattern: str) -> list[str]:
    program = str(HERE / f"{program_of(scenario)}.mtail")
    once = ["-one_shot", "-one_shot_format", "prometheus"]
    nowhere = [
        "-address",
        "127.0.0.1",
        "-port",
        "0",
    ]  # it listens even then, by default on 3903: two at once would fail
    return ["mtail", *once, *nowhere, "-progs", program, "-logs", pattern]


def _mtail_why_not(scenario: str) -> str:
    if not (HERE / f"{program_of(scenario)}.mtail").exists():
        return "it cannot join two events by id"
    return "" if shutil.which("mtail") else "it is not installed (on Debian: apt-get install mtail)"


def _script(name: str) -> Callable[[str, str], list[str]]:
    return lambda scenario, pattern: [sys.executable, str(HERE / name), program_of(scenario), pattern]


OURS = Contestant("ours", "peaktrade export --once", _ours, is_quick=True)
MTAIL = Contestant("mtail", "mtail -one_shot", _mtail, _mtail_why_not)
PER_EVENT = Contestant("per event", "json + prometheus_client per event", _script("per_event.py"))
DECODE_ONLY = Contestant(
    "decode only", "msgspec decoding alone", _script("decode_only.py"), counts_all=False, is_quick=True
)

CONTESTANTS: tuple[Contestant, ...] = (OURS, MTAIL, PER_EVENT, DECODE_ONLY)
