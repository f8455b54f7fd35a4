"""One cause, one FAIL: what only follows from another finding is said as such.

In: findings. Out: the same, those that follow from one that is nearer to the cause turned into WARN, with its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exporters.commands.verify.finding import Depth, Finding

__all__ = ["tell_causes"]

_FOLLOWS = {
    Depth.PAGE: tuple(Depth),
    Depth.TARGET: (Depth.LOSS, Depth.STALE, Depth.ANSWER),
    Depth.SOURCE: (Depth.STALE, Depth.ANSWER),
    Depth.LOSS: (Depth.STALE, Depth.ANSWER),
    Depth.STALE: (Depth.ANSWER,),
}
"""Depth of a cause -> depths at which nothing new is learnt of the same exporter."""


def tell_causes(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, in their order; of each exporter only causes stay FAIL."""
    failing = [finding for finding in findings if not finding.passed and finding.about]
    return [_told(finding, failing) for finding in findings]


def _told(finding: Finding, failing: Sequence[Finding]) -> Finding:
    if finding.passed:
        return finding
    causes = [one for one in failing if _follows(finding, one)]
    if not causes:
        return finding
    cause = min(causes, key=lambda one: one.depth)
    return replace(finding, level="WARN", message=f"follows from {cause.id}: {finding.message}")


def _follows(finding: Finding, cause: Finding) -> bool:
    same = finding.about == cause.about and finding.id != cause.id
    return same and finding.depth > cause.depth and finding.depth in _FOLLOWS.get(cause.depth, ())
