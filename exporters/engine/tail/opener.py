"""Opens what the paths lead to: new files behind the generations before them, and, with few descriptors, in turns.

In: what a look at the paths found. Out: generations in their chains, and notices. Part of the tail stage. A file that
must make room for another is parked: closed with its checkpoint kept, looked for again, by identity and content as
after a restart, as soon as it or what its path leads to has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from exporters.engine.tail.catch_up import CatchUp
from exporters.engine.tail.finder import Found, Inode
from exporters.engine.tail.generations import Generation, OpenFiles
from exporters.engine.tail.history import History
from exporters.engine.tail.openings import UNREAD
from exporters.engine.tail.recover import Recovery
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey, Notice

__all__ = ["Opener"]


_SPARE = 16
"""Files closed beyond those that must be when descriptors run out, so that something can be opened at all."""


class Opener:
    """Opens files for one tail.

    Attributes:
        waiting: files that could not be opened yet for want of descriptors, inode -> path.
        missed: names that led to a file once and led to none at the last look.
    """

    def __init__(
        self,
        open_files: OpenFiles,
        history: History,
        catch_up: CatchUp,
        open_stream: Callable[[str], Stream | None],
        max_open: int,
    ) -> None:
        self._open_files = open_files
        self._history = history
        self._catch_up = catch_up
        self._open_stream = open_stream
        self._max_open = self._allowed = max_open
        self._refused: list[str] = []
        self._beside: list[str] = []
        self._found = Found()
        self._parked: dict[str, object] = {}
        self.waiting: dict[Inode, str] = {}
        self.missed: set[str] = set()

    def first_turn(self, checkpoints: Sequence[Checkpoint]) -> tuple[list[Checkpoint], Recovery]:
        """Return the checkpoints of as many paths as may be open at once, and the others as what waits for its turn."""
        number = Counter(checkpoint.path for checkpoint in checkpoints if not checkpoint.done)
        room, later = self._max_open, set()
        for path, count in number.items():
            room -= count
            later |= {path} if room < 0 else set()
        waiting = [checkpoint for checkpoint in checkpoints if checkpoint.path in later]
        done, absent = [one for one in waiting if one.done], [one for one in waiting if not one.done]
        first = [checkpoint for checkpoint in checkpoints if checkpoint.path not in later]
        return first, Recovery(met=later, done=done, absent=absent)

    def lower_limit(self, path: str) -> None:
        """Note that no file can be opened beyond those that are: others of the process need descriptors too."""
        self._max_open = max(1, self._open_files.count() - _SPARE)
        self._refused.append(path)

    @property
    def unopened(self) -> list[str]:
        """The files that wait for descriptors."""
        return [*self.waiting.values(), *self._refused]

    def look(self, found: Found, monotonic: float) -> list[Notice]:
        """Note what the paths lead to now, and open what is new, as far as descriptors reach."""
        self._found = found
        self._refused = []
        self._max_open = min(self._allowed, self._max_open + _SPARE)
        held = set()
        for gen in self._open_files.generations():
            gen.look(found.files.get(gen.inode), monotonic)
            held.add(gen.inode)
        self._parked = {path: state for path, state in self._parked.items() if found.states.get(path) == state}
        fresh = {inode: path for inode, path in found.files.items() if inode not in held}
        self.waiting = {inode: path for inode, path in fresh.items() if path not in self._parked}
        self._beside = self._history.beside(found.files.values())
        return self.take_turn(monotonic, is_first=True)

    def take_turn(self, monotonic: float, is_first: bool = False) -> list[Notice]:
        """Open waiting files, closing others that have nothing new if there are too many."""
        room = self._make_room(len(self.waiting) + len(self._beside), monotonic)
        turn = dict(list(self.waiting.items())[:room])
        self.waiting = dict(list(self.waiting.items())[room:])
        if not turn and not is_first:
            return []
        back = self._catch_up.come_back([*turn.values(), *self._beside[: room - len(turn)]], monotonic)
        held = {gen.inode for gen in self._open_files.generations()}
        return back + self._open({inode: path for inode, path in turn.items() if inode not in held}, held, monotonic)

    def _make_room(self, wanted: int, monotonic: float) -> int:
        """Return how many files may be opened now, up to `wanted`, after closing what has nothing new."""
        generations = list(self._open_files.generations())
        room = self._max_open - len(generations)
        if room < wanted:
            alone = {id(chain[0]) for _, chain in self._open_files.items() if len(chain) == 1}
            idle = [gen for gen in generations if id(gen) in alone and gen.is_live and gen.is_read]
            idle.sort(key=lambda gen: gen.active_at)
            for gen in idle[: wanted - room]:
                self._park(gen)
                room += 1
        return min(wanted, max(0, room))

    def _park(self, gen: Generation) -> None:
        path = gen.stream.path
        state = self._found.states.get(path)
        if state is not None:
            self._parked[path] = state
        self._history.keep([self._history.marked(gen.stream.checkpoint(gen.serial))])
        gen.stream.close()
        self._open_files.drop(gen)

    def _open(self, fresh: Mapping[Inode, str], taken: set[Inode], monotonic: float) -> list[Notice]:
        """Open what paths lead to now, behind the generations before it, those nobody has seen included.

        Between the look (which found `fresh`) and the opening a path may have been given to another file, even to an
        open one. Backups are looked at after the opening, so that what was renamed before it is among them.
        """
        names = self._open_files.names() if fresh else {}
        inodes = {path: inode for inode, path in fresh.items()}
        judged = self._history.judge(inodes, self._open_files.held_by_family)
        longer = {path: one.of for path, one in judged.items() if one.of and one.verdict == "longer copy"}
        wanted = {path: key for path, key in inodes.items() if path not in judged or judged[path].verdict in UNREAD}
        first = self._catch_up.meet(wanted, {*self._found.files, *taken})
        new: dict[str, Stream] = {}
        for path in wanted:
            stream = self._open_stream(path)
            if stream is not None:
                new[path] = stream
                if path in longer:
                    stream.restore(longer[path])
        rotated = [path for path, stream in new.items() if self._is_successor(path, stream, wanted[path], names)]
        self._history.look(rotated)
        keys = {gen.stream.key for gen in self._open_files.generations()} if new else set()
        notices = []
        for path in sorted(new, key=lambda path: path not in rotated):
            has_past = path in rotated or path not in first
            notices += self._join(path, names.get(path, path), new, keys, has_past, monotonic)
        return [Notice("rotated", path) for path in rotated if path in new] + notices

    def _is_successor(self, path: str, stream: Stream, inode: Inode, names: Mapping[str, str]) -> bool:
        """Whether the path led to another file before."""
        is_known = bool(self._open_files.held(names.get(path, path))) or self._history.has_past(path)
        return is_known or stream.key[:2] != inode

    def _join(
        self, path: str, key: str, new: dict[str, Stream], keys: set[FileKey], has_past: bool, monotonic: float
    ) -> list[Notice]:
        """Put an opened file at the end of its chain, unless it has been taken for what was rotated unseen of another.

        Such a file leaves `new`. `keys`: identities of all open files.
        """
        stream = new[path]
        chain = self._open_files.at(key)
        if stream.key in keys:
            new.pop(path).close()
            return []
        notices = self._catch_up.add_unread(path, chain, monotonic, stream) if has_past else []
        is_back = self._history.take_back(stream)
        gen = Generation(stream, is_begun=is_back, after_gap=path in self.missed, active_at=monotonic)
        self._open_files.add(gen, chain)
        self._history.opened(key)
        keys |= {gen.stream.key for gen in chain}
        return notices
