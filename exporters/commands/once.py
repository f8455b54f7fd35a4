"""`--once`: what is finished is read from start to end, and the metrics are printed.

In: settings. Out: one page on standard output, and an exit code: 0 all was read, 1 something could not be read or the
page could not be written. What could not be is said on standard error; if nothing could be read there is no page.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence

import click

from contracts.model import Contract
from exporters.commands.settings import Settings
from exporters.engine.clock import Clock, SystemClock
from exporters.engine.exposition.render import render
from exporters.engine.run import Engine
from exporters.engine.tail.one_shot import STDIN, OneShot

__all__ = ["page_of", "print_once", "read_once"]


def read_once(
    contract: Contract, files: Sequence[str], environment: Mapping[str, str], clock: Clock
) -> tuple[Engine, OneShot]:
    """Return an engine that has read everything there is, with nothing published yet, and what it was read with."""
    shot = OneShot(files, contract.files.max_line_bytes)
    engine = Engine(contract, shot, environment, clock).start()
    engine.ledger.refusals.is_silent = True
    engine.step()
    engine.conclude()
    return engine, shot


def page_of(engine: Engine) -> bytes:
    """Return what an engine has read as text, without what is said of the process."""
    body, _ = render(*engine.publish(), accept="", with_process=False)
    return body


def print_once(settings: Settings) -> int:
    """Read everything once and print the page; return the exit code."""
    gc.freeze()  # what was loaded is no garbage: no look for cycles goes through it, nor those as the process ends
    engine, shot = read_once(settings.contract, settings.files, os.environ, SystemClock())
    for path, problem in shot.unreadable.items():
        name = "standard input" if path in STDIN else path
        click.echo(f"{name}: cannot be read ({problem.lower()}); give --file a readable file", err=True)
    for path in shot.missing:
        click.echo(f"{path}: no such file; give --file the path of the events", err=True)
    if not shot.files_present:
        return 1
    for sentence in engine.ledger.refusals.summary():
        click.echo(sentence, err=True)
    is_whole = _write(page_of(engine))
    return 0 if is_whole and not shot.unreadable and not shot.missing else 1


def _write(page: bytes) -> bool:
    """Write to standard output; whether all of it could be, which is said if not."""
    try:
        if sys.stdout is None:
            raise BrokenPipeError
        sys.stdout.buffer.write(page)
        sys.stdout.buffer.flush()
    except OSError as error:
        is_closed = isinstance(error, BrokenPipeError)
        reason = "was closed" if is_closed else f"cannot be written ({str(error.strerror).lower()})"
        click.echo(f"standard output {reason}; the page is not complete", err=True)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # what is left in the buffer is not tried again at the end
        os.close(nowhere)
        return False
    return True
