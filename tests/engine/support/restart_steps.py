"""What takes several steps, between which the exporter may look: packing, copytruncate, a writer that does not reopen.

And what no program does but people do: copies by hand, a folder that is not mounted. Rules of test_restart_model.
"""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from tests.engine.support.restart_harness import copy_to_backup
from tests.engine.support.restart_world import World, key_of, numbers_in, text_of

__all__ = ["Steps"]

Sizes = st.lists(st.integers(60, 300), min_size=1, max_size=4)


class Steps(World):
    """Rules for a machine over a world."""

    @precondition(lambda self: self.late_path() is not None and not self.is_copied(self.late_path()))
    @rule(sizes=Sizes)
    def append_late(self, sizes: list[int]) -> None:
        """A writer goes on in the file that was renamed."""
        data = self.write(sizes)
        assert self.late is not None
        os.write(self.late, data)

    @precondition(lambda self: self.late is not None)
    @rule()
    def reopen_at_last(self) -> None:
        self.reopen()

    @precondition(lambda self: self.base.exists())
    @rule()
    def copy_without_cutting(self) -> None:
        """The first half of copytruncate; of a file never opened nobody can tell from the copy which is written to."""
        if key_of(self.base) not in self.opened:
            self.copied.add(self.base.stat().st_ino)
        copy_to_backup(self.base)

    @precondition(lambda self: self.base.exists())
    @rule()
    def cut(self) -> None:
        """The second half of copytruncate, with or without the first."""
        self.forget_half(self.base)
        before, size = numbers_in(self.base), self.size(self.base)
        self.marked.discard(key_of(self.base))
        os.truncate(self.base, 0)
        self.destroyed(before, size, may_be_open=False)

    @rule(data=st.data(), keeps_times=st.booleans())
    def copy_by_hand(self, data: st.DataObject, keeps_times: bool) -> None:
        """Somebody keeps a copy under the next free name, of whatever is no longer written to late.

        Such a copy would be a whole file of its own: nothing that is longer is a copy of it.
        """
        late = self.late_path()
        files = [path for path in self.files() if path != late and not numbers_in(path) & self.old]
        if files:
            victim = data.draw(st.sampled_from(files))
            self.copied.add(victim.stat().st_ino)
            ending = ".gz" if victim.suffix == ".gz" else ""
            taken = [int(path.name.removeprefix(self.base.name).split(".")[1]) for path in self.backups()]
            copy = self.base.with_name(f"{self.base.name}.{max(taken, default=0) + 1}{ending}")
            (shutil.copy2 if keeps_times else shutil.copyfile)(victim, copy)

    def is_copied(self, path: Path | None) -> bool:
        """Whether a copy of a file was made by hand."""
        return path is not None and path.stat().st_ino in self.copied

    # Packing as gzip does it: a part of the packed file, the whole of it, the plain one removed

    def packing(self) -> list[tuple[Path, Path]]:
        """Return what is being packed, with what it becomes."""
        pairs = [(path, path.with_name(f"{path.name}.gz")) for path in self.backups() if path.suffix != ".gz"]
        return [(plain, packed) for plain, packed in pairs if packed.exists()]

    @rule(data=st.data())
    def begin_to_pack(self, data: st.DataObject) -> None:
        busy = {plain for plain, _ in self.packing()}
        idle = [path for path in self.backups() if path.suffix != ".gz" and path not in busy]
        if idle:
            victim = data.draw(st.sampled_from(idle))
            victim.with_name(f"{victim.name}.gz").write_bytes(gzip.compress(victim.read_bytes(), mtime=0)[:-6])

    @rule(data=st.data())
    def finish_packing(self, data: st.DataObject) -> None:
        begun = [pair for pair in self.packing() if not text_of(pair[1])]
        if begun:
            plain, packed = data.draw(st.sampled_from(begun))
            with packed.open("r+b") as out:
                out.write(gzip.compress(plain.read_bytes(), mtime=0))
            info = plain.stat()
            os.utime(packed, ns=(info.st_atime_ns, info.st_mtime_ns))

    @rule(data=st.data())
    def remove_what_is_packed(self, data: st.DataObject) -> None:
        """What was written late, after it was packed, goes with it."""
        done = [pair for pair in self.packing() if text_of(pair[1])]
        if done:
            plain, _ = data.draw(st.sampled_from(done))
            self.forget_half(plain)
            before, size, key = numbers_in(plain), self.size(plain), key_of(plain)
            plain.unlink()
            self.destroyed(before, size, may_be_open=key in self.opened)

    # The folder

    @precondition(lambda self: not self.is_rewritten)
    @rule()
    def take_the_folder_away_or_bring_it_back(self) -> None:
        self.was_away = True
        here, away = self.folder / "logs", self.folder / "away"
        if here.exists():
            here.rename(away)
        else:
            away.rename(here)
