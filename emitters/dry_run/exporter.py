"""Asks the real exporters what they make of the events of a run, and compares it with the run's own counts.

In: an event file, the tally. Out: the series of an exporter, read from its exposition, and where both sides differ. The
exporter is a process of its own: nothing of it is imported here.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from emitters.dry_run.tally import Series

__all__ = ["Difference", "ExporterError", "differences", "read_series", "run_exporter", "shown_as"]

_TIMEOUT_S = 120.0
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_OF_THE_PROCESS = ("peak_trade_exporter_", "peak_trade_live_trading_enabled", "process_")
_TOLERANCE_S = 1e-6
_OURS = ("PEAK_TRADE", "PEAKTRADE")

Difference = tuple[str, float | None, float | None]
"""A series, what the run counted and what the exporter shows; None where it has no such series."""


class ExporterError(Exception):
    """An exporter that could not be run; says which, and its last words."""


def run_exporter(name: str, file: Path) -> dict[Series, float]:
    """Return the series an exporter shows of a file, those about the process itself left out.

    Raises:
        ExporterError: if it ends with anything but 0.
    """
    command = [sys.executable, "-m", f"exporters.{name}", "--once", "--file", str(file), "--log-level", "warning"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    done = subprocess.run(  # noqa: S603  # our own module
        command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise ExporterError(f"exporters.{name} ended with exit code {done.returncode} and said: {words[0]}")
    return {key: value for key, value in read_series(done.stdout) if not key[0].startswith(_OF_THE_PROCESS)}


def read_series(exposition: str) -> Iterator[tuple[Series, float]]:
    r"""Yield every sample of an exposition in the text format.

    >>> list(read_series('# HELP a_total A.\na_total{b="c\\"d"} 2.0\n'))
    [(('a_total', (('b', 'c"d'),)), 2.0)]
    """
    for line in exposition.splitlines():
        found = _SAMPLE.match(line)
        if found and not line.startswith("#"):
            name, labels, value = found.groups()
            pairs = ((key, _plain(text)) for key, text in _LABEL.findall(labels or ""))
            yield (name, tuple(sorted(pairs))), float(value)


def _plain(text: str) -> str:
    return text.replace(r"\n", "\n").replace(r"\"", '"').replace(r"\\", "\\")


def differences(
    metrics: Sequence[str], counted: Mapping[Series, float], shown: Mapping[Series, float]
) -> Iterator[Difference]:
    """Yield the series of these metrics that both sides do not have alike; a counter at 0 need not be counted."""
    every = {key for key in (*counted, *shown) if key[0] in metrics}
    for key in sorted(every):
        own, theirs = counted.get(key), shown.get(key)
        if abs((own or 0.0) - (theirs or 0.0)) > _TOLERANCE_S:
            yield shown_as(key), own, theirs


def shown_as(series: Series) -> str:
    """Return a series as Prometheus writes it.

    >>> shown_as(("a_total", (("b", "c"),)))
    'a_total{b="c"}'
    """
    name, labels = series
    inner = ",".join(f'{key}="{value}"' for key, value in labels)
    return f"{name}{{{inner}}}" if labels else name
