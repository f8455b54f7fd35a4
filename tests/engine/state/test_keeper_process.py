import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.engine.support.mounts import remount, small_disk
from tests.engine.support.stores import opened, rows_of

pytestmark = pytest.mark.thorough


def exporter(state_dir: Path | str, events: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "exporters.ai_live", "--file", str(events), "--port", str(port)]
    return subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--state-dir", str(state_dir)], stderr=subprocess.PIPE, text=True
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def said_at_the_end(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, said


def test_without_a_state_and_a_folder_for_one_the_exporter_says_what_to_do_and_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = exporter(tmp_path / "file", tmp_path / "events.jsonl", free_port())
    folder = tmp_path / "file"
    assert said_at_the_end(process) == (
        1,
        f"{folder}: the state cannot be kept here (file exists);"
        " give --state-dir a folder that can be written to, or `none`\n",
    )


def test_a_read_only_disk_without_a_state_ends_the_start(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state") as disk:
        remount(disk, "ro")
        assert said_at_the_end(exporter(disk, tmp_path / "events.jsonl", free_port())) == (
            1,
            f"{disk}: the state cannot be kept here (read-only file system);"
            " give --state-dir a folder that can be written to, or `none`\n",
        )


def test_a_second_exporter_says_who_has_the_state_and_ends(tmp_path: Path) -> None:
    with opened(tmp_path / "ai_live.db", "ai_live"):
        process = exporter(tmp_path, tmp_path / "events.jsonl", free_port())
        assert said_at_the_end(process) == (
            1,
            f"{tmp_path}/ai_live.db: process {os.getpid()} has this state;"
            " stop that process, or give this one another --state-dir\n",
        )


def test_a_killed_exporter_leaves_a_state_that_can_be_had_at_once(tmp_path: Path) -> None:
    events, port = tmp_path / "events.jsonl", free_port()
    events.write_text('{"v": 1, "decision": "accept", "ts_utc": "2026-01-25T00:00:00Z"}\n' * 3)
    process = exporter(tmp_path, events, port)
    try:
        body = scraped(port)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert (
        'peaktrade_ai_decisions_total{component="execution_watch",decision="accept",reason="none",run_id="na"} 3.0'
        in body
    )
    rows = rows_of(tmp_path / "ai_live.db", "ai_live")
    key = '["peaktrade_ai_decisions_total", "accept", "none", "execution_watch", "na"]'
    assert [value[0] for kind, found, value in rows if (kind, found) == ("series", key)] == [3.0]  # type: ignore[index]


def scraped(port: int) -> str:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no answer")
