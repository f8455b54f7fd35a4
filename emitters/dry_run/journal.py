"""Where everything that happens is written down: the event files of the run, each line once, in order.

In: events. Out: lines appended to the files that exporters watch, and the same lines in files of this run alone. A file
that cannot be written is tried again a bounded number of times. It counts lines and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from emitters.slots import timestamp
from emitters.writer import Writer

__all__ = ["Journal", "SinkError"]

SINK_ATTEMPTS = 3

Event = Mapping[str, object]


class SinkError(Exception):
    """A file of the run could not be written, however often it was tried."""


class Journal:
    """The open files of a run; a context manager that closes them.

    Args:
        now: The run's time.
        run_id: The field of that name in every event.
        files: What is written, by kind: `execution` and `ledger` into as many files as given, `session` into its own.
    """

    def __init__(self, now: Callable[[], datetime], run_id: str, files: Mapping[str, Sequence[Path]]) -> None:
        self._now, self._run_id = now, run_id
        self.lines = dict.fromkeys(files, 0)
        self.sink_retries = 0
        self._writers = {kind: [Writer(path) for path in paths] for kind, paths in files.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writers in self._writers.values():
            for writer in writers:
                writer.close()

    def execution(self, event_type: str, **fields: object) -> None:
        """Write one `execution_ops_v1` event."""
        head = {"schema": "execution_ops_v1", "ts": timestamp(self._now()), "run_id": self._run_id}
        self._write("execution", {**head, "event_type": event_type, **fields})

    def ledger(self, **fields: object) -> None:
        """Write one event of the ledger."""
        head = {"ts": timestamp(self._now()), "mode": "shadow", "run_id": self._run_id, "exchange": "sim"}
        self._write("ledger", {**head, **fields})

    def session(self, event: Event) -> None:
        """Write one event about the session itself."""
        self._write("session", event)

    def _write(self, kind: str, event: Event) -> None:
        self.lines[kind] += 1
        for writer in self._writers[kind]:
            self._append(writer, event)

    def _append(self, writer: Writer, event: Event) -> None:
        for attempt in range(1, SINK_ATTEMPTS + 1):
            try:
                writer.append(event)
            except OSError as error:
                if attempt == SINK_ATTEMPTS:
                    raise SinkError(f"{writer.path}: cannot be written ({error.strerror})") from error
                self.sink_retries += 1
            else:
                return
