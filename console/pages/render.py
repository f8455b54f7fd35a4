"""Templates to HTML: autoescape everywhere, and the few filters the pages need.

In: a template's name and what it shows. Out: HTML. Static files are read once at the start; a name that is not among
them leads nowhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from console.drawing import sparkline
from console.grafana import exporters_url
from console.runbooks import what_to_do
from console.telemetry import gate_of
from console.timeline import reason_in_words
from console.times import ago, read_time, show

__all__ = ["STATIC", "render"]

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

STATIC: dict[str, tuple[bytes, str]] = {
    path.name: (path.read_bytes(), _TYPES[path.suffix])
    for path in sorted((_HERE / "static").iterdir())
    if path.suffix in _TYPES
}
"""Name -> bytes and media type."""


def _figure(value: object, digits: int = 2) -> str:
    """Return a number for people; a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.2f} %"


def _latency(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 10 else f"{seconds:.1f} s"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _gate(payload: object) -> str:
    """Return in words what a gate decided."""
    name, passed, reason = gate_of(payload if isinstance(payload, dict) else {})
    verdict = {True: "let it pass", False: "blocked it", None: "said neither yes nor no"}[passed]
    return f"{name or 'a gate'} {verdict}{f': {reason_in_words(reason)}' if reason else ''}"


def _moment(at: int | None) -> Markup:
    """Return a time that a script may show in the reader's own zone."""
    text = show(at)
    if text is None:
        return Markup("–")
    day, second = text[:10], text[11:19]
    return Markup(f'<time datetime="{text}">{day} {second} UTC</time>')  # noqa: S704  # digits of ours, nothing to escape


_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)


def _pretty(value: object) -> str:
    """Return a value as JSON, a line for each part of it; what is no JSON, like infinity, as it is."""
    text = _encoder.encode(value)
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    figure=_figure,
    percent=_percent,
    latency=_latency,
    duration=_duration,
    moment=_moment,
    ago=ago,
    age=lambda text, now: ago(read_time(text), now),
    url=lambda text: quote(str(text), safe=""),
    query=lambda values: urlencode({name: value for name, value in values.items() if value}),
    gate=_gate,
    what_to_do=what_to_do,
    unit=lambda path: "row" if path.endswith(".parquet") else "byte",
    pretty=_pretty,
)
_environment.globals.update(sparkline=sparkline, exporters_url=exporters_url)


def render(template: str, **shown: object) -> str:
    """Return a page."""
    return _environment.get_template(template).render(**shown)
