"""A second understanding of the contracts: one event after another, straight from the YAML, as plainly as can be.

In: a contract file and lines. Out: what every series must hold. It shares no code with `contracts` and `exporters`, so
that agreement with them means something; it is slow and knows no batches.
"""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from tests.engine.support.reference_reading import Reader, Refusals, RefusedError

Json = Any


class Reference:
    """What one contract's series hold after the lines fed so far."""

    def __init__(self, path: Path, now: float) -> None:
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.reader = Reader(self.document, now)
        self.values: dict[tuple[str, ...], float] = {}
        self.buckets: Counter[tuple[str, ...]] = Counter()
        self.lines: Counter[str] = Counter()
        self.refused: Refusals = Counter()
        self.absent: Counter[str] = Counter()
        self.needed: set[str] = set()
        self.edges: Counter[tuple[str, str]] = Counter()
        self.forgotten: Counter[str] = Counter()
        self.entries: dict[str, dict[str, float]] = {}
        self.joined: set[tuple[str, str]] = set()
        self.clock = -math.inf

    def feed(self, line: str) -> None:
        """Take one line, whole or not at all."""
        try:
            event = json.loads(line) if line.strip() else None
            if isinstance(event, dict):
                return self._take(event)
            if line.strip():
                raise RefusedError("unknown", "not_object")
            self.lines["blank"] += 1
        except ValueError:
            self._reject("unknown", "bad_json")
        except RefusedError as error:
            self._reject(*error.args)
        return None

    def _take(self, event: Json) -> None:
        source, words, refused = self.reader.read(event)
        self.needed.clear()
        moved = [self._move(name, metric, {**words, "source": source}) for name, metric in self._metrics()]
        moved += [self._pair(pair, words, source) for pair in self.document.get("pairs", {}).values()]
        self.lines["applied" if any(moved) else "ignored"] += 1
        measured = {word for word, kind in self.document["vocabulary"].items() if "type" in kind}
        self.refused.update({key: n for key, n in refused.items() if key[0] not in measured or key[0] in self.needed})
        self.absent.update(
            word for word in self.needed if words[word] is None and word not in {key[0] for key in refused}
        )

    def _metrics(self) -> list[tuple[str, Json]]:
        return list(self.document["metrics"].items())

    def _reject(self, source: str, reason: str) -> None:
        self.lines[reason] += 1
        for name, metric in self._metrics():
            shown = metric.get("rejections", {}).get(reason)
            if shown is not None:
                values = {"source": source, "reason": shown}
                self._add(name, [values[label] for label in metric.get("labels", [])], 1)

    def _add(self, name: str, labels: list[str], amount: float) -> None:
        self.values[name, *labels] = self.values.get((name, *labels), 0.0) + amount

    def _labels(self, metric: Json, words: dict[str, Any]) -> list[str] | None:
        names = [label if isinstance(label, str) else next(iter(label.values())) for label in metric.get("labels", [])]
        labels = [words[name] for name in names]
        for word, wanted in metric.get("when", {}).items():
            if isinstance(wanted, dict):
                if (words[word] is not None) != wanted["present"]:
                    return None
            elif words[word] not in (wanted if isinstance(wanted, list) else [wanted]):
                return None
        return None if None in labels else labels

    def _move(self, name: str, metric: Json, words: dict[str, Any]) -> bool:
        if not {"counts", "observes", "sets", "states"} & metric.keys():
            return False
        labels = self._labels(metric, words)
        if labels is None:
            return False
        subject = metric.get("counts") or metric.get("observes") or metric.get("sets") or metric.get("states")
        value = 1.0 if subject == "events" else words[subject]
        if "observes" in metric or "sets" in metric:
            if value is not None and "observes" in metric:
                self._observe(name, metric, labels, value)
            elif value is not None:
                self.values[name, *labels] = max(value, self.values.get((name, *labels), -math.inf))
            if words[f"{subject} is read"]:
                self.needed.add(subject)
            return value is not None
        if "states" in metric:
            at = metric["labels"].index(subject)
            for other in self.document["vocabulary"][subject]["values"]:
                self.values[(name, *labels[:at], other, *labels[at + 1 :])] = float(other == value)
        elif value is not None:
            self._add(name, labels, 1)
        return value is not None

    def _observe(self, name: str, metric: Json, labels: list[str], value: float) -> None:
        self._add(name, labels, value)
        bound = next((bound for bound in metric["buckets"] if value <= bound), math.inf)
        self.buckets[(name, *labels, str(float(bound)))] += 1

    # Pairing

    def _pair(self, pair: Json, words: dict[str, Any], source: str) -> bool:
        stage, identity, at = words[pair["stage"]], words[pair["id"]], words[pair["at"]]
        ends = [end for edge in pair["edges"].values() for end in edge]
        if stage not in ends or words[pair["edge"]] is not None:
            return False
        self.needed |= {word for word in (pair["id"], pair["at"]) if words[f"{word} is read"]}
        if identity is None or at is None:
            return False
        self._forget(pair, at)
        for edge, (opening, closing) in pair["edges"].items():
            if closing == stage:
                outcome = self._close(pair, identity, edge, opening, at)
                self.edges[edge, outcome] += 1
                if outcome == "joined":
                    found = {**words, "source": source, pair["edge"]: edge}
                    found[pair["latency"]] = at - self.entries[identity][opening]
                    for name, metric in self._metrics():
                        if metric.get("observes") == pair["latency"]:
                            self._move(name, metric, found)
        if any(stage == opening for opening, _ in pair["edges"].values()):
            self.entries.setdefault(identity, {}).setdefault(stage, at)
            self.entries[identity]["heard"] = self.clock
        return True

    def _forget(self, pair: Json, at: float) -> None:
        self.clock = max(self.clock, at)
        for identity in [key for key, entry in self.entries.items() if entry["heard"] < self.clock - pair["timeout"]]:
            del self.entries[identity]
            edges = {edge for known, edge in self.joined if known == identity}
            self.forgotten["expired"] += not edges
            self.joined -= {(identity, edge) for edge in edges}

    def _close(self, pair: Json, identity: str, edge: str, opening: str, at: float) -> str:
        opened = self.entries.get(identity, {}).get(opening)
        if opened is None:
            return "orphan"
        if (identity, edge) in self.joined:
            return "repeated"
        if at < opened:
            return "negative"
        if at - opened > pair["timeout"]:
            return "orphan"
        self.joined.add((identity, edge))
        return "joined"
