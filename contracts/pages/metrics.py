"""contracts/METRICS.md: every metric of every exporter, from the contracts.

In: the contracts of this folder. Out: Markdown, the same for the same contracts, so that `contract generate --check`
notices when it is out of date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from contracts.compiler.paths import show_path, show_steps
from contracts.load import load_contracts
from contracts.model import SOURCE_WORD, Candidate, Contract, Metric, Part, Source
from contracts.pages.named import SHIPPED, read_named
from contracts.self_metrics import FOLDER, LABEL_VALUES, LIVE, STORED

__all__ = ["docs", "metrics_text", "render_metrics"]

_EVERY = "every_exporter"
_HEAD = (
    "# Metrics",
    "",
    "Generated from the contracts; edit those instead.",
    "Series is the most label sets a metric can ever have. From says which fields of the events move it.",
    "",
)


def metrics_text(_present: str) -> str:
    """Return what METRICS.md should be, whatever it is now."""
    return render_metrics(load_contracts(SHIPPED))


@click.command(short_help="Print the reference of all metrics.")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a page for each contract, what exporters say of themselves and a README.md that leads to them.",
)
def docs(names: tuple[str, ...], out: Path | None) -> None:
    """Print the reference of all metrics of these contracts (default: those shipped), in Markdown.

    \b
    peaktrade contract docs my.yaml > METRICS.md
    peaktrade contract docs my.yaml other.yaml --out docs/metrics
    """
    found = tuple(map(read_named, names)) or load_contracts(SHIPPED)
    if out is None:
        click.echo(render_metrics(found), nl=False)
        return
    twice = sorted(name for name, number in Counter(contract.name for contract in found).items() if number > 1)
    if twice:
        raise click.UsageError(f"two contracts are named {twice[0]}, which is one page; rename one")
    _write(out, {f"{name}.md": "\n".join([*_HEAD, *lines]) + "\n" for name, lines in _pages(found).items()})


def _pages(contracts: tuple[Contract, ...]) -> dict[str, list[str]]:
    """Return name -> lines of each page."""
    pages = {contract.name: list(_exporter(contract)) for contract in contracts}
    links = [f"- [{contract.name}]({contract.name}.md): {contract.help}" for contract in contracts]
    links.append(f"- [{_EVERY}]({_EVERY}.md): what each says about itself")
    return {**pages, _EVERY: _about_itself(), "README": ["## Exporters", "", *links]}


def _write(out: Path, pages: Mapping[str, str]) -> None:
    """Write generated pages; what stands there and was not generated stays."""
    for name in pages:
        path = out / name
        if path.exists() and _HEAD[2] not in path.read_text(encoding="utf-8", errors="replace"):
            raise click.UsageError(f"{path} is there and was not generated; give another folder, or move it")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (out / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.ClickException(f"{out}: cannot be written ({str(error.strerror).lower()})") from error
    click.echo(f"{len(pages)} pages in {out}")


def render_metrics(contracts: tuple[Contract, ...]) -> str:
    """Return the page."""
    lines = list(_HEAD[:-1])
    for contract in contracts:
        lines += ["", *_exporter(contract)]
    return "\n".join([*lines, "", *_about_itself()]) + "\n"


def _about_itself() -> list[str]:
    lines = ["## Every exporter", "", "What each exporter says about itself; all carry the label `exporter`.", ""]
    lines += ["| metric | type | further labels | help |", "|---|---|---|---|"]
    for key, metric in {**STORED, **LIVE, **FOLDER}.items():
        labels = "; ".join(_own_label(key, label) for label in metric.labels if label != "exporter") or "-"
        lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} |")
    return lines


def _own_label(key: str, label: str) -> str:
    values = LABEL_VALUES.get((key, label))
    return f"{label}: {', '.join(values)}" if values else label


def _exporter(contract: Contract) -> Iterator[str]:
    yield f"## {contract.name}"
    yield ""
    yield contract.help
    yield ""
    variables = ", ".join(f"`{name}`" for name in (contract.port_env, contract.files.env) if name)
    places = ", ".join(f"`{path}`" for path in contract.files.default)
    what = "sessions record in" if contract.is_recorded else "events"
    yield f"Port {contract.port}, job `{contract.job}`, {what} {places}; changed by {variables or 'flags'}."
    yield ""
    yield "| metric | type | labels | series | from | help |"
    yield "|---|---|---|---:|---|---|"
    fields = _fields(contract)
    for metric in contract.metrics:
        labels = "; ".join(_label(contract, metric, label) for label in metric.labels) or "-"
        cells = (f"`{metric.name}`", metric.type, labels, str(contract.worst_case_series(metric)))
        yield "| " + " | ".join((*cells, _origin(contract, metric, fields), _help(metric))) + " |"


def _help(metric: Metric) -> str:
    if metric.type != "histogram":
        return metric.help
    return f"{metric.help} Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}."


def _label(contract: Contract, metric: Metric, label: str) -> str:
    values = contract.label_values(metric, label)
    if values:
        return f"{label}: {', '.join(values)}"
    return f"{label}: at most {contract.words[metric.labels[label]].worst_case}"


def _fields(contract: Contract) -> Mapping[str, list[str]]:
    """Return word -> paths it is read from, over all sources."""
    found: dict[str, dict[str, None]] = {}
    for source in contract.sources:
        for read in source.all_reads():
            places = (_place_of(source, candidate) for candidate in read.candidates)
            found.setdefault(read.word, {}).update(dict.fromkeys(filter(None, places)))
        for part in source.parts:
            _add_part(found, part, "")
    for pair in contract.pairs:
        for word in (pair.edge, pair.latency):
            found.setdefault(word, {})[f"pairs by {pair.id}"] = None
    for name, made in contract.words.items():
        for half in made.made_of.words if made.made_of else ():
            found.setdefault(name, {}).update(found.get(half, {}))
    return {word: list(paths) for word, paths in found.items()}


def _place_of(source: Source, candidate: Candidate) -> str:
    """Return where a value is from, "" if from nowhere."""
    path = candidate.path or source.by
    return f"{{{candidate.file}}} of the file" if candidate.file else show_path(path) if path else ""


def _add_part(found: dict[str, dict[str, None]], part: Part, above: str) -> None:
    """Add what a part reads: where it is, and the path inside it."""
    here = f"{above}{show_steps(part.of)}"
    for read in part.reads:
        for path in (candidate.path for candidate in read.candidates if candidate.path):
            found.setdefault(read.word, {})[f"{here}.{show_path(path)}"] = None
    for inner in part.parts:
        _add_part(found, inner, f"{here}.")


def _origin(contract: Contract, metric: Metric, fields: Mapping[str, list[str]]) -> str:
    """Return the fields behind a metric: what moves it, and the conditions."""
    if metric.job == "rejections":
        return "refused lines"
    if metric.job == "always":
        return "-"
    if contract.is_recorded:
        return "calls"
    words = [word for word in (metric.amount, metric.subject, metric.newest_by) if word in contract.words]
    words += [name for condition in metric.when for name in condition.subject]
    words += [word for word in metric.labels.values() if word != SOURCE_WORD] if not words else []
    paths = dict.fromkeys(path for word in words if word for path in fields.get(word, []))
    return ", ".join(path if path.startswith("pairs") else f"`{path}`" for path in paths) or "every event"
