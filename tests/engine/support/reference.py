"""A second understanding of the contracts: one event after another, straight from the YAML, as plainly as can be.

In: a contract file and lines. Out: what every series must hold. It shares no code with `contracts` and `exporters`, so
that agreement with them means something; it is slow and knows no batches.
"""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from tests.documents import from_yaml
from tests.engine.support.pair_truth import expired_of, outcomes_of
from tests.engine.support.reference_reading import Reader, Refusals, RefusedError, spell

Json = Any
JOBS = ("counts", "observes", "sets", "adds", "states")


class Reference:
    """What one contract's series hold after the lines fed so far."""

    def __init__(self, path: Path, now: float) -> None:
        self.document = from_yaml(path.read_text(encoding="utf-8"))
        self.reader = Reader(self.document, now)
        self.values: dict[tuple[str, ...], float] = {}
        self.buckets: Counter[tuple[str, ...]] = Counter()
        self.lines: Counter[str] = Counter()
        self.refused: Refusals = Counter()
        self.absent: Counter[str] = Counter()
        self.needed: set[str] = set()
        self.measured = {word for word, kind in self.document["vocabulary"].items() if "type" in kind}
        self.places: dict[str, dict[str, None]] = {}
        self.times: dict[tuple[str, ...], Any] = {}
        self.edges: Counter[tuple[str, str]] = Counter()
        self.forgotten: Counter[str] = Counter()
        self.paired: list[tuple[str, str, float, Json, str, Json]] = []

    def feed(self, line: str) -> None:
        """Take one line, whole or not at all."""
        try:
            blank = not line.encode().strip()
            event = None if blank else json.loads(line)
            if isinstance(event, dict):
                return self._take(event)
            if not blank:
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
        for own, has in self.reader.parts_of(self.document["sources"][source].get("parts", {}), event, words):
            moved += [
                self._move(name, metric, {**has, "source": source})
                for name, metric in self._metrics()
                if (metric.get("amount") or next((metric[job] for job in JOBS if job in metric), "")) in own
            ]
        moved += [self._pair(pair, words, source) for pair in self.document.get("pairs", {}).values()]
        self.lines["applied" if any(moved) else "ignored"] += 1
        made = {word for word in self.needed if "is" in self.document["vocabulary"][word]}
        self.needed |= {part for word in made for part in self.document["vocabulary"][word]["is"].split()[::2]}
        self.refused.update(
            {key: n for key, n in refused.items() if key[0] not in self.measured or key[0] in self.needed}
        )
        self.absent.update(
            word for word in self.needed - made if words[word] is None and word not in {key[0] for key in refused}
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

    def _shown(self, metric: Json) -> dict[str, str]:
        """Return label -> word."""
        pairs = [
            (label, label) if isinstance(label, str) else next(iter(label.items()))
            for label in metric.get("labels", [])
        ]
        return dict(pairs)

    def _labels(self, metric: Json, words: dict[str, Any]) -> list[str] | None:
        """Return the label values of a metric, names beyond their cap folded; None if it does not move."""
        if not self._all_pass(metric, words, of_measured=False):
            return None
        labels = [words[word] for word in self._shown(metric).values()]
        if None in labels:
            return None
        return [self._fold(word, label) for word, label in zip(self._shown(metric).values(), labels, strict=True)]

    def _all_pass(self, metric: Json, words: dict[str, Any], of_measured: bool) -> bool:
        return all(
            self._passes(word, words[word], test, limit)
            for word, tests in self._tests(metric)
            if (word in self.measured) == of_measured
            for test, limit in tests.items()
        )

    @staticmethod
    def _tests(metric: Json) -> list[tuple[str, Json]]:
        when = metric.get("when", {}).items()
        return [(word, wanted if isinstance(wanted, dict) else {"in": wanted}) for word, wanted in when]

    @staticmethod
    def _asks(tests: Json) -> bool:
        """Whether what is absent cannot pass."""
        return any((test, limit) != ("present", False) and test != "not" for test, limit in tests.items())

    def _passes(self, word: str, value: Any, test: str, limit: Json) -> bool:
        if test == "present":
            return (value is not None) == bool(limit)
        if test in ("min", "max"):
            return value is not None and bool(value >= limit if test == "min" else value <= limit)
        listed = limit if isinstance(limit, list) else [limit]
        known = value in (listed if word in self.measured else [spell(one) for one in listed])
        return known == (test == "in")

    def _fold(self, name: str, value: str) -> str:
        """Give a name a place if it needs one and there is one, else return what stands for the rest."""
        word = self.document["vocabulary"].get(name, {})
        rest = word.get("otherwise", "other")
        if "allow" not in word or value == rest:
            return value
        places = self.places.setdefault(name, {})
        if value not in places and len(places) < word["max_values"]:
            places[value] = None
        return value if value in places else str(rest)

    def _move(self, name: str, metric: Json, words: dict[str, Any]) -> bool:
        job = next((job for job in JOBS if job in metric), "")
        subject = metric.get("amount") or metric.get(job)
        if not job or (subject in self.measured and not words[f"{subject} is read"]):
            return False
        if job == "counts" and metric[job] != "events" and words[metric[job]] is None:
            return False
        labels = self._labels(metric, words)
        if labels is None:
            return False
        tested = [(word, tests) for word, tests in self._tests(metric) if word in self.measured]
        if any(self._asks(tests) and not words[f"{word} is read"] for word, tests in tested):
            return False
        at = self._time_of(metric, job, words)
        self.needed |= {subject} & self.measured
        self.needed |= {word for word, _ in tested if words[f"{word} is read"]}
        if not self._all_pass(metric, words, of_measured=True):
            return False
        value = 1.0 if subject == "events" or subject not in self.measured else words[subject]
        return value is not None and self._apply(name, metric, job, labels, value, words, at)

    def _apply(
        self, name: str, metric: Json, job: str, labels: list[str], value: Any, words: dict[str, Any], at: Any
    ) -> bool:
        subject = metric.get("amount") or metric.get(job)
        if job in ("counts", "observes", "adds"):
            return self._sum_up(name, metric, labels, float(value))
        if "keeps" in metric:
            known = self.values.get((name, *labels), float(value))
            self.values[name, *labels] = (max if metric["keeps"] == "max" else min)(known, float(value))
            return True
        if job == "states":
            place = list(self._shown(metric).values()).index(subject)
            word = self.document["vocabulary"][subject]
            for other in dict.fromkeys((*word["values"], *filter(None, [word.get("otherwise")]))):
                here = [*labels[:place], spell(other), *labels[place + 1 :]]
                self._set(name, here, float(spell(other) == words[subject]), at)
        elif self.document["vocabulary"][subject]["type"] == "time":
            self._set(name, labels, math.floor(value * 10**6) / 1e6, value)
        else:
            self._set(name, labels, float(value), at)
        return True

    def _time_of(self, metric: Json, job: str, words: dict[str, Any]) -> Any:
        """Return the time that decides whether an event is the newest; None if the order of the lines does."""
        vocabulary = self.document["vocabulary"]
        if job not in ("sets", "states") or "keeps" in metric or vocabulary[metric[job]].get("type") == "time":
            return None
        by = metric.get("newest_by")
        if by is None:
            reads = [self.reader.words_of(source) for source in self.document["sources"].values()]
            times = [
                {word for word in read if vocabulary[word].get("type") == "time"}
                for read in reads
                if metric[job] in read
            ]
            common = set.intersection(*times) if times else set()
            by = common.pop() if len(common) == 1 else "lines"
        if by == "lines":
            return None
        if words[f"{by} is read"]:
            self.needed.add(by)
        return words[by] or 0

    def _set(self, name: str, labels: list[str], value: float, at: Any) -> None:
        if at is None or at >= self.times.get((name, *labels), 0):
            self.values[name, *labels] = value
            self.times[name, *labels] = at or 0

    def _sum_up(self, name: str, metric: Json, labels: list[str], value: float) -> bool:
        total = abs(self.values.get((name, *labels), 0.0) + value)
        if total > 2**53 - 1 if "adds" in metric else math.isinf(total):
            self.refused[metric.get("amount") or metric.get("adds") or metric["observes"], "out_of_range"] += 1
            return True
        self._add(name, labels, value)
        if "buckets" in metric:
            bound = next((bound for bound in metric["buckets"] if value <= bound), math.inf)
            self.buckets[(name, *labels, str(float(bound)))] += 1
        return True

    def series(self) -> dict[str, float]:
        """Return the samples a page must show, by name and labels in alphabetical order; those at 0 may be missing."""
        found: dict[str, float] = {}
        for name, metric in self._metrics():
            shown = [*self._shown(metric)]
            for (_, *labels), value in ((key, value) for key, value in self.values.items() if key[0] == name):
                pairs = dict(sorted(zip(shown, labels, strict=True)))
                found[f"{name}{'_sum' * ('buckets' in metric)}{pairs}"] = value
                count = 0
                for bound in (*metric["buckets"], math.inf) if "buckets" in metric else ():
                    count += self.buckets[(name, *labels, str(float(bound)))]
                    le = {"le": "+Inf" if bound == math.inf else str(float(bound))}
                    found[f"{name}_bucket{dict(sorted((pairs | le).items()))}"] = count
                if "buckets" in metric:
                    found[f"{name}_count{pairs}"] = count
        return found

    # Pairing

    def _pair(self, pair: Json, words: dict[str, Any], source: str) -> bool:
        stage, identity, at = words[pair["stage"]], words[pair["id"]], words[pair["at"]]
        ends = [end for edge in pair["edges"].values() for end in edge]
        if stage not in ends or words[pair["edge"]] is not None:
            return False
        read = {word for word in (pair["id"], pair["at"]) if words[f"{word} is read"]}
        self.needed |= read
        for edge, (_, closing) in pair["edges"].items() if len(read) == 2 else ():
            for _, metric in self._metrics():
                if closing == stage and metric.get("observes") == pair["latency"]:  # joined or not, names take places
                    self._labels(metric, {**words, "source": source, pair["edge"]: edge})
        if identity is None or at is None:
            return False
        self.paired.append((identity, stage, at, words, source, pair))
        return True

    def conclude(self) -> None:
        """Pair the events fed, when nothing follows them."""
        for pair in self.document.get("pairs", {}).values():
            edges = {edge: (opening, closing) for edge, (opening, closing) in pair["edges"].items()}
            events = [event for event in self.paired if event[5] is pair]
            for edge, outcome, latency, event in outcomes_of(events, edges, pair.get("timeout", 300)):
                self.edges[edge, outcome] += 1
                if latency is not None:
                    found = {**event[3], "source": event[4], pair["edge"]: edge, pair["latency"]: float(latency)}
                    found[f"{pair['latency']} is read"] = True
                    for name, metric in self._metrics():
                        if metric.get("observes") == pair["latency"]:
                            self._move(name, metric, found)
            self.forgotten["expired"] += expired_of(events, edges, pair.get("timeout", 300))
