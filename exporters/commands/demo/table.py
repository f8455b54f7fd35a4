"""The demo's live table: target, up, events per second, series, lag.

In: contracts, and what their metrics pages said a moment ago. Out: lines of text. On a terminal the table is redrawn
in place; anywhere else it is printed now and then.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.model import Contract
from exporters.commands.demo.ports import PROMETHEUS
from exporters.commands.demo.web import Series, ask_prometheus, read_metrics

__all__ = ["Table"]

_HEAD = f"{'target':<18}{'address':<18}{'up':>4}{'events/s':>10}{'events':>10}{'series':>8}{'lag bytes':>11}"


@dataclass(slots=True)
class Table:
    """Shows the exporters' pulse. `ports` is as Processes has it: without Prometheus nobody says what is up."""

    contracts: Sequence[Contract]
    ports: Mapping[str, int]
    _before: dict[str, tuple[float, float]] = field(default_factory=dict)
    _drawn: int = 0

    def draw(self, now: float, below: Sequence[str] = ()) -> None:
        """Print the table and what stands below it; `now` in seconds on any clock that only goes forward."""
        lines = [_HEAD, *(self._row(contract, now) for contract in self.contracts), *below]
        if sys.stdout.isatty() and self._drawn:
            sys.stdout.write(f"\x1b[{self._drawn}F\x1b[J")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        self._drawn = len(lines)

    def _row(self, contract: Contract, now: float) -> str:
        port = self.ports[contract.name]
        head = f"{contract.name:<18}{f'127.0.0.1:{port}':<18}"
        found = read_metrics(port)
        if found is None:
            return f"{head}{'-':>4}  does not answer"
        counters = [metric.name for metric in contract.metrics if metric.type == "counter"]
        counted = counters if contract.is_recorded else ["peak_trade_exporter_lines_total"]
        events = sum(sum(_series(found, name).values()) for name in counted)
        before = self._before.get(contract.name)
        rate = f"{(events - before[1]) / (now - before[0]):.1f}" if before and now > before[0] else "-"
        self._before[contract.name] = (now, events)
        series = sum(_series(found, "peak_trade_exporter_series").values())
        lag = sum(_series(found, "peak_trade_exporter_lag_bytes").values())
        return f"{head}{self._up(contract):>4}{rate:>10}{events:>10.0f}{series:>8.0f}{lag:>11.0f}"

    def _up(self, contract: Contract) -> str:
        if PROMETHEUS not in self.ports:
            return "yes"
        answer = ask_prometheus(self.ports[PROMETHEUS], f'up{{job="{contract.job}"}}')
        return f"{answer[0][1]:.0f}" if answer else "-"


def _series(found: object, name: str) -> Series:
    return found.get(name, {}) if isinstance(found, dict) else {}
