"""Rotation schemes, neighbours that are none of them, and what stood there before the first start (B4, B5, B16)."""

from __future__ import annotations

import bz2
import gzip
import logging
import logging.handlers
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, copytruncate, lines, pack, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}

down = pytest.mark.parametrize("is_down", [True, False])


def create(path: Path, number: int) -> None:
    shift(path)
    path.touch()


def nocreate(path: Path, number: int) -> None:
    shift(path)


def dateext(path: Path, number: int) -> None:
    path.rename(path.with_name(f"{path.name}-202611{20 + number}"))


def dateext_extension(path: Path, number: int) -> None:
    path.rename(path.with_name(f"{path.stem}-202611{20 + number}{path.suffix}"))


def dateext_hourly_packed(path: Path, number: int) -> None:
    name = path.with_name(f"{path.name}-2026112{number}-{number}00000")
    path.rename(name)
    pack(name)


def seconds(path: Path, number: int) -> None:
    path.rename(path.with_name(f"{path.name}-{1763596800 + number}"))


def set_aside(path: Path, number: int) -> None:
    path.rename(path.with_name(f"{path.name}-20261120{10 + number}.backup"))


def compress(path: Path, number: int) -> None:
    shift(path)
    pack(Path(f"{path}.1"))


def delaycompress(path: Path, number: int) -> None:
    if Path(f"{path}.1").exists():
        pack(Path(f"{path}.1"))
    shift(path)


def extension_packed(path: Path, number: int) -> None:
    name = path.with_name(f"{path.stem}.{number}{path.suffix}")
    path.rename(name)
    pack(name)


def timed(path: Path, number: int) -> None:
    path.rename(path.with_name(f"{path.name}.2026-11-2{number}"))


def date_in_front(path: Path, number: int) -> None:
    path.rename(path.with_name(f"20261120-1725-0{number}-{path.name}"))


def date_in_front_packed(path: Path, number: int) -> None:
    name = path.with_name(f"2026-11-2{number}T17.{path.name}")
    path.rename(name)
    pack(name)


def old(path: Path, number: int) -> None:
    path.rename(path.with_name(f"{path.name}.old"))


def copy(path: Path, number: int) -> None:
    copytruncate(path)


def copy_and_date(path: Path, number: int) -> None:
    copytruncate(path, f"{path.name}-2026112{number}")


SCHEMES = [
    create,
    nocreate,
    dateext,
    set_aside,
    dateext_extension,
    dateext_hourly_packed,
    seconds,
    compress,
    delaycompress,
    extension_packed,
    timed,
    date_in_front,
    date_in_front_packed,
    copy,
    copy_and_date,
]


@down
@pytest.mark.parametrize("rotations", [1, 3])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_b4_every_common_scheme_is_followed(
    exporter: Exporter, log_file: LogFile, scheme: Callable[[Path, int], object], rotations: int, is_down: bool
) -> None:
    log_file.append(lines([0, 1]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in range(1, rotations + 1):
        log_file.append(lines([10 * number]))
        scheme(log_file.path, number)
    log_file.append(lines([99]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted([0, 1, 99], [10 * number for number in range(1, rotations + 1)])
    assert exporter.lost_bytes == 0


@down
def test_b5_a_name_that_is_used_again_is_found_by_identity(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.append(lines([1]))
    old(log_file.path, 1)
    log_file.append(lines([2]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 1, 2])


def test_b5_a_file_renamed_to_a_name_no_scheme_gives_is_found_by_identity(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    log_file.append(lines([1]))
    log_file.rotate("set-aside-by-hand")
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])


def test_b5_olddir_cannot_be_found_and_is_measured(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines([0]) + b"seen, not read")
    exporter.start().poll().kill()
    (log_file.path.parent / "old").mkdir()
    log_file.path.rename(log_file.path.parent / "old" / "events.jsonl.1")
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 2])
    assert (exporter.lost_bytes, exporter.recoveries) == (len(b"seen, not read"), {"missing": 1})


@down
def test_b4_pythons_rotating_file_handler_is_followed(exporter: Exporter, log_file: LogFile, is_down: bool) -> None:
    handler = logging.handlers.RotatingFileHandler(log_file.path, maxBytes=400, backupCount=5)
    handler.terminator = ""
    logger = logging.Logger("events")
    logger.addHandler(handler)
    logger.info(lines([0]).decode())
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in range(1, 20):
        logger.info(lines([number]).decode())
    if is_down:
        exporter.start()
    exporter.let_rest()
    handler.close()
    assert Path(f"{log_file}.3").exists()
    assert exporter.counted(range(20))


@down
@pytest.mark.parametrize("rotations", [1, 3])
@pytest.mark.parametrize("packer", [None, "gz", "bz2", "xz"])
def test_b4_svlogd_and_multilog_are_followed(
    tmp_path: Path, clock: FakeClock, log_file: LogFile, rotations: int, is_down: bool, packer: str | None
) -> None:
    current = LogFile(log_file.path.with_name("current"))
    exporter = Exporter(tmp_path, clock, current)
    current.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in range(1, rotations + 1):
        current.append(lines([number]))
        name = current.path.with_name(f"@4000000069{number:014x}.s")
        if packer:
            name.with_suffix(".t").write_bytes(PACKERS[packer](current.path.read_bytes()))
            current.path.rename(name.with_suffix(".u"))
            name.with_suffix(".t").rename(name)
            name.with_suffix(".u").unlink()
        else:
            current.path.rename(name)
    current.append(lines([9]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(rotations + 1), [9])
    exporter.end()


@down
@pytest.mark.parametrize("is_packed", [False, True])
def test_b12_a_link_to_dated_files_that_was_switched_several_times_leaves_none_unread(
    exporter: Exporter, log_file: LogFile, is_packed: bool, is_down: bool
) -> None:
    def switch(day: int, number: int) -> None:
        target = log_file.path.with_name(f"app-2026-11-{day}.jsonl")
        target.write_bytes(lines([number]))
        fresh = log_file.path.with_name("link~")
        fresh.symlink_to(target.name)
        fresh.replace(log_file.path)

    for day, number in ((20, 900), (21, 0)):
        switch(day, number)
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for day, number in ((22, 1), (23, 2), (24, 3)):
        switch(day, number)
    if is_packed:
        pack(log_file.path.with_name("app-2026-11-22.jsonl"))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(4))


@down
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("name", ["app.{}.jsonl", "app.jsonl.{}", "{}.log"])
def test_b12_a_link_to_numbered_files_that_was_switched_several_times_leaves_none_unread(
    exporter: Exporter, log_file: LogFile, name: str, is_packed: bool, is_down: bool
) -> None:
    folder = log_file.path.parent

    def switch(at: int, number: int) -> None:
        (folder / name.format(at)).write_bytes(lines([number]))
        (folder / "link~").symlink_to(name.format(at))
        (folder / "link~").replace(log_file.path)

    switch(8, 900)
    switch(9, 0)
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in (1, 2, 3):
        switch(9 + number, number)
    if is_packed:
        (folder / name.format(10)).rename(rotated := folder / f"{name.format(10)}.20261120-172501")
        pack(rotated)
    (folder / name.format(13)).write_bytes(lines([901]))  # the link does not lead there yet
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(4))


@down
@pytest.mark.parametrize("ending", [*PACKERS, "zst"])
@pytest.mark.parametrize("is_whole", [True, False])
def test_b16_every_common_packer_is_read_and_what_it_has_not_finished_is_not(
    exporter: Exporter, log_file: LogFile, ending: str, is_whole: bool, is_down: bool
) -> None:
    if ending == "zst":
        compress = pytest.importorskip("zstandard", reason="the extra `zst` is not installed").compress
    else:
        compress = PACKERS[ending]
    log_file.append(lines(range(100)))
    exporter.start().poll().kill()
    log_file.append(lines(range(100, 120)))
    text = compress(log_file.path.read_bytes())
    packed = Path(f"{log_file}.1.{ending}")
    packed.write_bytes(text if is_whole else text[:-5])
    if not is_whole:
        shift(log_file.path)
    else:
        log_file.path.unlink()
    log_file.append(lines([200]))
    exporter.start().let_rest()
    if not is_down:
        packed.write_bytes(text)
        Path(f"{log_file}.1").unlink(missing_ok=True)
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(120), [200])
    assert exporter.lost_bytes == 0


LOGROTATE = {
    "create": ["create"],
    "nocreate": ["nocreate"],
    "copytruncate": ["copytruncate"],
    "compress": ["compress"],
    "delaycompress": ["compress", "delaycompress"],
    "dateext": ["dateext", "dateformat -%Y%m%d-%s"],
    "extension": ["extension .jsonl", "compress"],
}


@pytest.mark.needs("logrotate")
@down
@pytest.mark.parametrize("directives", LOGROTATE.values(), ids=list(LOGROTATE))
def test_b4_logrotate_itself_is_followed(
    exporter: Exporter, log_file: LogFile, tmp_path: Path, directives: list[str], is_down: bool
) -> None:
    config = tmp_path / "logrotate.conf"
    config.write_text("\n".join([f"{log_file} {{", "rotate 9", *directives, "}", ""]), encoding="utf-8")
    config.chmod(0o600)
    log_file.path.parent.chmod(0o755)
    rotations = 1 if "dateext" in directives else 3  # within one second its names are the same
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in range(1, rotations + 1):
        log_file.append(lines([number]))
        subprocess.run(["logrotate", "--force", "--state", tmp_path / "status", config], check=True, timeout=30)
    log_file.append(lines([9]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 9], range(1, rotations + 1))
    assert exporter.lost_bytes == 0


NEIGHBOURS = [
    "events.jsonl.bak",
    "events.jsonl.swp",
    "events.jsonl.lock",
    "events.jsonl~",
    "events-shadow.jsonl",
    "events-1.jsonl",
    "events-31337.jsonl",
    "events2.jsonl",
    "events.jsonl.1.tmp",
    "events.jsonl.gz.1.tmp",
    "other.jsonl.1",
    "my-events.jsonl.1",
    "7-events.jsonl",
    "20261120events.jsonl",
    "2026-events.jsonl",
]


@down
def test_unrelated_neighbours_are_never_read(exporter: Exporter, log_file: LogFile, is_down: bool) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for at, name in enumerate(NEIGHBOURS):
        log_file.path.with_name(name).write_bytes(lines([100 + at]))
    log_file.path.with_name("events.jsonl.7").mkdir()
    os.mkfifo(log_file.path.with_name("events.jsonl.8"))
    log_file.path.with_name("events.jsonl.9").symlink_to("nowhere")
    shift(log_file.path, keep=5)
    log_file.append(lines([1]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 1])


@pytest.mark.parametrize("later", ["stays", "moves on", "packed", "packed with new times", "touched", "grown"])
def test_a_backup_that_stood_there_before_the_first_start_is_never_read(
    exporter: Exporter, log_file: LogFile, later: str
) -> None:
    before = Path(f"{log_file}.1")
    before.write_bytes(lines(range(900, 960)))
    pack(Path(shutil.copy(before, f"{log_file}.2")))
    log_file.append(lines([0]))
    exporter.start().poll()
    shift(log_file.path)
    before = Path(f"{log_file}.2")
    if later == "moves on":
        shift(log_file.path)
    elif later == "packed":
        pack(before)
    elif later == "packed with new times":
        Path(f"{before}.gz").write_bytes(gzip.compress(before.read_bytes()))
        before.unlink()
    elif later == "touched":
        os.utime(before)
    elif later == "grown":
        with before.open("ab") as out:
            out.write(lines([961]))
    log_file.append(lines([1]))
    exporter.let_rest().kill()
    shift(log_file.path)
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])


def test_a_first_start_reads_the_live_file_from_its_start_and_says_so(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines(range(3)))
    with caplog.at_level(logging.INFO, "peaktrade.exporter"):
        exporter.start().poll()
    assert exporter.counted(range(3))
    assert "no state yet: every file is read from its start exporter=sample" in caplog.messages
    caplog.clear()
    with caplog.at_level(logging.INFO, "peaktrade.exporter"):
        exporter.restart()
    assert not any("no state yet" in message for message in caplog.messages)
