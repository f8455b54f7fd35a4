"""Every line is counted under one outcome and every byte once, whatever is written, however it is rotated."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from contracts.model import Contract
from exporters.engine.run import Engine
from exporters.engine.tail.tail import Tail
from tests.budget import amount
from tests.conftest import FakeClock, LogFile
from tests.engine.support.harness import contract_of

MAX_LINE = 200

SMALL = """
vocabulary:
  kind: {values: [a, b]}
  size: {type: number, unit: bytes, min: 0}
sources:
  one:
    match: {v: 1}
    read: {kind: {path: kind, required: true}, size: size}
  quiet:
    match: {v: 2}
    read: {size: size}
metrics:
  peak_trade_things_total: {type: counter, counts: kind, labels: [kind], budget: 2, help: Things.}
  peak_trade_size_bytes: {type: histogram, observes: size, labels: [source], buckets: [1], budget: 2, help: Sizes.}
"""

LINES = {
    b'{"v":1,"kind":"a"}': "applied",
    b'{"v":1,"kind":"b","size":"mistyped"}': "applied",
    b'  {"v":1,"kind":"a"}\r': "applied",
    b'{"v":2}': "ignored",
    b'{"v":2,"size":1}': "applied",
    b'{"v":2,"size":NaN}': "ignored",
    b'{"v":2,"size":-1}': "ignored",
    b'{"v":1,"kind":"a","size":1e400}': "applied",
    b'{"v":1}': "missing_fields",
    b'{"v":3}': "unknown_schema",
    b"{}": "unknown_schema",
    b"{}{}": "bad_json",
    b'{"v":1,"kind":"a"': "bad_json",
    b'"kind":"a"}': "bad_json",
    b"\xff": "invalid_utf8",
    b"[1]": "not_object",
    b"": "blank",
    b"\r": "blank",
}
"""Line -> the outcome it must be counted under."""


def totals(engine: Engine, name: str) -> Counter[str]:
    """Return a self metric's committed values by its last label."""
    snapshot, _ = engine.publish()
    found = next(samples for metric, samples in snapshot if metric.name == f"peak_trade_exporter_{name}")
    return Counter({sample.labels[-1]: round(sample.value) for sample in found if sample.value})


def sizes(engine: Engine) -> int:
    """Return how many sizes were observed, refused or absent."""
    snapshot, _ = engine.publish()
    found = next(samples for metric, samples in snapshot if metric.name == "peak_trade_size_bytes")
    observed = sum(sum(sample.buckets) for sample in found)
    return observed + totals(engine, "refused_values_total").total() + totals(engine, "absent_values_total").total()


class ConservationMachine(RuleBasedStateMachine):
    """A writer and rotation on one side, an engine on the other, a ledger of what must be counted between them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="conservation-"))
        self.log = LogFile(self.folder / "e.jsonl")
        self.clock = FakeClock()
        self.unread: list[tuple[str, int]] = []
        self.unread_bytes = self.half = self.new_lines = 0
        self.is_rotated = False
        self.outcomes: Counter[str] = Counter()
        self.read_bytes = self.line_bytes = 0

    @initialize(batch_bytes=st.sampled_from([32, 1 << 18]))
    def begin(self, batch_bytes: int) -> None:
        contract: Contract = contract_of(self.folder, SMALL)
        self.engine = Engine(contract, Tail([str(self.log)], MAX_LINE, batch_bytes), {}, self.clock).start()

    def teardown(self) -> None:
        self.engine.tail.close()
        shutil.rmtree(self.folder)

    def write(self, data: bytes) -> None:
        if self.is_rotated:  # a file with the very text of the one before could as well be its copy
            self.is_rotated = False
            self.write_new_line()
        self.log.append(data)
        self.unread_bytes += len(data)

    def write_new_line(self) -> None:
        """Write a line that stands nowhere else."""
        self.new_lines += 1
        text = b'{"new":%d}\n' % self.new_lines
        self.unread.append(("unknown_schema", len(text)))
        self.write(text)

    def end_half(self) -> None:
        """End the half line, if there is one; as it stands it is no JSON."""
        if self.half:
            self.write(b"\n")
            self.unread.append(("bad_json", self.half + 1))
            self.half = 0

    @rule(lines=st.lists(st.sampled_from(sorted(LINES)), min_size=1, max_size=20))
    def append_lines(self, lines: list[bytes]) -> None:
        self.end_half()
        for text in lines:
            self.write(text + b"\n")
            self.unread.append((LINES[text], len(text) + 1))

    @rule(size=st.integers(1, MAX_LINE))
    def append_half(self, size: int) -> None:
        self.end_half()
        self.write(b"{" * size)
        self.half = size

    @rule(size=st.integers(MAX_LINE + 1, 9 * MAX_LINE))
    def append_too_long(self, size: int) -> None:
        self.end_half()
        self.write(b"x" * size + b"\n")
        self.unread.append(("too_long", 0))

    @rule(number=st.integers(1, 3 * MAX_LINE))
    def append_nuls_and_a_line(self, number: int) -> None:
        self.end_half()
        self.write(b"\0" * number + b"{}\n")
        self.unread.append(("unknown_schema", 3))

    @rule()
    def rotate(self) -> None:
        """Rename the file and begin anew; a half line stays behind for good."""
        if self.log.path.exists() and not self.half:
            self.log.rotate(f"e.jsonl.{len(list(self.folder.iterdir()))}")
            self.is_rotated = True
        self.log.append(b"")

    @rule()
    def look_and_empty(self) -> None:
        """Truncate the file right after everything in it was read; it goes on with a line it never held before."""
        self.end_half()
        self.look(0.0)
        self.log.rewrite(b"")
        self.is_rotated = False
        self.write_new_line()

    @rule(seconds=st.sampled_from([0.0, 0.2, 1.0, 15.0]))
    def look(self, seconds: float) -> None:
        """Have the engine step as for a scrape, and hold what it counted against the ledger."""
        self.clock.advance(max(seconds, 1.0))
        self.log.append(b"")
        self.engine.step()
        for outcome, size in self.unread:
            self.outcomes[outcome] += 1
            self.line_bytes += size
        self.read_bytes += self.unread_bytes - self.half
        self.unread, self.unread_bytes = [], self.half
        assert totals(self.engine, "lines_total") == self.outcomes
        assert totals(self.engine, "read_bytes_total").total() == self.read_bytes
        assert self.line_bytes + totals(self.engine, "skipped_bytes_total").total() == self.read_bytes
        assert sizes(self.engine) == self.outcomes["applied"] + self.outcomes["ignored"]
        assert totals(self.engine, "lost_bytes_total").total() == 0
        assert self.engine.tail.lag_bytes == self.half


TestConservation = pytest.mark.slow(ConservationMachine.TestCase)
TestConservation.settings = settings(
    max_examples=amount(30, 1000), stateful_step_count=25, deadline=None, print_blob=True
)


@pytest.mark.parametrize(("text", "outcome"), LINES.items(), ids=[repr(text) for text in LINES])
def test_a_line_is_counted_under_one_outcome(
    log_file: LogFile, clock: FakeClock, tmp_path: Path, text: bytes, outcome: str
) -> None:
    engine = Engine(contract_of(tmp_path, SMALL), Tail([str(log_file)]), {}, clock).start()
    log_file.append(text + b"\n")
    engine.step()
    assert totals(engine, "lines_total") == {outcome: 1}
    assert sizes(engine) == (outcome in ("applied", "ignored"))
    assert totals(engine, "read_bytes_total").total() == len(text) + 1


def test_half_a_line_lost_with_its_file_is_counted_in_bytes_and_not_as_a_line(
    log_file: LogFile, clock: FakeClock, tmp_path: Path
) -> None:
    engine = Engine(contract_of(tmp_path, SMALL), Tail([str(log_file)]), {}, clock).start()
    log_file.append(b"{}\nhalf")
    engine.step()
    log_file.path.unlink()
    for _ in range(3):
        clock.advance(20)
        engine.step()
    clock.advance(1)
    engine.step()
    assert totals(engine, "lines_total") == {"unknown_schema": 1}
    assert totals(engine, "lost_bytes_total").total() == 4
