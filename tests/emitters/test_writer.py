import errno
import os
from pathlib import Path

import pytest

from emitters.writer import Writer


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}


def test_events_become_compact_lines_at_the_end_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("before\n", encoding="utf-8")
    with Writer(tmp_path / "f") as writer:
        writer.append({"b": 1, "a": "ä\n"}, {"c": [None, 2.5]})
        writer.append({})
    assert contents(tmp_path) == {"f": 'before\n{"b":1,"a":"ä\\n"}\n{"c":[null,2.5]}\n{}\n'}


def test_a_line_is_on_the_file_when_append_returns(tmp_path: Path) -> None:
    with Writer(tmp_path / "f") as writer:
        writer.append({"i": 1})
        assert contents(tmp_path) == {"f": '{"i":1}\n'}


def test_missing_directories_are_created(tmp_path: Path) -> None:
    with Writer(tmp_path / "a" / "b" / "f") as writer:
        writer.append({"i": 1})
    assert contents(tmp_path / "a" / "b") == {"f": '{"i":1}\n'}


def test_a_lone_surrogate_is_written_as_a_json_escape(tmp_path: Path) -> None:
    with Writer(tmp_path / "f") as writer:
        writer.append({"id": "a\udc80"})
    assert contents(tmp_path) == {"f": '{"id":"a\\udc80"}\n'}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_json_does_not_have_are_refused_and_nothing_is_written(tmp_path: Path, number: float) -> None:
    with Writer(tmp_path / "f") as writer, pytest.raises(ValueError, match="Out of range float values"):
        writer.append({"x": number})
    assert contents(tmp_path) == {"f": ""}


def test_half_a_line_is_visible_until_the_rest_follows(tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []
    with Writer(tmp_path / "f") as writer:
        writer.append_in_halves({"i": 1}, between=lambda: seen.append(contents(tmp_path)))
    assert seen == [{"f": '{"i"'}]
    assert contents(tmp_path) == {"f": '{"i":1}\n'}


def test_a_line_begun_is_completed_whatever_happens_between(tmp_path: Path) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    with Writer(tmp_path / "f") as writer, pytest.raises(KeyboardInterrupt):
        writer.append_in_halves({"i": 1}, between=fail)
    assert contents(tmp_path) == {"f": '{"i":1}\n'}


def test_a_write_cut_short_by_the_system_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    with Writer(tmp_path / "f") as writer:
        writer.append({"i": 1}, {"i": 2})
    assert contents(tmp_path) == {"f": '{"i":1}\n{"i":2}\n'}


def test_rotation_counts_up_and_keeps_every_file(tmp_path: Path) -> None:
    with Writer(tmp_path / "f") as writer:
        for i in range(4):
            writer.append({"i": i})
            writer.rotate()
        writer.append({"i": 4})
    assert contents(tmp_path) == {
        "f": '{"i":4}\n',
        "f.1": '{"i":3}\n',
        "f.2": '{"i":2}\n',
        "f.3": '{"i":1}\n',
        "f.4": '{"i":0}\n',
    }


def test_rotation_stops_counting_up_at_the_first_gap(tmp_path: Path) -> None:
    (tmp_path / "f.1").write_text("one", encoding="utf-8")
    (tmp_path / "f.3").write_text("three", encoding="utf-8")
    with Writer(tmp_path / "f") as writer:
        writer.append({"i": 1})
        writer.rotate()
    assert contents(tmp_path) == {"f": "", "f.1": '{"i":1}\n', "f.2": "one", "f.3": "three"}


def test_what_is_appended_before_the_reopening_goes_to_the_renamed_file(tmp_path: Path) -> None:
    with Writer(tmp_path / "f") as writer:
        writer.append({"i": 1})
        writer.rotate(before_reopen=lambda: writer.append({"i": "late"}))
        writer.append({"i": 2})
    assert contents(tmp_path) == {"f": '{"i":2}\n', "f.1": '{"i":1}\n{"i":"late"}\n'}


def test_truncation_keeps_the_file_and_starts_it_anew(tmp_path: Path) -> None:
    with Writer(tmp_path / "f") as writer:
        writer.append({"i": 1})
        inode = (tmp_path / "f").stat().st_ino
        writer.truncate()
        assert contents(tmp_path) == {"f": ""}
        writer.append({"i": 2})
    assert contents(tmp_path) == {"f": '{"i":2}\n'}
    assert (tmp_path / "f").stat().st_ino == inode


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        Writer(tmp_path)
    assert (caught.value.strerror, caught.value.filename) == ("Is a directory", str(tmp_path))


def test_a_file_among_the_parents_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(NotADirectoryError) as caught:
        Writer(tmp_path / "f" / "g")
    assert (caught.value.strerror, caught.value.filename) == ("Not a directory", str(tmp_path / "f"))


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file") as caught:
        Writer(tmp_path / "pipe")
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(tmp_path / "pipe"))
