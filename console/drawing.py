"""Small curves as SVG, drawn here so that a page needs no script: numbers in, text out.

A curve scales to what it shows; a limit is a dashed line. What has fewer than two points is no curve.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

__all__ = ["sparkline"]

_WIDTH, _HEIGHT, _EDGE = 160.0, 36.0, 2.0


def sparkline(values: Sequence[float | None], says: str, limit: float | None = None) -> Markup:
    """Return a curve of the values that are numbers; `says` is read out where nobody sees it."""
    points = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(points) < 2:
        return Markup("")
    shown = [value for _, value in points] + ([] if limit is None else [limit])
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    last = points[-1][0] or 1

    def y(value: float) -> float:
        return _EDGE + (_HEIGHT - 2 * _EDGE) * (1 - (value - low) / span)

    line = " ".join(f"{place / last * _WIDTH:.1f},{y(value):.1f}" for place, value in points)
    dashed = (
        ""
        if limit is None
        else f'<line class="limit" x1="0" x2="{_WIDTH:.0f}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>'
    )
    return Markup(  # noqa: S704  # numbers alone, and a text that is escaped
        f'<svg class="spark" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-label="{escape(says)}"'
        f' preserveAspectRatio="none">{dashed}<polyline points="{line}"/></svg>'
    )
