"""Evidence: a new folder for every run, with date, host, versions, commit and checksums."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import pytest

from exporters.commands.verify.evidence import Evidence, commit_of
from exporters.version import VERSION


def test_two_runs_of_one_second_have_folders_of_their_own_and_nothing_is_overwritten(tmp_path: Path) -> None:
    kept = [Evidence(tmp_path / "evidence") for _ in range(3)]
    for number, one in enumerate(kept):
        one.keep("answer.json", str(number).encode())
        one.close({})
    places = [one.place for one in kept]
    assert len(set(places)) == 3
    assert [place.joinpath("answer.json").read_text() for place in places if place] == ["0", "1", "2"]


def test_it_says_when_where_by_what_and_of_what(tmp_path: Path) -> None:
    kept = Evidence(tmp_path)
    kept.note("RESULT=PASS")
    kept.keep("queries/a.json", b"{}")
    kept.close({"prometheus": "http://127.0.0.1:9092 2.42.0"})
    assert kept.place is not None
    meta = dict(line.split("=", 1) for line in (kept.place / "META.txt").read_text().splitlines())
    assert meta.keys() == {"date", "host", "peaktrade", "commit", "python", "prometheus"}
    assert (meta["host"], meta["peaktrade"]) == (platform.node(), VERSION)
    assert meta["prometheus"] == "http://127.0.0.1:9092 2.42.0"
    lines = [line.split("  ") for line in (kept.place / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert sums.keys() == {"META.txt", "queries/a.json", "summary.txt"}
    for name, digest in sums.items():
        assert hashlib.sha256((kept.place / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({"HEAD": "abc\n"}, "abc"),
        ({"HEAD": "ref: refs/heads/main\n", "refs/heads/main": "def\n"}, "def"),
        ({"HEAD": "ref: refs/heads/main\n", "packed-refs": "# packed\n123 refs/heads/main\n"}, "123"),
        ({"HEAD": "ref: refs/heads/main\n"}, ""),
        ({}, ""),
    ],
)
def test_the_commit_is_read_from_the_checkout(tmp_path: Path, files: dict[str, str], commit: str) -> None:
    for name, text in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert commit_of(tmp_path) == commit


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = Evidence(None)
    kept.keep("a", b"b")
    kept.close({})
    assert (kept.place, list(tmp_path.iterdir())) == (None, [])
