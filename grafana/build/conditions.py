"""The questions whose answer is a word: up, present, active, which state, what fires, and since when.

In: a `Selector` of a known family, and of `up` where a target that is down must count as one that says no. Out: a
`Query` whose value is a place among words. Of several hosts the worst counts, or each has its own answer.
"""

from __future__ import annotations

from grafana.build.catalogue import DashboardError
from grafana.build.queries import Query, Selector, age, checked, folded, legend_of, require

__all__ = [
    "DEAD",
    "beside",
    "is_active",
    "is_alive",
    "is_present",
    "is_reachable",
    "lasting",
    "newest",
    "which",
]

DEAD = -99
"""The place of a state nobody can ask for."""


def which(selector: Selector, label: str, *by: str, at: Selector, fresh_s: int, up: Selector) -> Query:
    """Return the place (from 1) of the current state among the closed values of `label`, on each host; 0 if none is.

    `at` is when the newest event was: beyond `fresh_s` seconds, or without a file, the place is negative, as nobody
    knows whether it still is so; it is `DEAD` of a host whose exporter is down. Both families have the labels `by`.
    """
    require(selector, "gauge")
    if not selector.family.values.get(label):
        raise DashboardError(f"{selector.family.name}: the values of {label} are not closed, so it has no places")
    each = (*checked(selector, by), "instance")
    parts = []
    for place, text in enumerate(selector.family.values[label], start=1):
        selector.family.check_value(label, text)
        one = folded("sum", selector.text("", f'{label}="{text}"'), each)
        parts.append(one if place == 1 else f"{place} * {one}")
    newest = folded("max", at.while_filed.now, (*checked(at, by), "instance"))
    sign = f"on ({', '.join(each)}) (1 - 2 * (time() - {newest} > bool {fresh_s}))"
    known = f"({' + '.join(parts)})"
    dead = f"{DEAD} + 0 * max by (instance) ({up.text()} == 0)"
    for label in by:  # a dead exporter has none of them, and legends need them
        dead = f'label_replace({dead}, "{label}", "any {label}", "", "")'
    expr = f"{known} * {sign} or -1 * {known} or on (instance) {dead}"
    return Query(expr, "none", (selector.family, at.family), legend_of(each))


def beside(counted: Selector, witness: Selector) -> Query:
    """Return how many series there are besides the witness; nothing while there is no witness.

    What is always there, such as an alert that always fires, tells none from nobody looking.
    """
    for selector in (counted, witness):
        require(selector, "gauge")
    expr = f"count({counted.text()}) - count({witness.text()})"
    return Query(expr, "short", (counted.family,))


def lasting(alerts: Selector, since: Selector, *labels: str) -> Query:
    """Return for how long each alert has been in its state, by the labels a reader needs."""
    kept = f"{since.text()} and ignoring (alertstate) {alerts.text()}"
    return Query(f"time() - min by ({', '.join(labels)}) ({kept})", "s", (alerts.family, since.family))


def is_active(selector: Selector, window: str, recent: str) -> Query:
    """Return 1 if a counter grew in `window` on every host, 2 if on one it did not in `recent`, 0 if on one it did not.

    Nothing if it does not exist.
    """
    long, short = (
        f"min(sum by (job, instance) ({selector.guarded(f'increase({selector.text()}[{window}])')}) > bool 0)"
        for window in (window, recent)
    )
    return Query(f"{long} * (2 - {short})", "none", (selector.family,))


def is_alive(selector: Selector, up: Query) -> Query:
    """Return 1 if every target shows this gauge with 1, 0 if one does not or is down, nothing if there is none."""
    shown = folded("min", selector.text(), ("job", "instance"))
    return Query(f"min({shown} or on (job, instance) 0 * {up.expr})", "none", (selector.family, *up.families))


def newest(at: Selector, filed: Selector, up: Selector) -> Query:
    """Return the age of the newest event in seconds, of the host that lags most; or why there is none.

    That is -3 while an exporter is down, -2 while its file is gone, -1 if no event was in it yet.
    """
    down = f"min({up.text()}) - 3 == -3 or absent({up.text()}) - 4"
    gone = f"min({filed.text()}) - 2 == -2"
    return Query(f"{down} or {gone} or {age(at).expr} or sum({up.text()}) * 0 - 1", "s", (at.family,), "age")


def is_present(selector: Selector, up: Query) -> Query:
    """Return 1 if the family has series on every target of its job, 0 if not, or if Prometheus knows none."""
    each = f"count by (job, instance) ({selector.text()}) > bool 0 or on (job, instance) 0 * {up.expr}"
    return Query(f"min({each}) or absent({selector.text()}) - 1", "none", (selector.family, *up.families))


def is_reachable(selector: Selector) -> Query:
    """Return 1 if the target answers, 0 if it does not or is not scraped at all."""
    expr = f"min by (job) ({selector.text()}) or (absent({selector.text()}) - 1)"
    return Query(expr, "none", (selector.family,), "{{job}}")
