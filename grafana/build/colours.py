"""Which colour a line of a panel has: red what went wrong, green what went well, and never red for anything else.

In: the queries of a panel. Out: Grafana overrides, one per name that can be known beforehand: a legend's own words, and
the closed values of its last label. Open names (strategies, hosts) keep the colours Grafana gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from grafana.build.queries import Query
from grafana.build.sdk import dashboard

__all__ = ["overrides_of"]

_WRONG = re.compile(
    r"(?i)(^|[ _])(errors?|rejects?|rejected|failed|fail|mismatch\w*|lost|negative|unreadable|not JSON|"
    r"bad_json|invalid_utf8|not_object|too_long|unknown_schema|missing_fields|too_many_parts|internal_error)($|[ _,])"
)
_STOPPED = re.compile(r"(?i)(^|[ _])(blocked|block)($|[ _])")
_WELL = re.compile(r"(?i)^(accept|approved|orders approved|applied|joined|fill|filled|200|p50|allow)$")
_QUIET = re.compile(r"(?i)^(noop|ignored|blank|none|other|flat|400|404)$")
_REDS = ("red", "dark-red", "light-red", "semi-dark-red", "super-light-red")
_ORANGES = ("orange", "dark-orange", "light-orange")
_GREYS = ("#9fa7b3", "#6e7682", "#c4c9d0")
_OTHERS = (
    *("blue", "yellow", "purple", "super-light-blue", "dark-yellow", "light-purple", "dark-blue", "super-light-yellow"),
    *("dark-purple", "light-blue", "super-light-purple", "semi-dark-blue", "light-yellow", "semi-dark-purple"),
)
_GREENS = ("green", "dark-green", "light-green")
_DASHED = {"fill": "dash", "dash": [8, 6]}


def overrides_of(queries: Iterable[Query]) -> list[dashboard.DashboardFieldConfigSourceOverrides]:
    """Return a colour for every known name, and dashes for what is of a live run where shadow is shown beside it."""
    known = tuple(queries)
    names = list(dict.fromkeys(name for query in known for name in _names(query)))
    counts: dict[tuple[str, ...], int] = {}
    found = []
    for pattern, name in names:
        colors = (
            _REDS
            if _WRONG.search(name)
            else _ORANGES
            if _STOPPED.search(name)
            else _GREENS
            if _WELL.search(name)
            else _GREYS
            if _QUIET.search(name)
            else _OTHERS
        )
        place = counts.get(colors, 0)
        counts[colors] = place + 1
        color = {"mode": "fixed", "fixedColor": colors[place % len(colors)]}
        found.append(_override(pattern, "color", color))
    if any("{{mode}}" in query.legend for query in known):
        found.append(_override(r"/\blive\b/", "custom.lineStyle", _DASHED))
    return found


def _names(query: Query) -> Iterator[tuple[str, str]]:
    """Yield (pattern of Grafana, name): the legend itself, or each closed value of its last label."""
    labels = re.findall(r"\{\{(\w+)\}\}", query.legend)
    if not labels:
        if query.legend:
            yield f"/^{_plain(query.legend)}$/", query.legend
        return
    is_alone = not set(labels[:-1]) - {"mode"}
    for text in query.families[0].values.get(labels[-1], ()):
        if not is_alone and not _WRONG.search(text):
            continue  # lines that differ in what stands before it need colours of their own
        around = query.legend.rpartition("{{")
        before = r"(^|[ →])" if around[0] else "^"
        after = _plain(query.legend.rpartition("}}")[2])
        yield f"/{before}{_plain(text)}{after}$/", text


def _override(pattern: str, key: str, value: object) -> dashboard.DashboardFieldConfigSourceOverrides:
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byRegexp", options=pattern),
        properties=[dashboard.DynamicConfigValue(id_val=key, value=value)],
    )


def _plain(text: str) -> str:
    """Return a text as part of a pattern between slashes that means nothing but itself."""
    return re.sub(r"([.*+?^${}()|\[\]\\/])", r"\\\1", text)
