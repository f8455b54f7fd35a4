"""Accidents of log files, on request: from the kinds asked for to what befalls the file at event i.

One kind is one function in `KINDS`; the name there is the name on the command line. It refuses to be
random: the same arguments give the same accidents at the same events.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count

from emitters.pacing import Fault, Pace, PickFault
from emitters.writer import Event, Writer

__all__ = ["KINDS", "plan_faults"]

_MOMENT_S = 0.030


def _rotate_kind(settle_s: float) -> Fault:
    turns = count()

    def rotate(writer: Writer, event: Event, pace: Pace) -> bool:
        def write_late() -> None:
            pace.linger(_MOMENT_S)
            writer.append(event)

        if next(turns) % 2:
            writer.rotate(before_reopen=write_late)
        else:
            writer.rotate()
            writer.append(event)
        return True

    return rotate


def _truncate(settle_s: float, writer: Writer, event: Event, pace: Pace) -> bool:
    if not pace.pause(settle_s):
        return False
    writer.truncate()
    writer.append(event)
    return True


def _halve(writer: Writer, event: Event, pace: Pace) -> bool:
    writer.append_in_halves(event, between=partial(pace.linger, _MOMENT_S))
    return True


KINDS: Mapping[str, Callable[[float], Fault]] = {
    "rotate": _rotate_kind,
    "truncate": lambda settle_s: partial(_truncate, settle_s),
    "half-line": lambda settle_s: _halve,
}
"""Kind -> maker of its fault, given the seconds the file must rest before data is cut off.

rotate: rename and begin a new file; every second time one more event reaches the old handle after the
rename. truncate: rest, then cut the file to zero in place. half-line: write a line in two parts, a moment
between them.
"""


def plan_faults(kinds: Sequence[str], every: int, settle_s: float) -> PickFault:
    """Plan one fault at every `every`-th event (never at event 0), the kinds taking turns.

    Args:
        kinds: Keys of `KINDS` in their order of turns; none means no fault ever.
        every: Distance between two faults, in events, at least 1.
        settle_s: Seconds the file rests before it is truncated.
    """
    faults = [KINDS[kind](settle_s) for kind in kinds]

    def pick(number: int) -> Fault | None:
        turn, rest = divmod(number, every)
        return faults[(turn - 1) % len(faults)] if faults and turn and not rest else None

    return pick
