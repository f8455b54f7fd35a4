"""A contract that pairs three stages of one thing, and its events; for the tests of pairs."""

from exporters.engine.pairs.entry import SEGMENT
from exporters.engine.pairs.pairs import OpenPairs
from tests.engine.support.harness import NOW

STAGES = """
vocabulary:
  stage: {values: [open, ack, done, note]}
  edge: {values: [open_to_ack, ack_to_done, open_to_done]}
  mode: {values: [x, y]}
  id: {type: id}
  at: {type: time, max_future: 5}
  latency: {type: number, unit: seconds, min: 0}
sources:
  all:
    match: {}
    read:
      stage: stage
      edge: edge
      mode: mode
      id: [{path: id}, {path: other_id}]
      at: at
      latency: latency
pairs:
  order:
    id: id
    stage: stage
    at: at
    edge: edge
    latency: latency
    edges: {open_to_ack: [open, ack], ack_to_done: [ack, done], open_to_done: [open, done]}
    timeout: 100
    max_open: 3
metrics:
  stages_total: {type: counter, counts: stage, labels: [stage], help: Stages., budget: 4}
  edge_seconds: {type: histogram, observes: latency, when: {edge: {present: true}}, labels: [edge], buckets: [1],
    help: E., budget: 3}
  mode_seconds: {type: histogram, observes: latency, labels: [mode], buckets: [1], help: M., budget: 2}
  exact_seconds: {type: histogram, observes: latency, when: {edge: open_to_ack}, buckets: [1], help: O., budget: 1}
"""


def event(stage: str, after: float, identity: object = "i1", **more: object) -> dict[str, object]:
    return {"stage": stage, "id": identity, "at": NOW - 1000 + after, **more}


def remembered_by(pairs: OpenPairs, name: str = "order") -> dict[str, list[object]]:
    """Return what a pair remembers of each id, in the order of hearing; not how often an id stands in its queue."""
    of_one = pairs._open[name]
    in_order = reversed(dict.fromkeys(reversed(of_one.queue)))
    stored = of_one.codec.stored
    return {one: [*stored(of_one.entries[one]), of_one.entries[one][SEGMENT], 0] for one in in_order}
