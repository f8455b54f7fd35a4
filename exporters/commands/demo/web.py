"""The questions the demo asks, by port on this machine.

In: a port and a question. Out: plain values, or None when nobody answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from exporters.commands.verify.client import Answer, HttpClient, NoAnswerError, query, read_families

__all__ = ["Series", "answers", "ask_prometheus", "read_metrics"]

Series = dict[frozenset[tuple[str, str]], float]
"""Label set -> value."""


def answers(port: int, path: str) -> bool:
    """Whether there is such a page."""
    try:
        HttpClient(f"http://127.0.0.1:{port}").read(path)
    except NoAnswerError:
        return False
    return True


def read_metrics(port: int) -> Mapping[str, Series] | None:
    """Return sample name -> series of the exporter on `port`, or None if it does not answer."""
    try:
        families = read_families(HttpClient(f"http://127.0.0.1:{port}").read("/metrics"))
    except NoAnswerError:
        return None
    found: dict[str, Series] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def ask_prometheus(port: int, promql: str) -> Answer | None:
    """Return (labels, value) of each series `promql` answers with, or None if Prometheus does not answer."""
    try:
        return query(HttpClient(f"http://127.0.0.1:{port}"), promql)
    except NoAnswerError:
        return None
