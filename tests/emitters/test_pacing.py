import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from emitters.pacing import Pace, stop_on_signals, write_events
from emitters.writer import Event, Writer


class FakeTime:
    """A clock only its own sleep moves; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class SpyWriter(Writer):
    """A writer that notes when it wrote, and how many lines at once."""

    def __init__(self, path: Path, time: FakeTime) -> None:
        super().__init__(path)
        self.time = time
        self.writes: list[tuple[float, int]] = []

    def append(self, *events: Event) -> None:
        super().append(*events)
        if events:
            self.writes.append((round(self.time.now - 1000, 6), len(events)))


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def writer(tmp_path: Path, time: FakeTime) -> Iterator[SpyWriter]:
    with SpyWriter(tmp_path / "f", time) as spy:
        yield spy


def make_pace(time: FakeTime, interval_s: float) -> Pace:
    return Pace(timedelta(seconds=interval_s), clock=time.clock, sleep=time.sleep)


def numbered(n: int) -> list[Event]:
    return [{"i": i} for i in range(n)]


def test_each_event_is_written_when_it_is_due_and_nothing_is_waited_for_after_the_last(
    writer: SpyWriter, time: FakeTime
) -> None:
    assert write_events(numbered(3), writer, make_pace(time, 0.2)) == 3
    assert writer.writes == [(0.0, 1), (0.2, 1), (0.4, 1)]
    assert time.now == pytest.approx(1000.4)


def test_below_two_milliseconds_a_tick_of_due_lines_is_one_write(writer: SpyWriter, time: FakeTime) -> None:
    assert write_events(numbered(25), writer, make_pace(time, 0.001)) == 25
    assert writer.writes == [(0.0, 1), (0.01, 10), (0.02, 10), (0.03, 4)]


def test_no_interval_means_no_sleep_and_bounded_batches(writer: SpyWriter, time: FakeTime) -> None:
    assert write_events(numbered(1030), writer, make_pace(time, 0)) == 1030
    assert (writer.writes, time.slept) == ([(0.0, 512), (0.0, 512), (0.0, 6)], [])


def test_events_that_are_late_follow_at_once(writer: SpyWriter, time: FakeTime) -> None:
    pace = make_pace(time, 0.2)
    time.now += 0.5
    assert write_events(numbered(4), writer, pace) == 4
    assert writer.writes == [(0.5, 1), (0.5, 1), (0.5, 1), (0.6, 1)]


def test_a_stop_is_noticed_within_a_slice_of_a_long_sleep(writer: SpyWriter, time: FakeTime) -> None:
    pace = make_pace(time, 3600)

    def sleep(seconds: float) -> None:
        FakeTime.sleep(time, seconds)
        pace.stop()

    pace._sleep = sleep
    assert write_events(({"i": i} for i in count()), writer, pace) == 1
    assert time.slept == [0.05]


def test_events_already_taken_are_written_before_a_stop_counts(writer: SpyWriter, time: FakeTime) -> None:
    pace = make_pace(time, 0)

    def events() -> Iterator[Event]:
        for i in count():
            if i == 3:
                pace.stop()
            yield {"i": i}

    assert write_events(events(), writer, pace) == 3
    assert writer.path.read_text(encoding="utf-8") == '{"i":0}\n{"i":1}\n{"i":2}\n'


def test_a_fault_takes_the_place_of_its_event_and_comes_after_the_lines_before_it(
    writer: SpyWriter, time: FakeTime
) -> None:
    def fault(writer: Writer, event: Event, pace: Pace) -> bool:
        writer.append({"fault": event["i"]})
        return True

    written = write_events(numbered(4), writer, make_pace(time, 0), lambda i: fault if i == 2 else None)
    assert written == 4
    assert writer.path.read_text(encoding="utf-8") == '{"i":0}\n{"i":1}\n{"fault":2}\n{"i":3}\n'


def test_an_event_its_fault_did_not_write_is_not_counted(writer: SpyWriter, time: FakeTime) -> None:
    written = write_events(numbered(3), writer, make_pace(time, 0), lambda i: lambda writer, event, pace: i < 1)
    assert written == 1


def test_a_pause_tells_whether_it_was_cut_short(time: FakeTime) -> None:
    pace = make_pace(time, 1)
    assert pace.pause(0.12)
    assert time.now == pytest.approx(1000.12)
    pace.stop()
    assert not pace.pause(1)
    assert time.now == pytest.approx(1000.12)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_a_stop_and_the_old_handler_comes_back(time: FakeTime, number: signal.Signals) -> None:
    pace, before = make_pace(time, 1), signal.getsignal(number)
    with stop_on_signals(pace):
        os.kill(os.getpid(), number)
        assert pace.is_stopped
    assert signal.getsignal(number) is before
