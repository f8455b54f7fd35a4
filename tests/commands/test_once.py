"""`--once` as a user runs it: what it reads, what it prints and where, and how it ends."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

PEAKTRADE = str(Path(sys.executable).parent / "peaktrade")
CONTRACT = """
exporter: {name: my, help: Numbers from events., port: 21120, job: my}
files: {default: input.jsonl}
vocabulary:
  status: {values: [ok, failed]}
sources:
  f: {match: {event: r}, read: {status: status}}
metrics:
  reqs_total: {type: counter, counts: status, labels: [status], budget: 2, help: Requests.}
"""
OK = b'{"event": "r", "status": "ok"}\n'
ONE = ['reqs_total{status="failed"} 0.0', 'reqs_total{status="ok"} 1.0']
NONE = ['reqs_total{status="failed"} 0.0', 'reqs_total{status="ok"} 0.0']
CLOSED = "standard output was closed; the page is not complete\n"


class Done(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my.yaml").write_text(CONTRACT)
    return tmp_path


def once(folder: Path, rest: str = "", given: bytes = b"", stdout: int = subprocess.PIPE) -> Done:
    """Run it in a folder, `rest` being the rest of the shell's command, with something on standard input."""
    command = f"exec {PEAKTRADE} export --contract my.yaml --once {rest}"
    done = subprocess.run(
        ["sh", "-c", command], input=given, stdout=stdout, stderr=subprocess.PIPE, cwd=folder, check=False, timeout=60
    )
    return Done(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())


def samples(page: str, name: str) -> list[str]:
    """Return the lines of a metric's samples."""
    return [line for line in page.splitlines() if line.startswith((f"{name}{{", f"{name} "))]


def own(page: str, name: str) -> float:
    """Return the value of a metric of the exporter about itself."""
    (line,) = samples(page, f"peak_trade_exporter_{name}")
    return float(line.split()[-1])


def test_a_finished_file_counts_whole_and_says_so(folder: Path) -> None:
    (folder / "input.jsonl").write_bytes((OK * 3)[:-1])
    code, page, err = once(folder)
    assert (code, err) == (0, "")
    assert samples(page, "reqs_total") == [NONE[0], 'reqs_total{status="ok"} 3.0']
    assert 'peak_trade_exporter_lines_total{exporter="my",outcome="applied"} 3.0' in page
    assert [own(page, name) for name in ("file_present", "lag_bytes", "files_unreadable")] == [1, 0, 0]
    assert own(page, "read_bytes_total") == (folder / "input.jsonl").stat().st_size


@pytest.mark.parametrize(
    ("name", "pack"), [("old.jsonl.gz", gzip.compress), ("old.bz2", bz2.compress), ("old.xz", lzma.compress)]
)
def test_a_packed_file_that_is_named_is_read(folder: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (folder / name).write_bytes(pack(OK))
    code, page, err = once(folder, f"--file {name}")
    assert (code, samples(page, "reqs_total"), err) == (0, ONE, "")


def test_zst_is_read_if_its_package_is_there_and_named_if_not(folder: Path) -> None:
    path = folder / "old.zst"
    if find_spec("zstandard"):
        path.write_bytes(import_module("zstandard").compress(OK))
        assert samples(once(folder, "--file old.zst").out, "reqs_total") == ONE
    else:
        path.write_bytes(b"")
        message = "old.zst: cannot be read (zstandard is not installed); give --file a readable file\n"
        assert once(folder, "--file old.zst") == (1, "", message)


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_standard_input_is_read(folder: Path, name: str) -> None:
    code, page, err = once(folder, f"--file {name}", OK)
    assert (code, samples(page, "reqs_total"), err) == (0, ONE, "")
    assert own(page, "file_present") == 1


def test_a_redirected_file_is_read_as_standard_input(folder: Path) -> None:
    (folder / "x").write_bytes(OK)
    assert samples(once(folder, "--file - < x").out, "reqs_total") == ONE


def test_an_empty_standard_input_is_a_page_of_zeros_not_a_missing_file(folder: Path) -> None:
    code, page, err = once(folder, "--file -")
    assert (code, samples(page, "reqs_total"), err) == (0, NONE, "")


def test_a_closed_standard_input_is_one_sentence(folder: Path) -> None:
    message = "standard input: cannot be read (bad file descriptor); give --file a readable file\n"
    assert once(folder, "--file - <&-") == (1, "", message)


def test_standard_input_cannot_be_served(folder: Path) -> None:
    command = [PEAKTRADE, "export", "--contract", "my.yaml", "--file", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    message = "Error: --file -: standard input can only be read once; add --once, or name a file"
    assert done.stderr.splitlines()[-1] == message


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("", "input.jsonl: no such file; give --file the path of the events\n"),
        (
            "--file a --file 'b*'",
            "a: no such file; give --file the path of the events\n"
            "b*: no such file; give --file the path of the events\n",
        ),
        ("--file .", ".: cannot be read (is a directory); give --file a readable file\n"),
        ("--file none.gz", "none.gz: no such file; give --file the path of the events\n"),
    ],
)
def test_without_a_file_there_is_a_sentence_and_no_page(folder: Path, rest: str, message: str) -> None:
    assert once(folder, rest) == (1, "", message)


def test_what_could_be_read_is_printed_though_something_is_missing_and_the_exit_code_tells(folder: Path) -> None:
    (folder / "x").write_bytes(OK)
    code, page, err = once(folder, "--file x --file gone")
    assert (code, samples(page, "reqs_total")) == (1, ONE)
    assert err == "gone: no such file; give --file the path of the events\n"


def test_a_damaged_file_is_said_and_what_came_before_the_damage_is_counted(folder: Path) -> None:
    (folder / "x.gz").write_bytes(gzip.compress(OK * 20_000) + b"and more")
    code, page, err = once(folder, "--file x.gz")
    assert code == 1
    assert 0 < own(page, "read_bytes_total") <= len(OK) * 20_000
    assert err == "x.gz: cannot be read (not a gzipped file (b'an')); give --file a readable file\n"


def test_what_is_packed_in_name_only_is_a_file_that_cannot_be_read(folder: Path) -> None:
    (folder / "x.gz").write_bytes(OK)
    message = "x.gz: cannot be read (not a gzipped file (b'{\"')); give --file a readable file\n"
    assert once(folder, "--file x.gz") == (1, "", message)


def test_a_full_standard_output_is_one_sentence(folder: Path) -> None:
    (folder / "input.jsonl").write_bytes(OK)
    message = "standard output cannot be written (no space left on device); the page is not complete\n"
    assert once(folder, "> /dev/full") == (1, "", message)


def test_a_reader_that_goes_away_is_one_sentence(folder: Path) -> None:
    (folder / "input.jsonl").write_bytes(OK)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert once(folder, stdout=writer) == (1, "", CLOSED)
    finally:
        os.close(writer)


def test_a_closed_standard_output_is_one_sentence_and_no_file_is_written_over(folder: Path) -> None:
    (folder / "input.jsonl").write_bytes(OK)
    assert once(folder, ">&-") == (1, "", CLOSED)
    assert (folder / "input.jsonl").read_bytes() == OK


def test_refused_lines_are_summed_up_by_reason_on_standard_error(folder: Path) -> None:
    (folder / "input.jsonl").write_text('not json\nnot json 2\n{"evnt":"r"}\n')
    done = once(folder)
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line.startswith("reqs_total{")] == NONE
    assert done.err.splitlines() == [
        "2 lines refused as bad_json, the first at input.jsonl@0: JSON is malformed: invalid character (byte 1)",
        "1 line refused as unknown_schema, at input.jsonl@20: no source matches; "
        'of the nearest, f, event is absent, wanted "r"',
    ]
