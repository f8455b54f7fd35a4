"""What one call moves: names beyond their cap, and calls that are refused."""

from __future__ import annotations

import tracemalloc

from exporters.multiprocess.exposed import first_series
from exporters.telemetry.cells import OwnCells
from exporters.telemetry.recorder import Recorder
from tests.multiprocess.folders import the_contract

SIGNALS = "peaktrade_strategy_signals_total"
OVERFLOW = ("peak_trade_exporter_label_overflow_total", ("metricsd", SIGNALS, "strategy_id"))
UNKNOWN = ("peak_trade_exporter_refused_values_total", ("metricsd", "signal", "unknown_value"))
REFUSED = ("peak_trade_exporter_refused_values_total", ("metricsd", "signal", "mistyped"))


def test_a_name_beyond_its_cap_counts_at_every_call_and_one_of_a_refused_call_never() -> None:
    recorder = Recorder(the_contract(), OwnCells().make)
    recorder.begin(first_series(the_contract(), {}))
    for number in range(25):
        recorder.count(SIGNALS, (f"s{number:02}", "long"))
    for _ in range(3):
        recorder.count(SIGNALS, ("s24", "long"))
        recorder.count(SIGNALS, ("s18", "long"))
        recorder.count(SIGNALS, ("s24", None))
        recorder.count(SIGNALS, ("s24", "sideways"))
    values = recorder.values()
    shown = {labels[0]: value for (name, labels), value in values.items() if name == SIGNALS and "long" in labels}
    assert shown == {"na": 0, **{f"s{number:02}": 1 for number in range(18)}, "s18": 4, "other": 9}
    assert (values[OVERFLOW], values[REFUSED], values[UNKNOWN]) == (9, 3, 3)


def test_what_is_remembered_of_calls_is_bounded_however_many_and_long_they_are() -> None:
    recorder = Recorder(the_contract(), OwnCells().make)
    tracemalloc.start()
    for number in range(3000):
        recorder.count(SIGNALS, (f"{number} {'x' * 20_000}", "sideways"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4_000_000
    assert recorder.values()[UNKNOWN] == 3000
