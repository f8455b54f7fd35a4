"""Real logrotate, a writer that keeps its descriptor for a moment, kills in between: every line counts once.

Lines that copytruncate or gzip itself destroys are found on no disk: what is counted is no less than what is there, and
no more than was written. Both are compared for each of 199 classes of lines, so that a line counted twice does not hide
one that is not counted. PEAK_TRADE_CHAOS=1 storms each configuration for a minute, three times.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.budget import IS_LONG, amount
from tests.end_to_end.patience import wait_until
from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import Exporter, Scraper, read_page

SECONDS, SEEDS = amount((3.0, 1), (60.0, 3))

CONFIGURATIONS = {
    "create": ["create"],
    "compress": ["create", "compress"],
    "delaycompress": ["create", "compress", "delaycompress"],
    "dateext": ["create", "compress", "dateext", "dateformat -%Y%m%d-%s"],
    "copytruncate": ["copytruncate"],
    "copytruncate compress": ["copytruncate", "compress"],
}
CLASSES = 199
"""Lines are counted apart by their number modulo this."""

CONTRACT = f"""
exporter: {{name: storm, help: Lines of a storm., port: 9200, job: storm}}
files: {{default: events.jsonl}}
vocabulary: {{part: {{values: [{", ".join(f"p{part}" for part in range(CLASSES))}], otherwise: other}}}}
sources: {{line: {{match: {{event: line}}, read: {{part: part}}}}}}
metrics: {{storm_lines_total: {{type: counter, counts: part, labels: [part], budget: 200, help: Lines by class.}}}}
"""

DESTRUCTIVE = ("compress", "delaycompress", "dateext", "copytruncate", "copytruncate compress")
"""Those that destroy what is written late: copytruncate between its copy and the cut, gzip after it has read (with
delaycompress, if the writer keeps its file through two rotations)."""

ORDINARY = ("delaycompress", "compress", "copytruncate compress")


class Writer(threading.Thread):
    """Appends numbered decisions; after its file was renamed it goes on in the old one for a moment, then reopens.

    `inode` is of the file it has open: nobody rotates again before it has reopened, however busy the machine is.
    """

    def __init__(self, path: Path, seed: int, pause_s: float) -> None:
        super().__init__(daemon=True)
        self.written = self.inode = 0
        self._path = path
        self._random = random.Random(seed)
        self._pause_s = pause_s
        self._stop_now = threading.Event()

    def run(self) -> None:
        """Write until finish()."""
        handle = self._open()
        while not self._stop_now.is_set():
            for _ in range(self._random.randint(1, 20)):
                text = f'{{"event":"line","part":"p{self.written % CLASSES}","n":{self.written}}}\n'
                os.write(handle, text.encode())
                self.written += 1
            if self._is_moved(handle) and self._random.random() < 0.3:
                os.close(handle)
                handle = self._open()
            self._stop_now.wait(self._random.random() * self._pause_s)
        os.close(handle)

    def finish(self) -> None:
        """Stop after the present line."""
        self._stop_now.set()
        self.join()

    def _open(self) -> int:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.inode = os.fstat(handle).st_ino
        return handle

    def _is_moved(self, handle: int) -> bool:
        try:
            return os.stat(self._path).st_ino != os.fstat(handle).st_ino
        except FileNotFoundError:
            return True


class Rotator(threading.Thread):
    """Runs logrotate again and again."""

    def __init__(self, folder: Path, path: Path, directives: list[str], seed: int, writer: Writer) -> None:
        super().__init__(daemon=True)
        self.rotations = 0
        self._path, self._writer = path, writer
        self._random = random.Random(seed)
        self._stop_now = threading.Event()
        config = folder / "logrotate.conf"
        text = [f"{path} {{", "rotate 5000", *directives, "}", ""]
        config.write_text("\n".join(text), encoding="utf-8")
        config.chmod(0o600)
        path.parent.chmod(0o755)
        self._command = ["logrotate", "--force", "--state", str(folder / "status"), str(config)]

    def run(self) -> None:
        """Rotate until finish()."""
        while not self._stop_now.wait(self._random.random() * 0.8):
            if self._path.exists() and os.stat(self._path).st_ino != self._writer.inode:
                continue
            subprocess.run(self._command, check=False, timeout=30, capture_output=True)
            self.rotations += 1

    def finish(self) -> None:
        """Stop after the present rotation."""
        self._stop_now.set()
        self.join()


def on_disk(folder: Path) -> set[int]:
    """Return the numbers of the lines in all files of a folder."""
    found: set[int] = set()
    for path in folder.iterdir():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found |= {int(number) for number in re.findall(rb'"n":(\d+)}\n', data)}
    return found


def counted(port: int) -> Counter[int]:
    """Return how many lines of each class are counted."""
    page = read_page(port)
    assert page is not None
    found = {dict(labels)["part"]: value for (name, labels), value in page.items() if name == "storm_lines_total"}
    assert not found.pop("other")
    return Counter({int(part[1:]): int(value) for part, value in found.items()})


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed here")
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", CONFIGURATIONS if IS_LONG else ORDINARY)
def test_under_real_logrotate_every_line_counts_once(tmp_path: Path, name: str, seed: int) -> None:
    (tmp_path / "logs").mkdir()
    contract = tmp_path / "storm.yaml"
    contract.write_text(CONTRACT, encoding="utf-8")
    file, port = tmp_path / "logs" / "events.jsonl", free_port()
    exporter, scraper = Exporter(file, tmp_path / "state", port, contract), Scraper(port, pause_s=0.1)
    writer = Writer(file, seed, pause_s=0.01)
    rotator = Rotator(tmp_path, file, CONFIGURATIONS[name], seed, writer)
    exporter.start()
    try:
        for thread in (writer, rotator, scraper):
            thread.start()
        kills = kill_and_start(exporter, random.Random(seed))
        rotator.finish()
        writer.finish()
        there, found = on_disk(file.parent), settled(port)
    finally:  # threads that went on would be seen by the tests after this one
        for thread in (rotator, writer, scraper):
            thread.finish()
        exporter.end(signal.SIGTERM)
    facts = f"{name}: {writer.written} written, {len(there)} on disk, {found.total()} counted, "
    facts += f"{rotator.rotations} rotations, {kills} kills"
    print(facts)
    written, least = (Counter(number % CLASSES for number in numbers) for numbers in (range(writer.written), there))
    assert not least - found, f"{facts}; too few of {least - found}"
    assert not found - written, f"{facts}; too many of {found - written}"
    assert name in DESTRUCTIVE or len(there) == writer.written, facts
    assert scraper.fallen == "", facts


def settled(port: int) -> Counter[int]:
    """Return what is counted once nothing more has been counted for three seconds, several looks."""
    found: list[Counter[int]] = []

    def is_still() -> bool:
        found.append(counted(port))
        return len(found) > 6 and found[-1] == found[-7]

    wait_until(is_still, "no more is counted", pause_s=0.5)
    return found[-1]


def kill_and_start(exporter: Exporter, chance: random.Random) -> int:
    """Kill the exporter and start it again until the time is over; return how often."""
    ends, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < ends:
        time.sleep(chance.random() * 2)
        exporter.end(signal.SIGKILL)
        time.sleep(chance.random() * chance.choice([0, 0, 2]))
        exporter.start()
        kills += 1
    return kills
