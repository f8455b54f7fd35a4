"""One contract from lines to committed values, without files, threads or a wall clock.

In: the YAML of a small contract, and events. Out: what the series hold. It does what `run` does with a batch.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from contracts.load import load_contract
from contracts.model import Contract
from exporters.engine.accounting import STORED, Accounting, Vitals
from exporters.engine.decode import Decoder
from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.records import Change
from exporters.engine.series import SeriesTable
from exporters.engine.stored import read_rows, row_of
from exporters.engine.translate.translate import Translator
from exporters.engine.values import Batch, Effect, Sample, Snapshot

NOW = 1_769_300_000.0
"""2026-01-25T00:13:20Z, the wall time of tests that do not say their own."""

HEAD = """
exporter: {name: sample, help: A sample., port: 9999, job: sample}
files: {default: sample.jsonl}
"""

Event = Mapping[str, object] | str | bytes
Row = tuple[str, str, object]
Values = dict[tuple[str, ...], float]


def contract_of(folder: Path, text: str) -> Contract:
    """Return the contract that HEAD and `text` make."""
    path = folder / "sample.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_contract(path)


def line_of(event: Event) -> bytes:
    """Return one line of JSONL; texts and bytes are lines already, without their newline."""
    if isinstance(event, bytes):
        return event + b"\n"
    text = event if isinstance(event, str) else json.dumps(event)
    return text.encode() + b"\n"


def stored(changes: Iterable[Change]) -> list[Row]:
    """Return the rows that changes are stored as."""
    return [row_of(change) for change in changes]


def vitals(**more: object) -> Vitals:
    """Return what an engine over nothing says of itself, but for what the test says."""
    said: dict[str, object] = dict.fromkeys(Vitals.__struct_fields__, 0)
    return msgspec.convert({**said, "state_ok": True, "open_pairs": {}, "contract_refused": False, **more}, Vitals)


class Bench:
    """The pure stages of one exporter, at a wall time of the test's choosing."""

    def __init__(
        self, contract: Contract, environment: Mapping[str, str] | None = None, rows: Iterable[Row] = ()
    ) -> None:
        self.contract = contract
        self.now = NOW
        self.files_end = True  # with every batch, as when a file is followed
        self.state = SeriesTable((*contract.metrics, *STORED.values()), contract.words)
        self.translator = Translator(contract, environment or {}, self.state.seen)
        self.pairs = OpenPairs(contract)
        self.effect = Effect()
        self._decoder = Decoder(contract)
        self._accounting = Accounting(contract)
        self._read = 0
        saved = read_rows(rows)
        self.left = self.state.restore(saved, contract)
        self.pairs.restore(saved)
        self.state.begin(contract, self.translator.defaults(), self.now)
        self.state.apply(self._accounting.begin(), self.now)
        self.state.commit()

    def feed(self, *events: Event) -> "Bench":
        """Take the events as one batch and commit; `effect` is what the translator made of it."""
        data = b"".join(map(line_of, events))
        batch = Batch("sample.jsonl", self._read, self._read + len(data), data)
        self._read = batch.end
        decoded = self._decoder.decode(data)
        self.effect = self.translator.translate(decoded.events, self.now)
        latencies, tally = self.pairs.join(self.effect.joins)
        tally += self.pairs.settle() if self.files_end else Counter()
        self.state.admit(self.effect.names)
        applied = self.state.apply([*self.effect.updates, *latencies], self.now)
        self.state.apply(self._accounting.lines(batch, decoded, self.effect), self.now)
        self.state.apply(self._accounting.joined(tally), self.now)
        self.state.apply(self._accounting.folded(applied.overflow, applied.refused), self.now)
        self.state.commit()
        return self

    def feed_each(self, *events: Event) -> "Bench":
        """Take each event as a batch of its own."""
        for event in events:
            self.feed(event)
        return self

    def conclude(self) -> "Bench":
        """Count what pairs wait for in vain: nothing will be fed any more."""
        self.state.apply(self._accounting.joined(self.pairs.conclude()), self.now)
        self.state.commit()
        return self

    def rows(self) -> list[Row]:
        """Return all that a restart needs, as it comes back from a file."""
        changes = (*self.state.changes(everything=True), *self.pairs.changes(everything=True))
        rows = stored(changes)
        return [(kind, key, json.loads(json.dumps(value))) for kind, key, value in rows if value is not None]

    def snapshot(self) -> Snapshot:
        """Return the committed values."""
        return self.state.snapshot()

    def samples(self, name: str) -> list[Sample]:
        """Return the committed samples of a metric; about the exporter itself without its prefix."""
        names = {name, f"peak_trade_exporter_{name}"}
        return [sample for metric, samples in self.snapshot() if metric.name in names for sample in samples]

    def values(self, name: str) -> Values:
        """Return labels -> value of a metric (a histogram's sum)."""
        return {sample.labels: sample.value for sample in self.samples(name)}

    def moved(self, name: str) -> Values:
        """Return labels -> value of the series that are not 0; of the exporter's own without the exporter's name."""
        own = name in (metric.removeprefix("peak_trade_exporter_") for metric in STORED)
        return {labels[own:]: value for labels, value in self.values(name).items() if value}

    def everything(self) -> dict[tuple[str, ...], tuple[float, tuple[int, ...]]]:
        """Return (metric, labels...) -> value and buckets of all there is."""
        return {
            (metric.name, *sample.labels): (sample.value, sample.buckets)
            for metric, samples in self.snapshot()
            for sample in samples
        }
