"""`peaktrade state show` and `peaktrade state reset`.

In: an exporter's name and the folder of its state. Out: a table or JSON; or the state set aside. Show never disturbs a
running exporter; reset needs it stopped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import click

from contracts.self_metrics import RESERVED_PREFIX
from exporters.commands.settings import STATE_DIR, STATE_VARIABLE, state_path
from exporters.engine.pairs.segments import remembered
from exporters.engine.records import Saved
from exporters.engine.state.keeper import records_of
from exporters.engine.state.readonly import read_rows
from exporters.engine.state.rows import StoreBusyError, StoreError
from exporters.engine.state.store import Store
from exporters.engine.values import Checkpoint, Refusal

__all__ = ["state"]

_LINES = f"{RESERVED_PREFIX}lines_total"
_WRITTEN_OUT = 1e16
"""A number without a fraction is written with all its digits up to here, as JSON and Python do."""


@click.group()
def state() -> None:
    """Look at, or throw away, what an exporter keeps across restarts."""


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    where = f"Where the state is kept. Default ${STATE_VARIABLE} or {STATE_DIR}."
    command = click.option("--state-dir", metavar="DIR", help=where)(command)
    return click.argument("exporter")(command)


def _path_of(exporter: str, state_dir: str | None) -> Path:
    path = state_path(exporter, os.environ, state_dir)
    if path is None:
        _fail(f"{exporter}: with the state folder `none` everything is in memory; give --state-dir a folder")
    if not os.path.lexists(path):
        _fail(f"{path}: no state here; give --state-dir the exporter's folder, or check its name")
    return path


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


@state.command()
@_common
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def show(exporter: str, state_dir: str | None, as_json: bool) -> None:
    """Print files, offsets, lag, values and the time of the last commit of EXPORTER, running or not."""
    path = _path_of(exporter, state_dir)
    try:
        report = _report(path, records_of(path, read_rows(path, exporter)))
    except StoreError as error:
        _fail(f"{error}; nothing was changed")
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)


@state.command()
@_common
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(exporter: str, state_dir: str | None, yes: bool) -> None:
    """Set the state of EXPORTER aside: counters begin at 0 and files are read from their start again."""
    path = _path_of(exporter, state_dir)
    store = Store(path, exporter)
    try:
        store.lock()
        if not yes:
            click.confirm(f"Set {path} aside, so that {exporter} begins anew?", abort=True)
        aside = store.set_aside(f"reset-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    except StoreBusyError as error:
        _fail(f"{error}; stop the exporter first")
    except StoreError as error:
        _fail(f"{error}; nothing was changed")
    finally:
        store.close()
    click.echo(f"set aside as {aside}; delete it when it is no longer needed")


def _report(path: Path, saved: Saved) -> dict[str, Any]:
    written = [one.stat().st_mtime for one in (path, Path(f"{path}-wal")) if one.exists()]
    return {
        "state": str(path),
        "last_commit": datetime.fromtimestamp(max(written), UTC).isoformat(timespec="milliseconds"),
        "files": [_file(checkpoint) for checkpoint in saved.checkpoints if not checkpoint.done],
        "series": list(_series(saved)),
        "lines": {one.labels[-1]: int(one.value) for one in saved.series if one.metric == _LINES},
        "refused": [_refusal(one) for one in sorted(saved.refusals, key=lambda one: one.at)],
        "open_pairs": sum(len(ids) for ids in remembered(saved).values()),
    }


def _series(saved: Saved) -> Iterator[dict[str, Any]]:
    """Yield metric, labels, value (a histogram's sum) and buckets of every series, by metric and labels."""
    for one in sorted(saved.series, key=lambda one: (one.metric, one.labels)):
        names = (label for label, _ in saved.metric_meanings[one.metric].labels)
        value = one.value if isfinite(one.value) else str(one.value)
        yield {
            "metric": one.metric,
            "labels": dict(zip(names, one.labels, strict=True)),
            "value": value,
            "buckets": one.buckets,
            "created": one.created,
        }


def _file(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return how far one file has been read; of one that moved or went away, as it was when last looked at."""
    size = checkpoint.size
    try:
        info = Path(checkpoint.path).stat()
        if (info.st_dev, info.st_ino) == checkpoint.key[:2]:
            size = info.st_size
    except OSError:
        pass
    lag = max(0, size - checkpoint.offset)
    return {
        "path": checkpoint.path,
        "inode": checkpoint.key.ino,
        "offset": checkpoint.offset,
        "size": size,
        "lag_bytes": lag,
    }


def _refusal(one: Refusal) -> dict[str, Any]:
    at = datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds")
    return {"reason": one.reason, "path": one.path, "offset": one.offset, "at": at, "why": one.why}


def _print(report: dict[str, Any]) -> None:
    click.echo(f"{report['state']}, last commit {report['last_commit']}, {report['open_pairs']} open pairs\n")
    click.echo(f"{'offset':>14}{'lag bytes':>12}{'inode':>12}  file")
    for file in report["files"]:
        path = file["path"].encode(errors="backslashreplace").decode()
        click.echo(f"{file['offset']:>14}{file['lag_bytes']:>12}{file['inode']:>12}  {path}")
    click.echo(f"\n{'lines':>14}  outcome")
    for outcome, number in sorted(report["lines"].items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"{number:>14}  {outcome}")
    for one in report["refused"]:
        path = one["path"].encode(errors="backslashreplace").decode()
        click.echo(f"last {one['reason']}, {one['at']}: {path}@{one['offset']}: {one['why']}")
    click.echo(f"\n{'value':>20}  series")
    for one in report["series"]:
        labels = ",".join(f"{label}={json.dumps(value)}" for label, value in one["labels"].items())
        shown = {"": one["value"]}
        if one["buckets"] is not None:
            shown = {"_count": sum(one["buckets"]), "_sum": one["value"]}
        for ending, value in shown.items():
            click.echo(f"{_number(value):>20}  {one['metric']}{ending}{{{labels}}}")


def _number(value: float | str) -> str:
    """Return a number with every digit it has; one that no counting reaches is not written out."""
    is_whole = isinstance(value, int | float) and abs(value) < _WRITTEN_OUT and value == int(value)
    return str(int(value)) if is_whole else str(value)
