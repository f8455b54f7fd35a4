"""Sessions as real processes: each obeys one line at a time, and ends as it is told to, or is killed.

In: calls of the telemetry package. Out: their results, and what the process said on standard error.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "SessionProcess", "environment_of", "site_without"]

ROOT = Path(__file__).parents[2]

_OBEY = """
import json, sys
BEFORE
from exporters import telemetry
for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(getattr(telemetry, name)(*arguments)), flush=True)
"""


def environment_of(folder: Path, mode: str = "B", **more: str) -> dict[str, str]:
    """Return the environment of a session that records in `folder`, without what this one may have set itself."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PEAK_TRADE", "PEAKTRADE", "PROMETHEUS_MULTIPROC"))
    }
    return {**kept, "PEAKTRADE_METRICS_MODE": mode, "PEAKTRADE_METRICS_MULTIPROC_DIR": str(folder), **more}


def site_without(folder: Path, *packages: str) -> dict[str, str]:
    """Return the variables of a Python that has everything installed here but some packages.

    `folder` becomes a copy of the site directory made of links; start Python with -S.
    """
    folder.mkdir()
    (site,) = {Path(path) for path in sys.path if path.endswith("site-packages")}
    for entry in site.iterdir():
        if not entry.name.startswith((*packages, *(f"__editable__{one}" for one in packages))):
            (folder / entry.name).symlink_to(entry)
    return {"PYTHONPATH": f"{folder}:{ROOT}"}


class SessionProcess:
    """One process. `before` is Python that runs before the telemetry is imported."""

    def __init__(
        self, environment: Mapping[str, str], before: str = "", cwd: Path = ROOT, flags: tuple[str, ...] = ()
    ) -> None:
        command = [sys.executable, *flags, "-c", _OBEY.replace("BEFORE", before)]
        self._process = subprocess.Popen(
            command,
            env={"PYTHONPATH": str(ROOT), **environment},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def call(self, name: str, *arguments: object) -> Any:
        """Call a function of the telemetry there and return its result."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([name, *arguments]) + "\n")
        stdin.flush()
        answer = stdout.readline()
        assert answer, self._process.communicate()[1]
        return json.loads(answer)

    def end(self) -> str:
        """Let it end by itself; return what it said on standard error."""
        _, said = self._process.communicate(timeout=30)
        assert self._process.returncode == 0, said
        return said

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=30)
