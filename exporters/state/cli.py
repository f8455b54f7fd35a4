"""`peaktrade state show` and `peaktrade state reset`.

In: an exporter's name or a state file. Out: a table or JSON; or the state set aside. Show never disturbs a running
exporter; reset needs it stopped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click

from exporters.engine.keep import marks_of
from exporters.engine.settings import STATE_DIR, STATE_VARIABLE
from exporters.engine.store import Row, Store, StoreBusyError, StoreCorruptError, StoreError, read_rows
from exporters.engine.values import Mark

__all__ = ["state"]

_TRIES = 3


@click.group()
def state() -> None:
    """Look at, or throw away, what an exporter keeps across restarts."""


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    where = f"Where the state is kept. Default ${STATE_VARIABLE} or {STATE_DIR}."
    command = click.option("--state-dir", metavar="DIR", help=where)(command)
    return click.argument("exporter")(command)


def _path_of(exporter: str, state_dir: str | None) -> Path:
    folder = state_dir or os.environ.get(STATE_VARIABLE, "").strip() or STATE_DIR
    path = Path(folder) / f"{exporter}.db"
    if not path.exists():
        click.echo(f"{path}: no state here; give --state-dir the exporter's folder, or check its name", err=True)
        sys.exit(1)
    return path


@state.command()
@_common
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def show(exporter: str, state_dir: str | None, as_json: bool) -> None:
    """Print files, offsets, lag, values and the time of the last commit of EXPORTER."""
    path = _path_of(exporter, state_dir)
    try:
        rows = _read(path, exporter)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    report = _report(path, rows)
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
    if not yes:
        click.confirm(f"Set {path} aside, so that {exporter} begins anew?", abort=True)
    store = Store(path, exporter)
    try:
        store.lock()
        aside = store.quarantine("reset-" + datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
    except StoreBusyError as error:
        click.echo(f"{error}; stop the exporter first", err=True)
        sys.exit(1)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    finally:
        store.close()
    click.echo(f"set aside as {aside}; delete it when it is no longer needed")


def _read(path: Path, exporter: str) -> list[Row]:
    """Read the rows; a commit that comes in between is read again."""
    for attempt in range(_TRIES):
        try:
            return read_rows(path, exporter)
        except StoreCorruptError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.05)
    raise AssertionError("unreachable")


def _report(path: Path, rows: list[Row]) -> dict[str, Any]:
    newest = max(candidate.stat().st_mtime for candidate in (path, Path(f"{path}-wal")) if candidate.exists())
    series = [(json.loads(key), cast(list[Any], value)) for kind, key, value in rows if kind == "series"]
    return {
        "state": str(path),
        "last_commit": datetime.fromtimestamp(newest, UTC).isoformat(timespec="milliseconds"),
        "files": [_file(mark) for mark in marks_of(rows) if not mark.done],
        "series": [
            {"metric": key[0], "labels": key[1:], "value": value[0], "buckets": value[2]}
            for key, value in sorted(series)
        ],
        "open_pairs": sum(kind == "pair" for kind, _, _ in rows),
    }


def _file(mark: Mark) -> dict[str, Any]:
    try:
        size = os.stat(mark.path).st_size if os.stat(mark.path).st_ino == mark.key.ino else mark.size  # noqa: PTH116
    except OSError:
        size = mark.size
    lag = max(0, size - mark.offset)
    return {"path": mark.path, "inode": mark.key.ino, "offset": mark.offset, "size": size, "lag_bytes": lag}


def _print(report: dict[str, Any]) -> None:
    click.echo(f"{report['state']}, last commit {report['last_commit']}, {report['open_pairs']} open pairs\n")
    click.echo(f"{'offset':>14}{'lag bytes':>12}{'inode':>12}  file")
    for file in report["files"]:
        click.echo(f"{file['offset']:>14}{file['lag_bytes']:>12}{file['inode']:>12}  {file['path']}")
    click.echo(f"\n{'value':>20}  series")
    for one in report["series"]:
        shown = one["value"] if one["buckets"] is None else sum(one["buckets"])
        text = f"{one['metric']}{{{', '.join(one['labels'])}}}" + (" count" if one["buckets"] is not None else "")
        click.echo(f"{shown:>20.15g}  {text}")
