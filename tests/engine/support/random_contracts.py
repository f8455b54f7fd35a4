"""Random contracts and lines for them, by chance: of all kinds of words, metrics, conditions and pairs, and odd values.

In: a chance. Out: the YAML of a contract that holds, without its head, and lines of JSON that it may take or refuse.
"""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import yaml

from tests.engine.support.harness import NOW

__all__ = ["contract_text", "lines"]

Json = Any

KINDS = ["buy", "sell", "hold"]
NAMES = ["a", "b", "A b", "n0", "n1", "n2", "n3", "n4", "other", "x" * 40, "ü", "a\nb", " b "]
NUMBERS: list[object] = [
    0,
    1,
    0.5,
    0.25,
    -1,
    7,
    1e3,
    1e308,
    2.5,
    "1",
    "2.5",
    "1e3",
    "-",
    "open",
    True,
    None,
    float("nan"),
    float("inf"),
    [],
    {},
]
ODD: list[object] = [None, None, "", " ", 200, 200.0, 5e2, 0.5, True, [], {"a": 1}, "buyer", "order 7 over limit", "x"]
ORDERS: list[object] = [*(f"o{number}" for number in range(8)), 7, "7", " o1 ", "ö" * 3, "o" * 200, None, True, ""]
EDGES = {"open_to_ack": ["open", "ack"], "ack_to_done": ["ack", "done"], "open_to_done": ["open", "done"]}
OF_PAIRS = {"stage", "order", "edge", "at", "latency"}
LINES = ["", "{", "[]", '{"v":1}{"v":1}', '{"v":-NaN}', "7", "\u2028"]


def times(chance: Random, ago_ms: int) -> object:
    """Return what may stand where a time is read: mostly that time or one in its second, in one of the usual forms."""
    stamp = datetime.fromtimestamp(NOW, UTC) - timedelta(milliseconds=ago_ms)
    nanos = stamp.strftime("%Y-%m-%dT%H:%M:%S") + f".{chance.randrange(10**9):09}Z"
    good: list[object] = [
        stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        stamp.astimezone().isoformat(),
        stamp.replace(tzinfo=None).isoformat(" "),
        nanos,
        stamp.timestamp(),
        int(stamp.timestamp()),
        str(int(stamp.timestamp())),
        f"{stamp.timestamp():.3f}",
    ]
    odd: list[object] = [None, "", "yesterday", NOW + 99, -5, "0001-01-01T00:00:00Z", True, math.inf, {}]
    return chance.choice(good if chance.random() < 0.85 else odd)


def vocabulary(chance: Random) -> Json:
    kind: Json = {"values": KINDS, "aliases": {"buy": ["long"]}}
    if chance.random() < 0.5:
        kind["otherwise"] = "else"
    name: Json = {"allow": "a-z0-9_", "fold": chance.random() < 0.5, "max_length": 8, "max_values": 3}
    return {
        "kind": kind,
        "code": {"values": [200, 500], "otherwise": "other"},
        "state": {"values": ["up", "down"], "default": "down"} if chance.random() < 0.3 else {"values": ["up", "down"]},
        "run": name if chance.random() < 0.5 else name | {"default": "none"},
        "desk": {"allow": "a-z", "fold": True, "max_length": 5, "max_values": 2, "otherwise": "rest"},
        "stage": {"values": ["open", "ack", "done", "note"]},
        "edge": {"values": [*EDGES]},
        "order": {"type": "id"},
        "latency": {"type": "number", "unit": "seconds", "min": 0},
        "size": {"type": "number", "min": 0},
        "heat": {"type": "number"},
        "lag": {"type": "number", "unit": "seconds", "is": "at - seen", "min": -5000},
        "cost": {"type": "number", "is": "size * heat", "max": 100},
        "at": {"type": "time", "max_future": 5},
        "seen": {"type": "time", "max_future": 5},
    }


def source(chance: Random, number: int) -> Json:
    kind: Json = {"path": "kind", "contains": {"limit": "hold"}, "prefixes": {"bu": "buy"}}
    if chance.random() < 0.3:
        kind["otherwise"] = "sell"
    elif chance.random() < 0.4:
        kind["required"] = True
    read: Json = {
        "kind": kind,
        "code": "code",
        "state": "state",
        "run": [{"path": "run"}, {"path": "d.run"}],
        "desk": chance.choice(["desk", "run"]),
        "size": [{"path": "size"}, {"path": "d.size", "scale": 0.5}],
        "heat": "heat",
        "stage": "stage",
        "order": [{"path": "order"}, {"path": "d.order"}],
        "at": "at",
        "seen": [{"path": "seen"}, {"path": "at"}],
    }
    if chance.random() < 0.3:
        read["heat"] = {"path": "heat", "none": ["-"], "aliases": {1: ["true", "open"], 0: ["false"]}}
        read["seen"] = [{"path": "seen", "none": ["yesterday"]}, {"path": "at"}]
        read["run"] = {"path": "run", "none": ["a", ""]}
    for word in ("code", "run", "desk", "size", "heat", "seen", "at"):
        if chance.random() < 0.15:
            del read[word]
    if chance.random() < 0.3:
        read |= {"edge": "edge", "latency": {"path": "ms", "scale": 0.001}}
    matches: list[Json] = [
        {"v": number},
        [{"path": ["v"], "not": [9]}, {"path": "v", "in": [number]}],
    ]
    matches += [{"v": {"min": number, "max": number}, "row": {"present": True}}, {"v": number, "size": {"min": 0.5}}]
    made: Json = {"match": chance.choice(matches), "read": read}
    if chance.random() < 0.4:
        made |= {"by": "row", "rows": {"one": {}, "two": {"state": "up", "heat": 4}}}
        for word in ("state", "heat"):
            read.pop(word, None)
    return made


def metrics(chance: Random) -> Json:
    labels = [["kind"], ["kind", "run"], ["desk"], ["run", "desk", "source"], [], [{"of": "code"}], ["state", "kind"]]
    conditions: list[Json] = [
        {},
        {"kind": ["buy", "sell"]},
        {"run": {"present": True}},
        {"desk": "a"},
        {"state": {"present": False}},
        {"heat": {"min": 0, "max": 5, "not": 1}},
        {"size": {"present": True}, "kind": {"not": ["hold"]}},
        {"at": {"present": True}, "heat": {"not": [0.5, 2]}},
        {"size": {"present": False}},
        {"lag": {"max": 0}, "cost": {"not": 1}},
    ]
    jobs: list[Json] = [
        {"type": "counter", "counts": "kind"},
        {"type": "counter", "counts": "events"},
        {"type": "counter", "counts": "events", "amount": "size"},
        {"type": "histogram", "observes": "size", "buckets": [0.5, 2, 10]},
        {"type": "gauge", "sets": "heat"},
        {"type": "gauge", "sets": "heat", "newest_by": "lines"},
        {"type": "gauge", "sets": "heat", "newest_by": "seen"},
        {"type": "gauge", "adds": "heat"},
        {"type": "gauge", "sets": "lag", "newest_by": "lines"},
        {"type": "gauge", "adds": "cost"},
        {"type": "gauge", "sets": "heat", "keeps": chance.choice(["max", "min"])},
        {"type": "gauge", "sets": "at"},
        {"type": "gauge", "sets": "seen"},
    ]
    made: Json = {"kinds_total": {"type": "counter", "counts": "kind", "labels": ["kind"], "help": "H.", "budget": 9}}
    for number in range(chance.randrange(3, 9)):
        metric: Json = {**chance.choice(jobs), "labels": chance.choice(labels), "help": "H.", "budget": 999}
        if when := chance.choice(conditions):
            metric["when"] = when
        if not metric["labels"]:
            del metric["labels"]
        made[f"m{number}{'_total' * (metric['type'] == 'counter')}"] = metric
    if chance.random() < 0.6:
        made["state"] = {"type": "gauge", "states": "state", "labels": ["state", "run"], "help": "H.", "budget": 99}
    for number, names in enumerate((["edge"], ["edge", "run"], ["kind", "source"])[: chance.randrange(1, 4)]):
        joined: Json = {"when": {"edge": {"present": True}}} if "edge" in names else {}
        taken: Json = {"type": "histogram", "observes": "latency", "labels": names, "buckets": [0.5, 60, 1000]}
        made[f"taken{number}_seconds"] = {**taken, **joined, "help": "H.", "budget": 999}
    made["refused_total"] = {
        "type": "counter",
        "rejections": {"bad_json": "bad", "missing_fields": "missing", "unknown_schema": "unknown"},
        "labels": ["reason", "source"],
        "help": "H.",
        "budget": 99,
    }
    return made


def contract_text(chance: Random) -> str:
    """Return a contract that holds: words nothing uses, or nothing fills, are left out."""
    document: Json = {
        "vocabulary": vocabulary(chance),
        "sources": {"one": source(chance, 1), "two": source(chance, 2)},
        "metrics": metrics(chance),
    }
    filled = set.intersection(*({*one["read"], "source", "events"} for one in document["sources"].values()))
    made = {"lag": {"at", "seen"}, "cost": {"size", "heat"}}
    filled |= {word for word, parts in made.items() if parts <= filled}
    pair = {"id": "order", "stage": "stage", "at": "at", "edge": "edge", "latency": "latency", "edges": EDGES}
    is_paired = chance.random() < 0.7 and "at" in filled
    if is_paired:
        document["pairs"] = {"orders": pair | {"timeout": chance.choice([60, 900, 20000])}}
        filled |= OF_PAIRS
    for name, metric in list(document["metrics"].items()):
        job = next((metric[job] for job in ("counts", "observes", "adds", "sets", "states") if job in metric), "events")
        names = [label if isinstance(label, str) else label["of"] for label in metric.get("labels", [])]
        words = {
            job,
            metric.get("amount", "events"),
            metric.get("newest_by", "events").replace("lines", "events"),
            *metric.get("when", {}),
            *names,
        }
        if "rejections" not in metric and not words <= filled:
            del document["metrics"][name]
    used: set[str] = {*OF_PAIRS} if is_paired else set()
    for metric in document["metrics"].values():
        used |= {
            str(metric.get(job)) for job in ("counts", "observes", "adds", "sets", "states", "amount", "newest_by")
        }
        used |= {*metric.get("when", {})}
        used |= {label if isinstance(label, str) else label["of"] for label in metric.get("labels", [])}
    used |= {part for word in used & made.keys() for part in made[word]}
    for one in document["sources"].values():
        used |= {word for word, read in one["read"].items() if isinstance(read, dict) and read.get("required")}
    for metric in document["metrics"].values():
        subject = metric.get("sets") or metric.get("states")
        reads = [{*one["read"]} for one in document["sources"].values() if subject in one["read"]]
        decides = set.intersection(*reads) & {"at", *used & {"seen"}} if reads else set()
        if subject not in ("at", "seen") and not {"newest_by", "keeps"} & metric.keys() and decides == {"at"}:
            used.add("at")
    for one in document["sources"].values():
        one["read"] = {word: read for word, read in one["read"].items() if word in used}
        one["rows"] = {row: {w: c for w, c in cells.items() if w in used} for row, cells in one.get("rows", {}).items()}
        if not one["rows"]:
            del one["rows"]
    filled = {word for one in document["sources"].values() for word in one["read"]} | (OF_PAIRS if is_paired else set())
    filled |= {word for word, parts in made.items() if parts <= filled}
    document["vocabulary"] = {w: word for w, word in document["vocabulary"].items() if w in used & filled}
    return yaml.safe_dump(document, sort_keys=False)


def lines(chance: Random, number: int, stages: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a file, in which time goes on by seconds."""
    ago_ms = 10**7
    for _ in range(number):
        ago_ms -= chance.randrange(1000, 60_000)
        yield _line(chance, stages, ago_ms)


def _line(chance: Random, stages: Sequence[str], ago_ms: int) -> str:
    if chance.random() < 0.05:
        return chance.choice(LINES)
    event: Json = {"v": chance.choice([1, 1, 1, 1.0, 2, 2, 2, 2, 3, None])}
    event["row"] = chance.choice(["one", "ONE", " two ", "two", "three", None])
    event["kind"] = chance.choice([*KINDS * 3, "LONG", *ODD])
    event["code"] = chance.choice([200, 200.0, "200", 5e2, 404, 0.5, None])
    event["state"] = chance.choice(["up", "down", "UP", None, "?"])
    event["run"], event["desk"] = chance.choice(NAMES + ODD), chance.choice(NAMES + ODD)
    event["d"] = chance.choice([{"run": chance.choice(NAMES), "size": chance.choice(NUMBERS)}, {}, None, 7])
    event["size"], event["heat"] = chance.choice(NUMBERS), chance.choice(NUMBERS)
    event["stage"], event["order"] = chance.choice(stages), chance.choice(ORDERS)
    event["edge"], event["ms"] = chance.choice([*EDGES, *[None] * 6]), chance.choice([1500, 1e6, *NUMBERS])
    event["at"], event["seen"] = times(chance, ago_ms), times(chance, chance.randrange(10**7))
    for name in list(event):
        if chance.random() < 0.1:
            del event[name]
    return json.dumps(event)
