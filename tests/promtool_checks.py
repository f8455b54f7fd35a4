"""`python -m tests.promtool_checks`: every Prometheus file of the repository, judged by promtool itself.

In: prometheus/*.yml. Out: promtool's words for what fails, exit code 1; 0 and one line per file otherwise.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commands() -> list[list[str]]:
    """Return one promtool command per file."""
    folder = ROOT / "prometheus"
    configs = [["check", "config", str(path)] for path in sorted(folder.glob("prometheus*.yml"))]
    rules = [["check", "rules", str(path)] for path in sorted(folder.glob("rules/*.yml"))]
    tests = [["test", "rules", str(path)] for path in sorted(folder.glob("rule_tests/*.yml"))]
    return configs + rules + tests


def main() -> int:
    """Run them all; say which fail."""
    promtool = shutil.which("promtool")
    if promtool is None:
        print("promtool is not on PATH; on Debian: apt-get install prometheus", file=sys.stderr)
        return 1
    failed = 0
    for command in commands():
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        name = " ".join([*command[:2], str(Path(command[-1]).relative_to(ROOT))])
        print(f"promtool {name}: {'ok' if done.returncode == 0 else 'FAILED'}")
        if done.returncode:
            failed += 1
            print(done.stdout + done.stderr, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
