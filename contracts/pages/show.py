"""One contract as a table: metrics, labels, worst-case series.

In: a name or a file. Out: lines of text on standard output. Everything shown is the contract's own word; nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from contracts.compiler.paths import show_steps
from contracts.model import Contract, Metric, Part
from contracts.pages.named import read_named

__all__ = ["render_contract", "samples_of", "show"]

_MOST_VALUES = 60
"""Characters of label values shown per label."""


@click.command(short_help="Show a contract as a table.")
@click.argument("name", metavar="NAME|FILE")
def show(name: str) -> None:
    """Show a contract as a table: metrics, labels, worst-case series.

    \b
    peaktrade contract show ai_live
    peaktrade contract show my.yaml

    Exit code 0: shown. 2: no such contract, or one with faults.
    """
    click.echo("\n".join(render_contract(read_named(name))))


def samples_of(contract: Contract, metric: Metric) -> int:
    """Return the most lines a metric can take on the metrics page; a histogram has one per bucket and three more."""
    each = len(metric.buckets) + 3 if metric.type == "histogram" else 1
    return contract.worst_case_series(metric) * each


def render_contract(contract: Contract) -> Iterator[str]:
    """Yield the lines of the table."""
    what, places = "folder" if contract.is_recorded else "events", ", ".join(contract.files.default)
    yield f"{contract.name}: {contract.help}"
    origin = f"{what} {places}{_env(contract.files.env)}"
    yield f"port {contract.port}{_env(contract.port_env)}, job {contract.job}, {origin}"
    if contract.sources:
        yield f"sources {', '.join(source.name for source in contract.sources)}"
    for source in contract.sources:
        if source.parts:
            yield f"parts of {source.name}: {', '.join(_part(part) for part in source.parts)}"
    yield ""
    rows = [("metric", "type", "series", "samples", "labels")]
    rows += [
        (
            metric.name,
            metric.type,
            str(contract.worst_case_series(metric)),
            str(samples_of(contract, metric)),
            "; ".join(_label(contract, metric, label) for label in metric.labels) or "-",
        )
        for metric in contract.metrics
    ]
    yield from _aligned(rows)
    series = sum(map(contract.worst_case_series, contract.metrics))
    samples = sum(samples_of(contract, metric) for metric in contract.metrics)
    yield ""
    yield f"{len(contract.metrics)} metrics, at most {series} series and {samples} samples"


def _part(part: Part) -> str:
    """Return a part, where it is, and the parts inside it."""
    inside = f" ({', '.join(map(_part, part.parts))})" if part.parts else ""
    return f"{part.name} {show_steps(part.of)}{inside}"


def _env(name: str | None) -> str:
    return f" (${name})" if name else ""


def _label(contract: Contract, metric: Metric, label: str) -> str:
    values = contract.label_values(metric, label)
    if not values:
        return f"{label} (at most {contract.words[metric.labels[label]].worst_case})"
    text = "|".join(values)
    return f"{label} {text if len(text) <= _MOST_VALUES else f'({len(values)} values)'}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their columns below each other; numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        cells = [
            cell.rjust(width) if i in (2, 3) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row[:-1], widths, strict=True))
        ]
        yield "  ".join([*cells, row[-1]]).rstrip()
