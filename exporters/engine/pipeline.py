"""One batch of lines -> the updates it makes: decode, translate, join; line by line if a line was not foreseen.

In: a `Batch` and the wall time. Out: a `Processed`. Knows no files, no stored values and no accounts; of values only
which names have taken a place within their word's cap. What a pair remembers of its open ids is here, as it decides
what the next batch does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress

from msgspec import Struct, field

from contracts.model import Contract
from contracts.places import values_of
from exporters.engine.decode import Decoder
from exporters.engine.fields import file_places
from exporters.engine.pairs.pairs import OpenPairs, PairTally
from exporters.engine.translate.plan_cache import Admitted
from exporters.engine.translate.translate import Translator
from exporters.engine.values import Batch, Decoded, Effect, Failure, Update

__all__ = ["Pipeline", "Processed"]


class Processed(Struct):
    """What one batch does.

    `updates` are all changes of series, latencies of pairs included; `decoded` and `effect` say what became of the
    lines, `tally` what became of the edges of pairs, `failures` which lines were refused as internal_error.
    """

    decoded: Decoded
    effect: Effect
    updates: list[Update] = field(default_factory=list)
    tally: PairTally = field(default_factory=PairTally)
    failures: list[Failure] = field(default_factory=list)

    def refused(self, batch: Batch) -> Counter[str]:
        """Return how many lines of the batch were refused, by reason."""
        numbers = Counter(self.decoded.rejected)
        for (_, reason), number in self.effect.rejected.items():
            numbers[reason] += number
        if batch.too_long:
            numbers["too_long"] += batch.too_long
        return numbers


class Pipeline:
    """Processes the batches of one contract, in order.

    Args:
        environment: where words with a default from an environment variable find it.
        admitted: word -> the names that have taken a place within its cap, as they are at any time.
    """

    def __init__(self, contract: Contract, environment: Mapping[str, str], admitted: Admitted | None = None) -> None:
        self._contract, self._environment = contract, environment
        self._asks_files = bool(file_places(contract))
        self._decoder = Decoder(contract)
        self._translator = Translator(contract, environment, admitted)
        self.pairs = OpenPairs(contract)

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return self._translator.defaults()

    def process(self, batch: Batch, now: float) -> Processed:
        """Return what a batch does, judged at wall time `now` (UTC epoch seconds), whatever its lines hold."""
        try:
            decoded, effect = self._understand(batch.data, now, self._file_of(batch.path))
            done = Processed(decoded, effect)
        except Exception:  # noqa: BLE001  # no line can stop an exporter: found and counted line by line
            done = self._process_each(batch, now)
        latencies, done.tally = self.pairs.join(done.effect.joins)
        done.updates = [*done.effect.updates, *latencies]
        return done

    def _understand(self, data: bytes, now: float, file: Mapping[str, str] | None) -> tuple[Decoded, Effect]:
        decoded = self._decoder.decode(data)
        return decoded, self._translator.translate(decoded.events, now, file)

    def _file_of(self, path: str) -> Mapping[str, str] | None:
        """Return what a file's path says, None if nobody asks."""
        return values_of(path, self._contract.files.default) if self._asks_files else None

    def _process_each(self, batch: Batch, now: float) -> Processed:
        """Go through a batch line by line, so that a line no stage foresaw costs itself alone."""
        whole = Processed(Decoded([]), Effect())
        for offset, line in _lines_of(batch):
            try:
                decoded, effect = self._understand(line, now, self._file_of(batch.path))
                whole.decoded.add(decoded)
                whole.effect.add(effect)
            except Exception as error:  # noqa: BLE001  # handed on, counted as internal_error
                whole.decoded.rejected["internal_error"] += 1
                whole.failures.append(Failure(offset, error))
        return whole

    def refused(self, batch: Batch, now: float, wanted: Set[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield reason, offset and text of the first line of a batch refused for each wanted reason.

        Slow: it goes line by line, with a translator of its own, so that looking again changes nothing.
        """
        translator, left = Translator(self._contract, self._environment), set(wanted)
        file = self._file_of(batch.path)
        for offset, line in _lines_of(batch):
            decoded = Decoded([])
            with suppress(Exception):  # that line was counted as internal_error, and is told elsewhere
                decoded = self._decoder.decode(line)
                decoded.rejected.update(
                    reason for _, reason in translator.translate(decoded.events, now, file).rejected
                )
            for reason in left & decoded.rejected.keys():
                yield reason, offset, line
            left -= decoded.rejected.keys()
            if not left:
                return


def _lines_of(batch: Batch) -> Iterator[tuple[int, bytes]]:
    """Yield where each line begins in its file, and the line with its newline; only 0x0A ends a line."""
    offset = batch.start + batch.skipped_bytes
    for line in batch.data.split(b"\n")[:-1]:
        yield offset, line + b"\n"
        offset += len(line) + 1
