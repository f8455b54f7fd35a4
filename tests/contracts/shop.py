"""A sound contract that tests spoil, and what the loader says of it then."""

from __future__ import annotations

from pathlib import Path

from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract

__all__ = ["SHOP", "contract_of", "faults_of"]

SHOP = """\
exporter: {name: shop, help: Shop events., port: 9200, job: shop}
files: {default: "logs/{run}.jsonl"}
vocabulary:
  kind: {values: [sale, refund], default: sale}
  till: {allow: a-z, max_length: 8, max_values: 3}
  sum: {type: number, min: 0, max: 100}
  state: {values: [open, closed, all]}
  took: {type: number, min: 0}
  at: {type: time}
sources:
  shop:
    match: {v: 1}
    read: {kind: kind, till: till, sum: sum, state: state, took: {path: took, scale: 0.1}, at: ts}
  web:
    match: {v: 2}
    read: {kind: kind, till: till}
metrics:
  shop_events_total:
    {type: counter, help: E., counts: kind, labels: [source, kind, till], budget: 16,
     init: [{source: all, till: [a, b]}, {source: shop, kind: refund, till: a}]}
  shop_sum_total: {type: counter, help: S., counts: events, amount: sum, labels: [kind], budget: 2, when: {kind: sale}}
  shop_state: {type: gauge, help: S., states: state, labels: [state, till], budget: 12, init: [{till: a, state: all}]}
  shop_took_seconds: {type: histogram, help: T., observes: took, labels: [kind], buckets: [1, 2], budget: 2}
  shop_last_timestamp_seconds: {type: gauge, help: L., sets: at, budget: 1}
  shop_refused_total:
    {type: counter, help: R., rejections: {bad_json: bad, missing_fields: lacking}, labels: [source, reason],
     budget: 6, init: [{source: all, reason: all}]}
"""


def faults_of(folder: Path, text: str) -> list[str]:
    """Return the faults of a contract, each as `path: problem`."""
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_contract(path)
    except ContractError as error:
        return [f"{fault.path}: {fault.problem}" for fault in error.faults]
    return []


def contract_of(folder: Path, text: str) -> Contract:
    """Return a sound contract."""
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path)
