"""Samples of a page, compared with those that were expected.

In: exposition text. Out: samples by series, differences as lines of a diff. A contract's own metrics are compared as a
whole; of those an exporter has of itself, only what the expected text speaks of, as every version may add some.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from contracts.model import Metric
from contracts.self_metrics import LIVE, STORED
from exporters.commands.contract.cases import CaseError

__all__ = ["Samples", "difference", "families_of", "kept_text", "read_samples"]

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
"""(sample name, its labels in order) -> value."""

_ALWAYS_SAID = ("lines_total", "refused_values_total", "absent_values_total")
"""What an exporter says of itself that a new expected text gets, without the prefix."""


def read_samples(text: str, name: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples of exposition text.

    Raises:
        CaseError: with `name` and the number of a line that is none.
    """
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            (family,) = text_string_to_metric_families(line + "\n")
            (sample,) = family.samples
        except (ValueError, IndexError) as error:
            problem = 'is no sample; write it like web_requests_total{status="ok"} 3'
            raise CaseError(f"{name}:{number}: {problem}") from error
        found[sample.name, tuple(sorted(sample.labels.items()))] = float(sample.value)
    return found


def difference(expected: Samples, found: Samples) -> list[str]:
    """Return lines of a diff: `-` what was expected, `+` what there is instead."""
    own = _sample_names(STORED.values())
    spoken_of = {own[name] for name, _ in expected if name in own}
    lines = []
    for key in dict.fromkeys([*found, *expected]):
        wanted, got = expected.get(key), found.get(key)
        is_beside = wanted is None and key[0] in own and (own[key[0]] not in spoken_of or not got)
        if is_beside or (wanted is not None and got is not None and _is_same(wanted, got)):
            continue
        lines += [f"- {_text(key, wanted)}"] if wanted is not None else []
        lines += [f"+ {_text(key, got)}"] if got is not None else []
    return lines


def families_of(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every family of a page, but those of the present moment."""
    present = {metric.name for metric in LIVE.values()}
    for text in re.split(r"^(?=# HELP )", page, flags=re.MULTILINE):
        if text and text.split()[2] not in present:
            yield text.split()[2], text


def kept_text(page: str, before: str) -> str:
    """Return what of a page is to be expected from now on, in the form the expected text had before.

    That form is: with or without HELP and TYPE, and which of the metrics an exporter has of itself.
    """
    own = {metric.name for metric in STORED.values()}
    names = _sample_names(STORED.values())
    spoken_of = {names[name] for name, _ in read_samples(before, "before") if name in names}
    if not before:
        spoken_of = {STORED[short].name for short in _ALWAYS_SAID if short in STORED}
    is_whole = "# HELP " in before
    kept = [(name, text) for name, text in families_of(page) if name not in own or name in spoken_of or is_whole]
    if is_whole:
        return "".join(text for _, text in kept)
    return "".join(_plain(text, name in own) for name, text in kept)


def _plain(text: str, without_zeros: bool) -> str:
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
    return "".join(line for line in lines if not (without_zeros and line.endswith(" 0.0\n")))


def _sample_names(metrics: Iterable[Metric]) -> dict[str, str]:
    """Return every name that samples of these metrics have -> the metric's name."""
    endings = {"histogram": ("_bucket", "_count", "_sum")}
    return {metric.name + end: metric.name for metric in metrics for end in endings.get(metric.type, ("",))}


def _is_same(wanted: float, got: float) -> bool:
    return wanted == got or (math.isnan(wanted) and math.isnan(got))


def _text(key: tuple[str, tuple[tuple[str, str], ...]], value: float) -> str:
    name, labels = key
    escaped = [(label, text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for label, text in labels]
    inside = ",".join(f'{label}="{text}"' for label, text in escaped)
    return f"{name}{{{inside}}} {value!r}" if inside else f"{name} {value!r}"
