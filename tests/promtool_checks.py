"""`python -m tests.promtool_checks`: every Prometheus file of the repository, judged by promtool and amtool themselves.

In: prometheus/*.yml. Out: their words for what fails, exit code 1; 0 and one line per kind of file otherwise.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}


def commands() -> list[list[str]]:
    """Return one command per kind of file: a process has more to do than to start."""
    folder = ROOT / "prometheus"
    configs = sorted(map(str, folder.glob("prometheus*.yml")))
    rules, tests = (sorted(map(str, folder.glob(f"{name}/*.yml"))) for name in ("rules", "rule_tests"))
    return [
        ["promtool", "check", "config", *configs],
        ["promtool", "check", "rules", *rules],
        ["promtool", "test", "rules", *tests],
        ["amtool", "check-config", str(folder / "alertmanager.yml")],
    ]


def main() -> int:
    """Run them all; say which fail."""
    missing = [f"{name} is not on PATH; on Debian: apt-get install {PACKAGES[name]}" for name in PACKAGES]
    missing = [text for text in missing if shutil.which(text.split()[0]) is None]
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    failed = 0
    for command in commands():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        name = " ".join(word for word in command if "/" not in word)
        print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}")
        if done.returncode:
            failed += 1
            print(done.stdout + done.stderr, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
