"""Emitters: sample events for every exporter, written by a witness that knows none of them.

In: a start time, a count, an interval and a few options. Out: deterministic JSON lines appended to one
file, at the pace asked for and, on request, with the accidents log files meet in practice. It refuses to
know what an exporter makes of a line: nothing here imports `contracts` or `exporters`, so agreement between
the two sides means something. Nothing here can place, change or cancel an order; an emitter can only write
a file.
"""

__all__: list[str] = []
